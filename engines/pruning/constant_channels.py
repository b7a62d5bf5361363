"""
Which channels of an ONNX network hold one value for every image, and which must stay together.

Networks as shipped may be half empty: training with regularisation leaves filters that are all
zero, so their channels are constant whatever the image. Only tensors that come from convolutions
through operators listed here are looked at; all others are left alone.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import onnx
from numpy.typing import NDArray

from engines.amounts import amount
from engines.graph import graph
from engines.onnxruntime.backend import open_network

NEGLIGIBLE = 1e-7
"""Sum of a filter's magnitudes below which its output is rounding: float32 resolves 6e-8."""

ELEMENTWISE = frozenset(
    {
        "Add",
        "BatchNormalization",
        "Clip",
        "Div",
        "Elu",
        "HardSigmoid",
        "HardSwish",
        "Identity",
        "LeakyRelu",
        "Mul",
        "PRelu",
        "Relu",
        "Sigmoid",
        "Softplus",
        "Sub",
        "Tanh",
    }
)
"""Operators that treat each channel by itself and each position alike."""

POOLS = frozenset({"AveragePool", "GlobalAveragePool", "GlobalMaxPool", "MaxPool"})

Values = NDArray[np.float64]
Constants = Mapping[str, NDArray[np.generic]]


class Initializers(Constants):
    """The values of a graph's initializers, read when asked for: all at once are its size."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self._tensors = graph.initializers(model)

    def __getitem__(self, name: str) -> NDArray[np.generic]:
        return graph.values(self._tensors[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)

    def __contains__(self, name: object) -> bool:
        return name in self._tensors


@dataclass(slots=True, eq=False)
class Channels:
    """What is known of the tensors (N, C, height, width) between the layers."""

    constant: dict[str, Values] = field(default_factory=dict)
    """For each tensor (C,) the value of each channel; NaN where it depends on the image."""
    fixed: set[str] = field(default_factory=set)
    """Tensors no channel of which may go: inputs, outputs and what other operators read."""
    _tied: dict[str, str] = field(default_factory=dict)

    def tie(self, first: str, second: str) -> None:
        """State that two tensors have the same channels."""
        self._tied[self.group(first)] = self.group(second)

    def group(self, name: str) -> str:
        """Return one name for all tensors that are tied together."""
        while self._tied.get(name, name) != name:
            name = self._tied[name]
        return name

    def fixed_groups(self) -> set[str]:
        """Return the groups that hold a fixed tensor."""
        return {self.group(name) for name in self.fixed}


def find_channels(model: onnx.ModelProto) -> Channels:
    """Follow the constants from the first layer to the last."""
    found = Channels()
    constants = Initializers(model)
    version = next(each.version for each in model.opset_import if each.domain in {"", "ai.onnx"})
    found.fixed.update(each.name for each in (*model.graph.input, *model.graph.output))
    for node in model.graph.node:
        if is_convolution(node, constants):
            _convolve(node, constants, found)
        elif _keeps_channels(node, constants, found):
            _keep_channels(node, constants, found, version)
        else:
            found.fixed.update((*node.input, *node.output))
    return found


def is_convolution(node: onnx.NodeProto, constants: Constants) -> bool:
    """Return whether a node is a 2-D convolution of constant weights, dense or depthwise."""
    if node.op_type != "Conv" or any(name and name not in constants for name in node.input[1:]):
        return False
    weights = constants[node.input[1]]
    groups = graph.attributes(node).get("group", 1)
    return weights.ndim == 4 and (groups == 1 or weights.shape[:2] == (groups, 1))


def is_depthwise(node: onnx.NodeProto) -> bool:
    """Return whether a convolution treats each channel by itself."""
    return graph.attributes(node).get("group", 1) > 1


def is_padded(node: onnx.NodeProto) -> bool:
    """Return whether zeros around the image may enter."""
    written = graph.attributes(node)
    automatic = written.get("auto_pad", b"NOTSET") not in {b"NOTSET", b"VALID"}
    return automatic or any(written.get("pads", ()))


def bias_of(node: onnx.NodeProto, constants: Constants) -> Values:
    """Return the bias of each output channel, zeros where a convolution has none."""
    if len(node.input) == 3 and node.input[2]:
        return constants[node.input[2]].astype(np.float64)
    return np.zeros(constants[node.input[1]].shape[0])


def channel_axis(array: NDArray[np.generic], node: onnx.NodeProto, channels: int) -> int | None:
    """
    Return the axis of a constant that runs along the channels; None if it is one value for all.

    Raises:
        ValueError: It runs along something else, such as the width.
    """
    if array.size == 1:
        return None
    axis = 0 if node.op_type == "BatchNormalization" else array.ndim - 3
    if axis not in {0, 1} or array.shape[axis] != channels or array.size != channels:
        raise ValueError(f"{array.shape} does not run along {amount(channels, 'channel')}")
    return axis


def _convolve(node: onnx.NodeProto, constants: Constants, found: Channels) -> None:
    source, target = node.input[0], node.output[0]
    weights = constants[node.input[1]].astype(np.float64)
    magnitude, total = np.abs(weights).sum((2, 3)), weights.sum((2, 3))
    inputs = magnitude.shape[0 if is_depthwise(node) else 1]
    value = found.constant.get(source, np.full(inputs, np.nan))
    varies, known = np.isnan(value), np.nan_to_num(value)
    if is_depthwise(node):
        found.tie(source, target)
        parts = [
            (each[:, 0] * of) for each, of in ((magnitude, varies), (magnitude, np.abs(known)))
        ]
        added = total[:, 0] * known
    else:
        parts = [magnitude @ varies, magnitude @ np.abs(known)]
        added = total @ known
    even = parts[0] <= NEGLIGIBLE
    if is_padded(node):  # at the border a constant meets zeros, so it is none
        even &= parts[1] <= NEGLIGIBLE
    found.constant[target] = np.where(even, bias_of(node, constants) + added, np.nan)


def _keeps_channels(node: onnx.NodeProto, constants: Constants, found: Channels) -> bool:
    tracked = [name for name in node.input if name in found.constant]
    lengths = {found.constant[name].size for name in tracked}
    rest = [name for name in node.input if name and name not in found.constant]
    if node.op_type not in ELEMENTWISE | POOLS or len(lengths) != 1 or len(node.output) != 1:
        return False
    if any(name not in constants for name in rest):
        return False
    try:
        for name in rest:
            channel_axis(constants[name], node, *lengths)
    except ValueError:
        return False
    return True


def _keep_channels(
    node: onnx.NodeProto, constants: Constants, found: Channels, version: int
) -> None:
    tracked = [name for name in node.input if name in found.constant]
    for name in tracked:
        found.tie(name, node.output[0])
    values = [found.constant[name] for name in tracked]
    varies = np.isnan(values).any(axis=0)
    if node.op_type in POOLS:
        result = values[0]
        if _mixes_in_zeros(node):
            varies |= result != 0
    else:
        fed = {name: found.constant[name] for name in tracked}
        result = _evaluated(node, fed, constants, version)
    found.constant[node.output[0]] = np.where(varies | ~np.isfinite(result), np.nan, result)


def _mixes_in_zeros(node: onnx.NodeProto) -> bool:
    """Libraries differ in how they count the border, so a padded average is trusted at 0 only."""
    ceiled = graph.attributes(node).get("ceil_mode", 0)
    return node.op_type == "AveragePool" and bool(is_padded(node) or ceiled)


def _evaluated(
    node: onnx.NodeProto, fed: dict[str, Values], constants: Constants, version: int
) -> Values:
    """
    Run one elementwise node on a 1 x 1 image, as it will be run in the network.

    ONNX's own reference evaluator normalises with other means below operator set 14.
    """
    images = {name: _image(value) for name, value in fed.items()}
    source, *others = images
    held = {name: constants[name] for name in node.input if name in constants}
    held |= {name: images[name] for name in others}
    body = onnx.helper.make_graph(
        [node],
        "one node",
        [_value(source)],
        [_value(node.output[0])],
        [onnx.numpy_helper.from_array(array, name) for name, array in held.items()],
    )
    opsets = [onnx.helper.make_opsetid("", version)]
    model = onnx.helper.make_model(body, opset_imports=opsets, ir_version=8)
    (result,) = open_network(model.SerializeToString()).run(images[source])
    return result.astype(np.float64).reshape(-1)


def _image(value: Values) -> NDArray[np.float32]:
    return np.nan_to_num(value).astype(np.float32).reshape(1, -1, 1, 1)


def _value(name: str) -> onnx.ValueInfoProto:
    return onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None)
