"""What is known of channels before any is removed: value, who stays with whom, who must stay."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from engines.pruning.constant_channels import (
    NEGLIGIBLE,
    Channels,
    Initializers,
    bias_of,
    channel_axis,
    find_channels,
    is_convolution,
    is_depthwise,
    is_padded,
)


class Drawing:
    """A graph of a few nodes that reads an image (N, 3, 8, 8)."""

    def __init__(self, *more_inputs: str) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.inputs = ("image", *more_inputs)

    def add(self, array, name: str | None = None) -> str:
        name = name or f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(array, np.float32), name))
        return name

    def node(self, op: str, *inputs: str, **attributes: object) -> str:
        name = f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [name], **attributes))
        return name

    def conv(self, source: str, weights, bias=None, **attributes: object) -> str:
        """Add a convolution; `weights` (out, in) are those of a 1 x 1 kernel."""
        kernel = np.asarray(weights, np.float32)
        kernel = kernel.reshape(kernel.shape + (1,) * (4 - kernel.ndim))
        named = [self.add(kernel)] + ([] if bias is None else [self.add(bias)])
        return self.node("Conv", source, *named, **attributes)

    def model(self) -> onnx.ModelProto:
        given = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in self.inputs
        ]
        last = helper.make_tensor_value_info(self.nodes[-1].output[0], TensorProto.FLOAT, None)
        body = helper.make_graph(self.nodes, "drawing", given, [last], self.weights)
        opsets = [helper.make_opsetid("", 13)]
        return helper.make_model(body, opset_imports=opsets, ir_version=8)

    def found(self) -> Channels:
        return find_channels(self.model())


def values(found: Channels, name: str):
    """Return the value of each channel, None where it depends on the image."""
    return [None if np.isnan(each) else round(float(each), 5) for each in found.constant[name]]


LIVE = [1.0, 1.0, 1.0]
DEAD = [0.0, 0.0, 0.0]


def start(drawing: Drawing) -> str:
    """Add a layer of four channels: one varies, three have the values 0, 2 and -3."""
    return drawing.conv("image", [LIVE, DEAD, DEAD, DEAD], [5, 0, 2, -3])


def test_initializers_are_the_arrays_of_the_graph_by_name():
    drawing = Drawing()
    start(drawing)
    arrays = Initializers(drawing.model())
    assert ([*arrays], len(arrays), "w0" in arrays, "image" in arrays) == (
        ["w0", "w1"],
        2,
        True,
        False,
    )
    assert arrays["w1"].tolist() == [5, 0, 2, -3]


def test_a_filter_of_zeros_gives_its_bias_and_none_without_one_gives_zero():
    drawing = Drawing()
    first = start(drawing)
    second = drawing.conv("image", [LIVE, DEAD])
    found = drawing.found()
    assert values(found, first) == [None, 0, 2, -3]
    assert values(found, second) == [None, 0]


@pytest.mark.parametrize(("magnitude", "is_constant"), [(0.5, True), (2.0, False)])
def test_a_filter_is_dead_while_all_its_magnitudes_together_are_rounding(magnitude, is_constant):
    drawing = Drawing()
    each = magnitude * NEGLIGIBLE / 3
    last = drawing.conv("image", [LIVE, [each, -each, each]], [1, 1])
    assert (values(drawing.found(), last)[1] is not None) == is_constant


def test_what_reads_constants_alone_is_constant():
    drawing = Drawing()
    first = start(drawing)
    weights = [[1, 0, 0, 0], [0, 9, 1, 1], [0, 0, 0.5, 0], [1, 1, 1, 1]]
    last = drawing.conv(first, weights, [1, 1, 1, 1])
    assert values(drawing.found(), last) == [None, 0, 2, None]


def test_every_place_of_a_kernel_counts():
    drawing = Drawing()
    first = start(drawing)
    kernel = np.zeros((2, 4, 2, 2))
    kernel[0, 2] = [[1, 2], [3, 4]]
    kernel[1, 0, 1, 1] = 1
    last = drawing.conv(first, kernel)
    assert values(drawing.found(), last) == [20, None]


def test_where_zeros_are_padded_only_a_constant_of_zero_is_one_behind_the_layer():
    drawing = Drawing()
    first = start(drawing)
    last = drawing.conv(first, [[0, 9, 0, 0], [0, 0, 1, 0]], [7, 7], pads=[1, 1, 1, 1])
    assert values(drawing.found(), last) == [7, None]


def test_a_depthwise_layer_passes_each_constant_on_and_ties_its_two_sides():
    drawing = Drawing()
    first = start(drawing)
    last = drawing.conv(first, [[2], [2], [2], [2]], [1, 1, 1, 1], group=4)
    found = drawing.found()
    assert values(found, last) == [None, 1, 5, -5]
    assert found.group(first) == found.group(last)


def test_a_depthwise_layer_that_pads_passes_on_zeros_alone():
    drawing = Drawing()
    first = start(drawing)
    last = drawing.conv(first, [[2], [2], [2], [0]], [1, 1, 1, 1], group=4, pads=[1, 1, 1, 1])
    assert values(drawing.found(), last) == [None, 1, None, 1]


def test_a_depthwise_layer_of_the_image_is_constant_where_it_reads_nothing():
    drawing = Drawing()
    last = drawing.conv("image", [[1], [0], [1]], [4, 4, 4], group=3)
    assert values(drawing.found(), last) == [None, 4, None]


def test_a_dense_layer_ties_nothing():
    drawing = Drawing()
    first = start(drawing)
    last = drawing.conv(first, np.eye(4))
    found = drawing.found()
    assert found.group(first) != found.group(last)


def test_input_and_output_keep_their_channels():
    drawing = Drawing()
    last = drawing.node("Relu", drawing.conv(start(drawing), np.eye(4)))
    assert drawing.found().fixed == {"image", last}


def test_what_an_operator_reads_or_gives_that_is_not_known_stays_and_is_unknown():
    drawing = Drawing()
    first = start(drawing)
    foreign = drawing.node("Softsign", first)
    drawing.node("Relu", drawing.conv(foreign, np.eye(4)))
    found = drawing.found()
    assert {first, foreign} <= found.fixed
    assert foreign not in found.constant
    assert found.fixed_groups() == {found.group(name) for name in found.fixed}


@pytest.mark.parametrize(
    ("op", "expected"),
    [
        ("Relu", [None, 0, 2, 0]),
        ("Identity", [None, 0, 2, -3]),
        ("Sigmoid", [None, 0.5, 0.8808, 0.04743]),
        ("GlobalAveragePool", [None, 0, 2, -3]),
        ("GlobalMaxPool", [None, 0, 2, -3]),
    ],
)
def test_an_operator_that_treats_each_channel_by_itself_changes_constants_alike(op, expected):
    drawing = Drawing()
    first = start(drawing)
    last = drawing.node(op, first)
    found = drawing.found()
    assert values(found, last) == pytest.approx(expected, abs=1e-5)
    assert found.group(first) == found.group(last)
    assert first not in found.fixed


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({}, [None, 0, 2, -3]),
        ({"pads": [0, 0, 1, 0]}, [None, 0, None, None]),
        ({"ceil_mode": 1}, [None, 0, None, None]),
    ],
)
def test_an_average_that_may_mix_in_zeros_keeps_zeros_alone(attributes, expected):
    drawing = Drawing()
    last = drawing.node("AveragePool", start(drawing), kernel_shape=[2, 2], **attributes)
    assert values(drawing.found(), last) == expected


def test_a_largest_value_never_comes_from_padding():
    drawing = Drawing()
    last = drawing.node("MaxPool", start(drawing), kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    assert values(drawing.found(), last) == [None, 0, 2, -3]


def test_of_two_tensors_that_are_joined_a_channel_is_constant_where_both_are():
    drawing = Drawing()
    first = start(drawing)
    second = drawing.conv("image", [DEAD, DEAD, DEAD, LIVE], [1, 1, 1, 1])
    last = drawing.node("Sub", first, second)
    found = drawing.found()
    assert values(found, last) == [None, -1, 1, None]
    assert found.group(first) == found.group(second) == found.group(last)


@pytest.mark.parametrize("shape", [(4, 1, 1), (1, 4, 1, 1)])
def test_a_constant_along_the_channels_acts_on_each_of_them(shape):
    drawing = Drawing()
    factors = np.array([10, 20, 30, 40]).reshape(shape)
    last = drawing.node("Mul", start(drawing), drawing.add(factors))
    assert values(drawing.found(), last) == [None, 0, 60, -120]


def test_one_number_acts_on_all_channels():
    drawing = Drawing()
    last = drawing.node("Mul", start(drawing), drawing.add([10]))
    assert values(drawing.found(), last) == [None, 0, 20, -30]


def test_an_input_that_is_left_out_stops_nothing():
    drawing = Drawing()
    last = drawing.node("Clip", start(drawing), "", drawing.add(1.0))
    assert values(drawing.found(), last) == [None, 0, 1, -3]


def test_normalisation_is_computed_as_the_network_will():
    drawing = Drawing()
    named = [drawing.add(row) for row in ([2] * 4, [1] * 4, [1] * 4, [4] * 4)]
    last = drawing.node("BatchNormalization", start(drawing), *named, epsilon=1e-9)
    assert values(drawing.found(), last) == [None, 0, 2, -3]


def test_a_value_that_is_not_finite_is_none():
    drawing = Drawing()
    last = drawing.node("Div", drawing.add([1]), start(drawing))
    assert values(drawing.found(), last) == [None, None, 0.5, -0.33333]


@pytest.mark.parametrize(
    "shape",
    [(4,), (1, 4), (8, 8), (1, 4, 1), (1, 1, 4), (4, 1, 8), (5, 1, 1), (1, 1, 4, 1, 1)],
)
def test_a_constant_along_anything_else_makes_the_tensor_unknown(shape):
    drawing = Drawing()
    first = start(drawing)
    last = drawing.node("Mul", first, drawing.add(np.ones(shape)))
    found = drawing.found()
    assert last not in found.constant
    assert first in found.fixed


def test_what_joins_different_numbers_of_channels_is_unknown():
    drawing = Drawing()
    gate = drawing.conv("image", [DEAD], [2])
    last = drawing.node("Mul", start(drawing), gate)
    found = drawing.found()
    assert last not in found.constant
    assert gate in found.fixed


def test_what_reads_something_computed_elsewhere_is_unknown():
    drawing = Drawing("other")
    last = drawing.node("Add", start(drawing), "other")
    assert last not in drawing.found().constant


def test_more_than_one_output_is_not_followed():
    drawing = Drawing()
    node = helper.make_node(
        "MaxPool", [start(drawing)], ["most", "where"], kernel_shape=[2, 2], strides=[2, 2]
    )
    drawing.nodes.append(node)
    assert "most" not in drawing.found().constant


@pytest.mark.parametrize(
    ("shape", "inputs", "groups", "expected"),
    [
        ((4, 3, 1, 1), ["image", "w"], 1, True),
        ((4, 3, 1, 1), ["image", "w", "b"], 1, True),
        ((4, 3, 1, 1), ["image", "w", ""], 1, True),
        ((4, 3, 1, 1), ["image", "computed"], 1, False),
        ((4, 3, 1, 1), ["image", "w", "computed"], 1, False),
        ((4, 1, 1, 1), ["image", "w"], 4, True),
        ((8, 1, 1, 1), ["image", "w"], 4, False),
        ((4, 2, 1, 1), ["image", "w"], 2, False),
        ((4, 3, 1), ["image", "w"], 1, False),
    ],
)
def test_a_convolution_is_dense_or_depthwise_in_two_dimensions_and_of_constant_weights(
    shape, inputs, groups, expected
):
    node = helper.make_node("Conv", inputs, ["out"], group=groups)
    assert is_convolution(node, {"w": np.ones(shape), "b": np.ones(shape[0])}) is expected


def test_no_other_operator_is_a_convolution():
    assert not is_convolution(helper.make_node("Gemm", ["image", "w"], ["out"]), {})


@pytest.mark.parametrize(
    ("attributes", "expected"), [({}, False), ({"group": 1}, False), ({"group": 2}, True)]
)
def test_a_convolution_of_groups_is_depthwise(attributes, expected):
    assert is_depthwise(helper.make_node("Conv", ["x", "w"], ["y"], **attributes)) is expected


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({}, False),
        ({"pads": [0, 0, 0, 0]}, False),
        ({"pads": [0, 0, 1, 0]}, True),
        ({"auto_pad": "NOTSET"}, False),
        ({"auto_pad": "VALID"}, False),
        ({"auto_pad": "SAME_UPPER"}, True),
    ],
)
def test_a_border_of_any_side_is_padding(attributes, expected):
    assert is_padded(helper.make_node("Conv", ["x", "w"], ["y"], **attributes)) is expected


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [(["x", "w"], [0, 0]), (["x", "w", ""], [0, 0]), (["x", "w", "b"], [3, 4])],
)
def test_a_convolution_without_a_bias_has_one_of_zeros(inputs, expected):
    constants = {"w": np.ones((2, 5, 1, 1), np.float32), "b": np.array([3, 4], np.float32)}
    found = bias_of(helper.make_node("Conv", inputs, ["y"]), constants)
    assert found.tolist() == expected
    assert found.dtype == np.float64


@pytest.mark.parametrize(
    ("op", "shape", "axis"),
    [
        ("Mul", (), None),
        ("Mul", (1, 1, 1), None),
        ("Mul", (4, 1, 1), 0),
        ("Mul", (1, 4, 1, 1), 1),
        ("BatchNormalization", (4,), 0),
    ],
)
def test_a_constant_runs_along_the_channels_by_its_place_from_the_right(op, shape, axis):
    assert channel_axis(np.ones(shape), helper.make_node(op, ["x"], ["y"]), 4) == axis


@pytest.mark.parametrize(
    "shape", [(4,), (1, 4), (1, 4, 1), (1, 1, 4), (4, 1, 2), (5, 1, 1), (1, 1, 4, 1, 1)]
)
def test_a_constant_along_something_else_is_an_error(shape):
    with pytest.raises(ValueError, match="does not run along 4 channels"):
        channel_axis(np.ones(shape), helper.make_node("Mul", ["x"], ["y"]), 4)
