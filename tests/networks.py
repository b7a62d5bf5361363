"""Tiny real ONNX face networks: random weights from a seed, every structure the loader meets."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from engines.graph.network import Network, load_network
from engines.quality.preprocess import input_axes
from engines.quality.specification import InputSpecification


def specification(width: int = 16, height: int = 20, **changes: object) -> InputSpecification:
    """Width and height differ, so that swapping them cannot go unnoticed."""
    values = {
        "width": width,
        "height": height,
        "colour": "bgr",
        "mean": 127.5,
        "scale": 128.0,
        "layout": "nchw",
        "template": ((5.0, 8.0), (11.0, 8.0), (8.0, 11.0), (5.5, 15.0), (10.5, 15.0)),
    }
    return InputSpecification(**{**values, **changes})  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class TinyNetwork:
    """What the file shall contain."""

    seed: int = 0
    embedding_length: int = 8
    channels: int = 6
    batch: int | str = 1
    opset: int = 11
    batch_norm: bool = True
    ending: str = "gemm"
    """gemm (Flatten, Gemm, BatchNormalization), or reshape (global Conv, frozen Reshape)."""
    convolution_bias: bool = False
    dead_channels: int = 0


def face_network(
    tiny: TinyNetwork | None = None, spec: InputSpecification | None = None
) -> onnx.ModelProto:
    """Return input -> Conv, BatchNormalization, PRelu, depthwise Conv, ending -> embedding."""
    return _Builder(tiny or TinyNetwork(), spec or specification()).model()


def write(model: onnx.ModelProto, folder: Path, name: str = "network.onnx") -> Path:
    path = folder / name
    path.write_bytes(model.SerializeToString())
    return path


def loaded(folder: Path, tiny: TinyNetwork | None = None) -> Network:
    """Return the tiny network as the product loads it."""
    return load_network(write(face_network(tiny), folder), specification())


class _Builder:
    def __init__(self, tiny: TinyNetwork, spec: InputSpecification) -> None:
        self.tiny, self.spec = tiny, spec
        self.random = np.random.default_rng(tiny.seed)
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def model(self) -> onnx.ModelProto:
        tiny, spec = self.tiny, self.spec
        last = self._stem("input")
        last = self._depthwise(last)
        getattr(self, f"_{tiny.ending}")(last)
        shape = [tiny.batch, *input_axes(spec)]
        body = helper.make_graph(
            self.nodes,
            "tiny",
            [helper.make_tensor_value_info("input", TensorProto.FLOAT, shape)],
            [
                helper.make_tensor_value_info(
                    "embedding", TensorProto.FLOAT, [tiny.batch, tiny.embedding_length]
                )
            ],
            self.weights,
        )
        opsets = [helper.make_opsetid("", tiny.opset)]
        return helper.make_model(body, opset_imports=opsets, ir_version=8)

    def _stem(self, source: str) -> str:
        channels = self.tiny.channels
        weights = self._normal((channels, input_axes(self.spec)[0], 3, 3))
        weights[: self.tiny.dead_channels] = 0
        inputs = [source, self._add("stem_w", weights)]
        if self.tiny.convolution_bias:
            inputs.append(self._add("stem_b", self._normal((channels,))))
        self._node("Conv", inputs, "stem", strides=[2, 2], pads=[1, 1, 1, 1])
        last = self._norm("stem", channels)
        slopes = self._add("slopes", self.random.uniform(0.1, 0.4, (channels, 1, 1)))
        return self._node("PRelu", [last, slopes], "activated")

    def _depthwise(self, source: str) -> str:
        channels = self.tiny.channels
        weights = self._add("depthwise_w", self._normal((channels, 1, 3, 3)))
        attributes = {"strides": [2, 2], "pads": [1, 1, 1, 1], "group": channels}
        self._node("Conv", [source, weights], "depthwise", **attributes)
        return self._norm("depthwise", channels)

    def _gemm(self, source: str) -> None:
        length = self.tiny.embedding_length
        height, width = self._map_size()
        flat = self._node("Flatten", [source], "flat", axis=1)
        weights = self._normal((length, self.tiny.channels * height * width))
        inputs = [flat, self._add("gemm_w", weights), self._add("gemm_b", self._normal((length,)))]
        self._node("Gemm", inputs, "embedding_raw", transB=1)
        last = self._norm("embedding_raw", length)
        self._node("Identity", [last], "embedding")

    def _reshape(self, source: str) -> None:
        length = self.tiny.embedding_length
        weights = self._normal((length, self.tiny.channels, *self._map_size()))
        last = self._node("Conv", [source, self._add("global_w", weights)], "global")
        shape = self._add("frozen_shape", np.array([1, -1], np.int64))
        self._node("Reshape", [last, shape], "embedding")

    def _map_size(self) -> tuple[int, int]:
        return -(-self.spec.height // 4), -(-self.spec.width // 4)

    def _norm(self, source: str, channels: int) -> str:
        if not self.tiny.batch_norm:
            return source
        named = {
            "scale": self.random.uniform(0.5, 1.5, channels),
            "shift": self._normal((channels,)),
            "mean": self._normal((channels,)),
            "variance": self.random.uniform(0.5, 2.0, channels),
        }
        inputs = [source] + [self._add(f"{source}_{key}", each) for key, each in named.items()]
        return self._node("BatchNormalization", inputs, f"{source}_norm", epsilon=1e-3)

    def _normal(self, shape: tuple[int, ...]) -> NDArray[np.float64]:
        fan_in = int(np.prod(shape[1:])) or 1
        return self.random.normal(0, 1 / np.sqrt(fan_in), shape)

    def _add(self, name: str, values: NDArray[np.generic]) -> str:
        array = values if values.dtype == np.int64 else values.astype(np.float32)
        self.weights.append(numpy_helper.from_array(array, name))
        return name

    def _node(self, op: str, inputs: list[str], output: str, **attributes: object) -> str:
        self.nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
        return output
