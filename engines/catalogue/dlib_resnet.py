"""
dlib's face recognition ResNet as ONNX, from the TensorFlow.js weights that face-api carries.

The network is dlib's `dnn_face_recognition_resnet_model_v1` (D. King, public domain): 29
convolutions, each followed by a scale per channel; ResNets as in He et al., arXiv 1512.03385, with
average-pooled, zero-padded shortcuts. The facts were read from `src/faceRecognitionNet/*.ts` of
the face-api package, and the tests compare with face-api itself.

Two foldings, both exact in real arithmetic: the scales go into the convolutions, and (pixel - mean
of its channel) / 255 into the first one, whose borders are not padded. So the network takes plain
RGB pixels from 0 to 255.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from engines.catalogue.tfjs import Weights, read_weights
from engines.errors import NetworkError

SIDE = 150
"""Pixels: width and height of the input."""

EMBEDDING_LENGTH = 128

CHANNEL_MEANS = (122.782, 117.001, 104.298)
"""R, G, B of 0 to 255; the network was trained with them (dlib: `input_rgb_image_sized`)."""

PIXEL_SCALE = 255.0
"""face-api divides by 255 (dlib itself by 256)."""

BLOCKS = (
    "conv32_1", "conv32_2", "conv32_3",
    "conv64_down", "conv64_1", "conv64_2", "conv64_3",
    "conv128_down", "conv128_1", "conv128_2",
    "conv256_down", "conv256_1", "conv256_2", "conv256_down_out",
)  # fmt: skip
"""Residual blocks in order; `down` ones halve the size."""

OPSET, IR_VERSION = 13, 8


def dlib_resnet_from_tfjs(files: Sequence[Path]) -> bytes:
    """
    Return dlib's ResNet as the content of an ONNX file.

    The bytes depend on the weights alone, not on this machine or its libraries, so that they can
    be pinned by hash.

    Args:
        files: The TensorFlow.js manifest, then the shards it lists (under their own names).

    Raises:
        NetworkError: The files are not the weights of this network.
    """
    manifest, *shards = files
    model = dlib_resnet(read_weights(manifest, {path.name: path for path in shards}))
    return bytes(model.SerializeToString(deterministic=True))


def dlib_resnet(weights: Weights) -> onnx.ModelProto:
    """
    Return dlib's ResNet: (N, 3, 150, 150) float32 RGB, 0 to 255 -> (N, 128) embeddings.

    Args:
        weights: As `read_weights` returns them.

    Raises:
        NetworkError: A weight is missing or has another shape.
    """
    draft = _Draft(weights)
    flow = draft.convolution(_Flow("image", 3, SIDE), "conv32_down", 7, stride=2)
    flow = _Flow(
        draft.node("MaxPool", [draft.relu(flow)], "pool", kernel_shape=[3, 3], strides=[2, 2]),
        flow.channels, (flow.side - 3) // 2 + 1,
    )  # fmt: skip
    for block in BLOCKS:
        flow = draft.residual_down(flow, block) if "down" in block else draft.residual(flow, block)
    mean = draft.node("GlobalAveragePool", [flow.name], "mean")
    flat = draft.node("Flatten", [mean], "flat")
    fc = draft.constant("fc", draft.weight("fc", (flow.channels, EMBEDDING_LENGTH)))
    draft.node("MatMul", [flat, fc], "embedding")
    return draft.model()


@dataclass(frozen=True, slots=True)
class _Flow:
    """What runs through the network between two layers."""

    name: str
    channels: int
    side: int
    """Width and height."""


@dataclass(slots=True)
class _Draft:
    """The graph while it is being written."""

    weights: Weights
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)

    def node(self, operator: str, inputs: Sequence[str], name: str, **attributes: object) -> str:
        """Append a node and return its output, which is called as the node."""
        self.nodes.append(helper.make_node(operator, inputs, [name], name, **attributes))
        return name

    def constant(self, name: str, values: NDArray[np.generic]) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def weight(self, name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """Return a weight after checking that it is there in the right shape."""
        found = self.weights.get(name)
        if found is None or found.shape != shape:
            what = "is missing" if found is None else f"has shape {found.shape}, not {shape}"
            raise NetworkError(
                f"weight {name} {what}: these are not face-api's weights of this network"
            )
        return found

    def relu(self, flow: _Flow) -> str:
        return self.node("Relu", [flow.name], f"{flow.name}/relu")

    def convolution(self, flow: _Flow, name: str, kernel: int, stride: int) -> _Flow:
        """Append a convolution with its scale folded in; padded only if it keeps the size."""
        padding = kernel // 2 if stride == 1 else 0
        channels = int(name.removeprefix("conv").split("_")[0])
        filters, bias = self._scaled(name, (kernel, kernel, flow.channels, channels))
        if flow.name == "image":
            filters, bias = _with_normalization(filters, bias)
        inputs = [
            flow.name,
            self.constant(f"{name}/filters", filters.astype(np.float32)),
            self.constant(f"{name}/bias", bias.astype(np.float32)),
        ]
        shape = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2, "pads": [padding] * 4}
        side = (flow.side + 2 * padding - kernel) // stride + 1
        return _Flow(self.node("Conv", inputs, name, **shape), channels, side)

    def residual(self, flow: _Flow, name: str) -> _Flow:
        """Append two convolutions whose result is added to their input."""
        return self._joined(self._two_convolutions(flow, name, stride=1), flow.name, name)

    def residual_down(self, flow: _Flow, name: str) -> _Flow:
        """Append a block that halves the size; what the sides lack is filled with zeros."""
        deep = self._two_convolutions(flow, name, stride=2)
        pool = {"kernel_shape": [2, 2], "strides": [2, 2]}
        short = self.node("AveragePool", [flow.name], f"{name}/shortcut", **pool)
        side = flow.side // 2
        if deep.channels > flow.channels:
            short = self._padded(short, [deep.channels - flow.channels, 0, 0])
        if deep.side < side:
            rest = side - deep.side
            deep = _Flow(self._padded(deep.name, [0, rest, rest]), deep.channels, side)
        return self._joined(deep, short, name)

    def _two_convolutions(self, flow: _Flow, name: str, stride: int) -> _Flow:
        first = self.convolution(flow, f"{name}/conv1", 3, stride)
        middle = _Flow(self.relu(first), first.channels, first.side)
        return self.convolution(middle, f"{name}/conv2", 3, stride=1)

    def _joined(self, deep: _Flow, short: str, name: str) -> _Flow:
        added = _Flow(self.node("Add", [short, deep.name], name), deep.channels, deep.side)
        return _Flow(self.relu(added), added.channels, added.side)

    def _padded(self, name: str, after: list[int]) -> str:
        """Append zeros behind the channels, rows and columns."""
        pads = self.constant(f"{name}/pads", np.array([0, 0, 0, 0, 0, *after], np.int64))
        return self.node("Pad", [name, pads], f"{name}/padded")

    def _scaled(
        self, name: str, shape: tuple[int, ...]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return filters (out, in, height, width) and bias with the scale layer folded in."""
        channels = shape[-1:]
        filters = self.weight(f"{name}/conv/filters", shape).astype(np.float64)
        bias = self.weight(f"{name}/conv/bias", channels).astype(np.float64)
        factor = self.weight(f"{name}/scale/weights", channels).astype(np.float64)
        offset = self.weight(f"{name}/scale/biases", channels).astype(np.float64)
        return (filters * factor).transpose(3, 2, 0, 1), bias * factor + offset

    def model(self) -> onnx.ModelProto:
        """Return the finished network."""
        image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, SIDE, SIDE])
        embedding = helper.make_tensor_value_info(
            "embedding", TensorProto.FLOAT, ["N", EMBEDDING_LENGTH]
        )
        graph = helper.make_graph(self.nodes, "dlib-resnet", [image], [embedding], self.constants)
        opset = helper.make_opsetid("", OPSET)
        return helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION)


def _with_normalization(
    filters: NDArray[np.float64], bias: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    scaled = filters / PIXEL_SCALE
    weighted = scaled * np.array(CHANNEL_MEANS)[:, None, None]
    # fsum rounds once, so that every machine gets the same bits.
    shift = [math.fsum(values) for values in weighted.reshape(len(weighted), -1)]
    return scaled, bias - np.array(shift)
