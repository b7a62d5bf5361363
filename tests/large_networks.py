"""ONNX networks of the size in use: an improved ResNet as of ArcFace, and a vision transformer."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from engines.quality.specification import InputSpecification

EYES = ((38.2946, 51.6963), (73.5318, 51.5014))
NOSE_AND_MOUTH = ((56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041))
"""In 112 x 112 pixels, as insightface aligns faces."""


def specification(size: int = 112) -> InputSpecification:
    template = tuple((x * size / 112, y * size / 112) for x, y in (*EYES, *NOSE_AND_MOUTH))
    return InputSpecification(
        width=size,
        height=size,
        colour="rgb",
        mean=127.5,
        scale=127.5,
        layout="nchw",
        template=template,
    )


@dataclass(frozen=True, slots=True)
class Residual:
    """An improved ResNet (arXiv 2004.04989) as ArcFace trains it; by default 43.6 M weights."""

    depths: Sequence[int] = (3, 4, 14, 3)
    widths: Sequence[int] = (64, 128, 256, 512)
    size: int = 112
    embedding_length: int = 512


@dataclass(frozen=True, slots=True)
class Transformer:
    """A vision transformer (arXiv 2010.11929); the defaults have 11 M weights."""

    depth: int = 6
    width: int = 384
    heads: int = 6
    patch: int = 8
    size: int = 112
    embedding_length: int = 512


def residual(shape: Residual | None = None, seed: int = 0) -> onnx.ModelProto:
    """Return image (N, 3, size, size) to embedding (N, D); weights at random from the seed."""
    made, like = _Graph(seed), shape or Residual()
    last = made.prelu(made.norm(made.conv("image", 3, like.widths[0], "stem"), like.widths[0]))
    channels = like.widths[0]
    for stage, (depth, width) in enumerate(zip(like.depths, like.widths, strict=True)):
        for block in range(depth):
            stride = 2 if block == 0 else 1
            last = _residual_block(made, last, (channels, width, stride), f"s{stage}b{block}")
            channels = width
    flat = made.node("Flatten", [made.norm(last, channels)], "flat", axis=1)
    side = -(-like.size // 2 ** len(like.widths))
    made.linear(flat, channels * side * side, like.embedding_length, "fc")
    return made.model(made.norm("fc", like.embedding_length), like.size, like.embedding_length)


def _residual_block(made: "_Graph", source: str, shape: tuple[int, int, int], name: str) -> str:
    channels, width, stride = shape
    first = made.conv(made.norm(source, channels), channels, width, f"{name}_conv1")
    first = made.prelu(made.norm(first, width))
    second = made.norm(made.conv(first, width, width, f"{name}_conv2", stride=stride), width)
    if stride > 1 or channels != width:
        source = made.norm(made.patches(source, channels, width, stride), width)
    return made.node("Add", [second, source], name)


def transformer(shape: Transformer | None = None, seed: int = 0) -> onnx.ModelProto:
    """Return image (N, 3, size, size) to embedding (N, D); weights at random from the seed."""
    made, like = _Graph(seed), shape or Transformer()
    side = like.size // like.patch
    tokens, width = side * side, like.width
    patches = made.patches("image", 3, width, like.patch)
    flat = made.node("Reshape", [patches, made.shape("s", [0, width, tokens])], "flat")
    last = made.node("Transpose", [flat], "tokens", perm=[0, 2, 1])
    last = made.node("Add", [last, made.weight("position", (1, tokens, width), 0.02)], "placed")
    for block in range(like.depth):
        last = _attention(made, last, like, f"b{block}")
        last = _perceptron(made, last, width, f"b{block}")
    flat = made.node("Flatten", [made.layer_norm(last, width, "end")], "features", axis=1)
    made.linear(flat, tokens * width, like.embedding_length, "fc")
    return made.model("fc", like.size, like.embedding_length)


def _attention(made: "_Graph", source: str, like: Transformer, name: str) -> str:
    width, heads = like.width, like.heads
    normal = made.layer_norm(source, width, f"{name}_n1")
    split = made.shape(f"{name}_split", [0, 0, heads, width // heads])
    parts = []
    for part, axes in (("q", [0, 2, 1, 3]), ("k", [0, 2, 3, 1]), ("v", [0, 2, 1, 3])):
        mixed = made.matmul(normal, width, width, f"{name}_{part}")
        reshaped = made.node("Reshape", [mixed, split], f"{name}_{part}_split")
        parts.append(made.node("Transpose", [reshaped], f"{name}_{part}_heads", perm=axes))
    scores = made.node("MatMul", parts[:2], f"{name}_scores")
    scale = made.constant(f"{name}_scale", np.array((width // heads) ** -0.5, np.float32))
    scaled = made.node("Mul", [scores, scale], f"{name}_scaled")
    shares = made.node("Softmax", [scaled], f"{name}_shares", axis=-1)
    seen = made.node("MatMul", [shares, parts[2]], f"{name}_seen")
    joined = made.node("Transpose", [seen], f"{name}_joined", perm=[0, 2, 1, 3])
    flat = made.node("Reshape", [joined, made.shape(f"{name}_flat", [0, 0, width])], f"{name}_cat")
    return made.node("Add", [source, made.matmul(flat, width, width, f"{name}_o")], f"{name}_att")


def _perceptron(made: "_Graph", source: str, width: int, name: str) -> str:
    normal = made.layer_norm(source, width, f"{name}_n2")
    hidden = made.node("Relu", [made.matmul(normal, width, 4 * width, f"{name}_up")], f"{name}_act")
    return made.node(
        "Add", [source, made.matmul(hidden, 4 * width, width, f"{name}_down")], f"{name}_out"
    )


class _Graph:
    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._nodes: list[onnx.NodeProto] = []
        self._weights: list[onnx.TensorProto] = []

    def node(self, op: str, inputs: list[str], output: str, **attributes: object) -> str:
        self._nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
        return output

    def constant(self, name: str, array: np.ndarray) -> str:
        self._weights.append(numpy_helper.from_array(array, name))
        return name

    def shape(self, name: str, axes: list[int]) -> str:
        return self.constant(f"{name}_shape", np.array(axes, np.int64))

    def weight(self, name: str, shape: tuple[int, ...], deviation: float) -> str:
        drawn = self._random.standard_normal(shape, np.float32)
        return self.constant(name, drawn * np.float32(deviation))

    def conv(self, source: str, channels: int, width: int, name: str, *, stride: int = 1) -> str:
        weights = self.weight(f"{name}_w", (width, channels, 3, 3), (channels * 9) ** -0.5)
        pads, strides = [1, 1, 1, 1], [stride, stride]
        return self.node("Conv", [source, weights], name, strides=strides, pads=pads)

    def patches(self, source: str, channels: int, width: int, size: int) -> str:
        """Apply a convolution whose kernel is as large as its stride."""
        shape = (width, channels, size, size)
        weights = self.weight(f"{source}_{size}_w", shape, (channels * size * size) ** -0.5)
        return self.node("Conv", [source, weights], f"{source}_{size}", strides=[size, size])

    def linear(self, source: str, inputs: int, outputs: int, name: str) -> str:
        weights = self.weight(f"{name}_w", (outputs, inputs), inputs**-0.5)
        bias = self.weight(f"{name}_b", (outputs,), 0.01)
        return self.node("Gemm", [source, weights, bias], name, transB=1)

    def matmul(self, source: str, inputs: int, outputs: int, name: str) -> str:
        weights = self.weight(f"{name}_w", (inputs, outputs), inputs**-0.5)
        return self.node("MatMul", [source, weights], name)

    def norm(self, source: str, channels: int) -> str:
        drawn = {
            "scale": self._random.uniform(0.8, 1.2, channels),
            "shift": self._random.normal(0, 0.1, channels),
            "mean": self._random.normal(0, 0.1, channels),
            "variance": self._random.uniform(0.8, 1.2, channels),
        }
        inputs = [
            self.constant(f"{source}_{key}_{len(self._nodes)}", value.astype(np.float32))
            for key, value in drawn.items()
        ]
        return self.node(
            "BatchNormalization", [source, *inputs], f"{source}_bn{len(self._nodes)}", epsilon=1e-5
        )

    def prelu(self, source: str) -> str:
        (channels,) = (each.dims[0] for each in self._weights[-1:])
        slopes = self._random.uniform(0.1, 0.4, (channels, 1, 1)).astype(np.float32)
        return self.node("PRelu", [source, self.constant(f"{source}_a", slopes)], f"{source}_act")

    def layer_norm(self, source: str, width: int, name: str) -> str:
        scale = self.constant(f"{name}_g", self._random.uniform(0.8, 1.2, width).astype(np.float32))
        shift = self.constant(f"{name}_h", np.zeros(width, np.float32))
        mean = self.node("ReduceMean", [source], f"{name}_mean", axes=[-1])
        less = self.node("Sub", [source, mean], f"{name}_less")
        square = self.node("Mul", [less, less], f"{name}_square")
        variance = self.node("ReduceMean", [square], f"{name}_var", axes=[-1])
        least = self.constant(f"{name}_e", np.array(1e-6, np.float32))
        deviation = self.node(
            "Sqrt", [self.node("Add", [variance, least], f"{name}_sum")], f"{name}_dev"
        )
        normal = self.node("Div", [less, deviation], f"{name}_div")
        return self.node(
            "Add", [self.node("Mul", [normal, scale], f"{name}_mul"), shift], f"{name}_ln"
        )

    def model(self, output: str, size: int, length: int) -> onnx.ModelProto:
        value = helper.make_tensor_value_info
        body = helper.make_graph(
            self._nodes,
            "large",
            [value("image", TensorProto.FLOAT, ["batch", 3, size, size])],
            [value(output, TensorProto.FLOAT, ["batch", length])],
            self._weights,
        )
        return helper.make_model(body, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
