"""The quick form: the same values, and which operators are left for them."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from engines.graph.quick.form import quick_form
from engines.graph.trial import tried

RISING, FALLING, STEEP = 0.25, -0.5, 1.5
SLOPES = {
    "rising": [RISING] * 6,
    "falling": [FALLING, RISING] * 3,
    "steep": [STEEP, RISING] * 3,
    "all": [FALLING, STEEP, RISING] * 2,
}
IMAGE = np.random.default_rng(5).normal(0, 1, (2, 3, 21, 18)).astype(np.float32)


def drawn(*shape: int) -> np.ndarray:
    return np.random.default_rng(len(shape) + sum(shape)).normal(0, 0.3, shape)


def detector(slopes: list[float], chances: int = 2, boxes: int = 4, opset: int = 11):
    """Return a network as P-Net is: two heads behind Conv, PRelu, MaxPool, chances transposed."""
    channels, make = len(slopes), helper.make_node
    ceiled = {"ceil_mode": 1} if opset > 9 else {}
    weights = {
        "w": drawn(channels, 3, 3, 3),
        "b": drawn(channels),
        "slopes": np.array(slopes)[:, None, None],
        "w1": drawn(chances, channels, 1, 1),
        "b1": drawn(chances),
        "w2": drawn(boxes, channels, 1, 1),
        "b2": drawn(boxes),
    }
    nodes = [
        make("Conv", ["x", "w", "b"], ["c"]),
        make("PRelu", ["c", "slopes"], ["a"], name="activation"),
        make("MaxPool", ["a"], ["p"], kernel_shape=[2, 2], strides=[2, 2], **ceiled),
        make("Conv", ["p", "w1", "b1"], ["l"]),
        make("Conv", ["p", "w2", "b2"], ["boxes"]),
        make("Transpose", ["l"], ["t"], perm=[0, 3, 2, 1]),
        make("Softmax", ["t"], ["s"], axis=3),
        make("Transpose", ["s"], ["chances"], perm=[0, 3, 2, 1]),
    ]
    values = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "detector",
        [values("x", TensorProto.FLOAT, ["n", 3, "h", "w"])],
        [values(name, TensorProto.FLOAT, ["n", None, None, None]) for name in ("boxes", "chances")],
        [numpy_helper.from_array(each.astype(np.float32), name) for name, each in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def operators(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node]


@pytest.mark.parametrize("slopes", SLOPES.values(), ids=SLOPES)
def test_the_quick_form_computes_the_same(slopes):
    model = detector(slopes)
    quick = quick_form(model)
    onnx.checker.check_model(quick, full_check=True)
    ((expected,), (got,)) = (tried(each, [{"x": IMAGE}]) or [] for each in (model, quick))
    for one, other in zip(expected, got, strict=True):
        assert np.abs(np.subtract(other, one)).max() < 2e-6


@pytest.mark.parametrize("slopes", SLOPES.values(), ids=SLOPES)
def test_what_changes_each_value_comes_after_the_pool(slopes):
    assert operators(quick_form(detector(slopes)))[:2] == ["Conv", "MaxPool"]


def test_the_given_network_stays_as_it_is():
    model = detector(SLOPES["all"])
    before = model.SerializeToString(deterministic=True)
    quick_form(model)
    assert model.SerializeToString(deterministic=True) == before


def test_falling_slopes_that_would_need_another_block_stay_before_the_pool():
    assert "MaxPool" not in operators(quick_form(detector([FALLING] + [RISING] * 15)))[:2]
    assert "MaxPool" in operators(quick_form(detector([FALLING] + [RISING] * 14)))[:2]


def test_a_prelu_that_something_else_reads_stays_before_the_pool():
    model = detector(SLOPES["rising"])
    model.graph.output.append(helper.make_tensor_value_info("a", TensorProto.FLOAT, None))
    assert "MaxPool" not in operators(quick_form(model))[:2]


def test_chances_of_two_are_a_sigmoid_in_their_own_order():
    quick = operators(quick_form(detector(SLOPES["rising"])))
    assert "Sigmoid" in quick
    assert not {"Softmax", "Transpose"} & set(quick)


def test_chances_of_three_stay_a_softmax():
    assert "Softmax" in operators(quick_form(detector(SLOPES["rising"], chances=3)))


def test_logits_that_are_an_output_keep_their_values():
    model = detector(SLOPES["rising"])
    model.graph.output.append(helper.make_tensor_value_info("l", TensorProto.FLOAT, None))
    assert "Softmax" in operators(quick_form(model))


@pytest.mark.parametrize(("boxes", "opset", "convolutions"), [(14, 11, 2), (15, 11, 3), (4, 9, 3)])
def test_heads_are_one_convolution_where_they_fit_into_a_block(boxes, opset, convolutions):
    quick = quick_form(detector(SLOPES["rising"], boxes=boxes, opset=opset))
    assert operators(quick).count("Conv") == convolutions


def headed(kernel: int, groups: int = 2) -> onnx.ModelProto:
    """Return a trunk with two heads, of 1 and 5 channels, each behind a convolution of its own."""
    make, values = helper.make_node, helper.make_tensor_value_info
    nodes, weights = [], {}
    for name, channels in (("a", 1), ("b", 5)):
        weights[f"{name}w"] = drawn(channels, 3, 1, 1)
        weights[f"{name}v"] = drawn(channels, 1 if groups else channels, kernel, kernel)
        weights[f"{name}b"] = drawn(channels)
        group = channels if groups else 1
        pads = [kernel // 2] * 4
        nodes += [
            make("Conv", ["x", f"{name}w", f"{name}b"], [f"{name}1"]),
            make("Conv", [f"{name}1", f"{name}v", f"{name}b"], [name], group=group, pads=pads),
        ]
    graph = helper.make_graph(
        nodes,
        "headed",
        [values("x", TensorProto.FLOAT, ["n", 3, "h", "w"])],
        [values(name, TensorProto.FLOAT, ["n", None, None, None]) for name in ("a", "b")],
        [numpy_helper.from_array(each.astype(np.float32), name) for name, each in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=8)


@pytest.mark.parametrize(("groups", "convolutions"), [(2, 2), (0, 3)])
def test_what_follows_each_head_channel_by_channel_is_joined_as_well(groups, convolutions):
    model = headed(3, groups)
    quick = quick_form(model)
    assert operators(quick).count("Conv") == convolutions
    onnx.checker.check_model(quick, full_check=True)
    ((expected,), (got,)) = (tried(each, [{"x": IMAGE}]) or [] for each in (model, quick))
    for one, other in zip(expected, got, strict=True):
        assert np.abs(np.subtract(other, one)).max() < 2e-6


def two_layers(channels: int, slopes: int) -> onnx.ModelProto:
    """Return two convolutions with PRelu and MaxPool between them."""
    make, values = helper.make_node, helper.make_tensor_value_info
    falling = np.where(np.arange(slopes) % 2, FALLING, STEEP)[:, None, None]
    weights = {
        "w": drawn(channels, 3, 3, 3),
        "b": drawn(channels),
        "s": falling,
        "v": drawn(4, channels, 2, 2),
        "c": drawn(4),
    }
    nodes = [
        make("Conv", ["x", "w", "b"], ["1"]),
        make("PRelu", ["1", "s"], ["2"]),
        make("MaxPool", ["2"], ["3"], kernel_shape=[3, 3], strides=[2, 2]),
        make("Conv", ["3", "v", "c"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "two",
        [values("x", TensorProto.FLOAT, ["n", 3, "h", "w"])],
        [values("y", TensorProto.FLOAT, ["n", None, None, None])],
        [numpy_helper.from_array(each.astype(np.float32), name) for name, each in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=8)


@pytest.mark.parametrize(("channels", "slopes"), [(28, 28), (28, 1), (32, 32), (10, 10)])
def test_channels_that_fill_the_last_block_change_nothing(channels, slopes):
    model = two_layers(channels, slopes)
    quick = quick_form(model)
    onnx.checker.check_model(quick, full_check=True)
    ((expected,), (got,)) = (tried(each, [{"x": IMAGE}]) or [] for each in (model, quick))
    assert np.abs(np.subtract(got[0], expected[0])).max() < 1e-5


def test_more_channels_than_a_block_has_fill_blocks():
    shapes = {tuple(each.dims) for each in quick_form(two_layers(28, 28)).graph.initializer}
    assert {(32, 3, 3, 3), (4, 32, 2, 2)} <= shapes
