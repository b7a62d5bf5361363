"""What looks like a place for the quick form, and is none: the network stays, and its values do."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from engines.graph.quick.form import quick_form
from engines.graph.trial import tried

SIDE = 12
IMAGE = np.random.default_rng(5).normal(0, 1, (2, 3, SIDE, SIDE)).astype(np.float32)
make = helper.make_node


def drawn(*shape: int) -> np.ndarray:
    return np.random.default_rng(len(shape) + sum(shape)).normal(0, 0.3, shape)


def network(nodes, outputs, **weights) -> onnx.ModelProto:
    """
    Put a network together.

    Args:
        nodes: From "x" on.
        outputs: How many axes each output has, by its name.
        weights: Constants.
    """
    values = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "network",
        [values("x", TensorProto.FLOAT, ["n", 3, SIDE, SIDE])],
        [values(name, TensorProto.FLOAT, [None] * axes) for name, axes in outputs.items()],
        [numpy_helper.from_array(np.asarray(v, np.float32), name) for name, v in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=8)


def quick_operators(model: onnx.ModelProto) -> list[str]:
    """Return the operators of the quick form, which is as valid and computes the same."""
    quick = quick_form(model)
    onnx.checker.check_model(quick, full_check=True)
    ((expected,), (got,)) = (tried(each, [{"x": IMAGE}]) or [] for each in (model, quick))
    for one, other in zip(expected, got, strict=True):
        assert np.abs(np.subtract(other, one)).max() < 1e-5
    return [node.op_type for node in quick.graph.node]


def pooled(slopes, *, bias=True, pool="MaxPool", within=(), **weights):
    """Return Conv, PRelu and a pool."""
    channels = weights.pop("channels", len(slopes))
    nodes = [
        make("Conv", ["x", "w", "b"][: 2 + bias], ["c"], pads=[1] * 4),
        make("PRelu", ["c", "s"], ["a"]),
        make(pool, ["a"], ["y"], kernel_shape=[2, 2], strides=[2, 2]),
    ]
    weights = {"w": drawn(channels, 3, 3, 3), "b": drawn(channels), "s": slopes} | weights
    return network(nodes, {"y": 4} | dict.fromkeys(within, 4), **weights)


def of_channels(*slopes):
    return np.array(slopes)[:, None, None]


@pytest.mark.parametrize(
    "model",
    [
        pooled(of_channels(-0.5, 0.25), within=["c"]),
        pooled(of_channels(-0.5, 0.25), within=["a"]),
        pooled(of_channels(-0.5, 0.25), pool="AveragePool"),
        pooled(np.linspace(-0.5, 1, SIDE), channels=SIDE),  # one for each column
        pooled(drawn(2, 1, SIDE), channels=2),
        pooled(of_channels(*[-0.5] * 17)),  # would need another block
    ],
)
def test_a_prelu_that_is_not_alone_before_a_pool_stays_before_it(model):
    found = quick_operators(model)
    pools = [at for at, kind in enumerate(found) if kind.endswith("Pool")]
    assert pools == [len(found) - 1]


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    ("slopes", "convolutions"),
    [([0.0] * 16, 1), ([1.0] * 3, 1), ([-0.5, 0.0, 1.0], 3), ([-0.5] * 8, 3), ([-2.0] * 8, 3)],
)
def test_only_a_falling_prelu_needs_convolutions_behind_the_pool(slopes, convolutions, bias):
    found = quick_operators(pooled(of_channels(*slopes), bias=bias))
    assert found[:2] == ["Conv", "MaxPool"]
    assert found.count("Conv") == convolutions


@pytest.mark.parametrize("slopes", [np.array([0.25]), of_channels(0.25), of_channels(-0.5)])
def test_one_slope_of_all_channels_is_as_good_as_one_of_each(slopes):
    assert quick_operators(pooled(slopes, channels=3))[:2] == ["Conv", "MaxPool"]


def test_channels_are_turned_only_where_some_rise_steeply():
    assert "Mul" not in quick_operators(pooled(of_channels(-0.5, 0.25)))
    assert "Mul" in quick_operators(pooled(of_channels(-0.5, 1.5)))


def test_a_prelu_of_the_image_itself_stays_before_the_pool():
    nodes = [
        make("PRelu", ["x", "s"], ["a"]),
        make("MaxPool", ["a"], ["y"], kernel_shape=[2, 2]),
    ]
    assert quick_operators(network(nodes, {"y": 4}, s=of_channels(-0.5, 0.0, 0.5)))[-1] == "MaxPool"


def test_slopes_that_a_node_makes_stay_before_the_pool():
    model = pooled(of_channels(-0.5, 0.25))
    model.graph.node.insert(0, make("Identity", ["s"], ["made"]))
    model.graph.node[2].input[1] = "made"
    assert quick_operators(model)[-1] == "MaxPool"


def test_a_pool_that_tells_places_stays_behind_the_prelu():
    model = pooled(of_channels(-0.5, 0.25))
    model.graph.node[2].output.append("places")
    model.graph.output.append(
        helper.make_tensor_value_info("places", TensorProto.INT64, [None] * 4)
    )
    assert quick_operators(model)[-1] == "MaxPool"


def test_a_convolution_of_groups_is_not_given_more_channels():
    model = pooled(of_channels(-0.5, 0.25, 0.5), w=drawn(3, 1, 3, 3))
    model.graph.node[0].attribute.append(helper.make_attribute("group", 3))
    assert quick_operators(model)[-1] == "MaxPool"


def flat(channels=2, axis=1, **gemm):
    """Return what tells chances of a whole image."""
    shape = (channels, 3) if gemm.get("transB", 1) else (3, channels)
    nodes = [
        make("GlobalAveragePool", ["x"], ["p"]),
        make("Flatten", ["p"], ["f"]),
        make("Gemm", ["f", "w", "b"], ["l"], **({"transB": 1} | gemm)),
        make("Softmax", ["l"], ["y"], **({} if axis is None else {"axis": axis})),
    ]
    return network(nodes, {"y": 2}, w=drawn(*shape), b=drawn(channels))


@pytest.mark.parametrize("axis", [1, -1, None])
def test_two_chances_of_an_image_are_a_sigmoid(axis):
    assert quick_operators(flat(axis=axis))[-1] == "Sigmoid"


@pytest.mark.parametrize(
    "model",
    [flat(3), flat(axis=0), flat(alpha=0.5), flat(beta=0.5), flat(transB=0)],
)
def test_what_is_no_two_chances_of_a_plain_layer_stays_a_softmax(model):
    assert quick_operators(model)[-1] == "Softmax"


def spread(turn, back, *, axis=3, channels=2, told=()):
    """Return what tells chances of each place of an image."""
    nodes = [
        make("Conv", ["x", "w", "b"], ["l"]),
        make("Transpose", ["l"], ["t"], perm=turn),
        make("Softmax", ["t"], ["s"], axis=axis),
        make("Transpose", ["s"], ["y"], perm=back),
    ]
    outputs = {"y": 4} | dict.fromkeys(told, 4)
    return network(nodes, outputs, w=drawn(channels, 3, 1, 1), b=drawn(channels))


@pytest.mark.parametrize(("turn", "back"), [([0, 2, 3, 1], [0, 3, 1, 2]), ([0, 3, 2, 1],) * 2])
def test_two_chances_of_each_place_are_a_sigmoid(turn, back):
    assert quick_operators(spread(turn, back)) == ["Conv", "Sigmoid"]
    assert quick_operators(spread(turn, back, axis=-1)) == ["Conv", "Sigmoid"]


THERE, BACK = [0, 2, 3, 1], [0, 3, 1, 2]


def test_chances_of_the_image_itself_stay_a_softmax():
    nodes = [
        make("Transpose", ["x"], ["t"], perm=[0, 2, 3, 1]),
        make("Softmax", ["t"], ["s"], axis=3),
        make("Transpose", ["s"], ["y"], perm=[0, 3, 1, 2]),
    ]
    assert "Softmax" in quick_operators(network(nodes, {"y": 4}))


@pytest.mark.parametrize("before", [[], [make("Relu", ["x"], ["t"])]])
@pytest.mark.parametrize("behind", [make("Transpose", ["s"], ["y"]), make("Relu", ["s"], ["y"])])
def test_chances_without_a_turn_there_and_back_stay_a_softmax(before, behind):
    nodes = [*before, make("Softmax", ["t" if before else "x"], ["s"], axis=3), behind]
    assert "Softmax" in quick_operators(network(nodes, {"y": 4}))


def test_chances_of_what_is_no_layer_stay_a_softmax():
    model = spread(THERE, BACK)
    model.graph.node[0].output[0] = "c"
    model.graph.node.insert(1, make("Relu", ["c"], ["l"]))
    assert "Softmax" in quick_operators(model)


@pytest.mark.parametrize(
    "model",
    [
        spread(THERE, [0, 3, 2, 1]),
        spread([0, 1, 2, 3], [0, 1, 2, 3]),
        spread(THERE, BACK, channels=3),
        spread(THERE, BACK, told=["l"]),
        spread(THERE, BACK, told=["t"]),
        spread(THERE, BACK, told=["s"]),
    ],
)
def test_chances_that_are_not_of_two_channels_alone_stay_a_softmax(model):
    assert "Softmax" in quick_operators(model)


def following(name, channels, kind, kernel, has_bias):
    """Return what follows a convolution, channel by channel."""
    if kind != "Conv":
        return make(kind, [f"{name}1"], [name])
    inputs = [f"{name}1", f"{name}v", f"{name}b"][: 2 + has_bias]
    return make("Conv", inputs, [name], pads=[kernel // 2] * 4, group=channels)


def beside(first, second, after=(), told=()):
    """Return two convolutions of the image, each of (channels, kernel), and what follows them."""
    nodes: list[onnx.NodeProto] = []
    weights: dict[str, np.ndarray] = {}
    for name, (channels, size, has_bias) in (("a", first), ("b", second)):
        weights |= {f"{name}w": drawn(channels, 3, size, size), f"{name}b": drawn(channels)}
        inputs = ["x", f"{name}w", f"{name}b"][: 2 + has_bias]
        nodes.append(make("Conv", inputs, [f"{name}1"], pads=[size // 2] * 4))
        if not after:
            nodes[-1].output[0] = name
        else:
            nodes.append(following(name, channels, *after[name == "b"]))
            kernel = after[name == "b"][1]
            weights |= {f"{name}v": drawn(channels, 1, kernel, kernel)}
    return network(nodes, {"a": 4, "b": 4} | dict.fromkeys(told, 4), **weights)


@pytest.mark.parametrize(
    ("model", "convolutions"),
    [
        (beside((2, 1, True), (4, 1, True)), 1),
        (beside((2, 1, True), (4, 3, True)), 2),
        (beside((2, 1, True), (4, 1, False)), 2),
        (beside((2, 1, True), (15, 1, True)), 2),
        (beside((2, 1, True), (4, 1, True), [("Conv", 3, True)] * 2), 2),
        (beside((2, 1, True), (4, 1, True), [("Conv", 3, True), ("Conv", 1, True)]), 3),
        (beside((2, 1, True), (4, 1, True), [("Conv", 3, True), ("Conv", 3, False)]), 3),
        (beside((2, 1, True), (4, 1, True), [("Conv", 3, True), ("Relu", 3, True)]), 2),
        (beside((2, 1, True), (4, 1, True), [("Conv", 3, True)] * 2, told=["b1"]), 3),
    ],
)
def test_only_what_is_alike_beside_each_other_is_joined(model, convolutions):
    assert quick_operators(model).count("Conv") == convolutions


def test_heads_that_read_channel_by_channel_are_not_joined():
    model = beside((3, 3, True), (3, 3, True))
    for node in model.graph.node:
        node.attribute.append(helper.make_attribute("group", 3))
    for name in ("aw", "bw"):
        (old,) = (each for each in model.graph.initializer if each.name == name)
        old.CopyFrom(numpy_helper.from_array(drawn(3, 1, 3, 3).astype(np.float32), name))
    assert quick_operators(model).count("Conv") == 2


@pytest.mark.parametrize(("opset", "convolutions"), [(9, 2), (10, 1)])
def test_heads_are_joined_from_the_opset_on_in_which_slices_take_inputs(opset, convolutions):
    model = beside((2, 1, True), (4, 1, True))
    model.opset_import[0].version = opset
    assert quick_operators(model).count("Conv") == convolutions


def test_one_channel_is_followed_channel_by_channel_without_a_word_of_groups():
    model = beside((1, 1, True), (4, 1, True), [("Conv", 3, True)] * 2)
    del model.graph.node[1].attribute[:]
    model.graph.node[1].attribute.append(helper.make_attribute("pads", [1] * 4))
    assert quick_operators(model).count("Conv") == 2


@pytest.mark.parametrize("between", ["PRelu", "MaxPool"])
def test_blocks_are_not_filled_where_places_would_move(between):
    nodes = [
        make("Relu", ["x"], ["r"]),
        make("Conv", ["r", "w"], ["c"]),
        make("PRelu", ["c", "s"], ["a"]),
        make("Conv", ["a", "v"], ["y"]),
    ]
    outputs, told = {"y": 4}, []
    if between == "MaxPool":
        nodes[2] = make("MaxPool", ["c"], ["a", "places"], kernel_shape=[2, 2])
        told = [helper.make_tensor_value_info("places", TensorProto.INT64, [None] * 4)]
    weights = {"w": drawn(20, 3, 1, 1), "s": np.linspace(-1, 1, SIDE), "v": drawn(5, 20, 1, 1)}
    model = network(nodes, outputs, **weights)
    model.graph.output.extend(told)
    quick_operators(model)
    assert 32 not in {each.dims[0] for each in quick_form(model).graph.initializer}


def test_blocks_are_filled_behind_other_nodes():
    nodes = [
        make("Relu", ["x"], ["r"]),
        make("Conv", ["r", "w"], ["c"]),
        make("Conv", ["c", "v"], ["y"]),
    ]
    model = network(nodes, {"y": 4}, w=drawn(20, 3, 1, 1), v=drawn(5, 20, 1, 1))
    quick_operators(model)
    assert 32 in {each.dims[0] for each in quick_form(model).graph.initializer}


@pytest.mark.parametrize(
    ("channels", "between", "group", "is_filled"),
    [
        (20, "Relu", 1, True),
        (20, "MaxPool", 1, True),
        (15, "Relu", 1, False),
        (16, "Relu", 1, False),
        (20, "Sigmoid", 1, False),
        (20, "Relu", 5, False),
    ],
)
def test_blocks_are_filled_where_a_plain_convolution_reads_what_keeps_zeros(
    channels, between, group, is_filled
):
    shaped = {"kernel_shape": [2, 2]} if between == "MaxPool" else {}
    nodes = [
        make("Conv", ["x", "w", "b"], ["c"]),
        make(between, ["c"], ["a"], **shaped),
        make("Conv", ["a", "v"], ["y"], group=group),
    ]
    weights = {"w": drawn(channels, 3, 1, 1), "b": drawn(channels)}
    model = network(nodes, {"y": 4}, v=drawn(5, channels // group, 1, 1), **weights)
    quick_operators(model)
    sizes = {each.dims[0] for each in quick_form(model).graph.initializer}
    assert sizes == ({32, 5} if is_filled else {channels, 5})
