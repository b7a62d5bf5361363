"""Random networks with planted dead channels: every operator that compaction meets."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from engines.graph.network import Network
from tests.networks import specification

MOVES = (
    "pointwise",
    "padded",
    "strided",
    "depthwise",
    "padded_depthwise",
    "prelu",
    "relu",
    "sigmoid",
    "batch_norm",
    "shortcut",
    "gate",
    "scaled",
    "max_pool",
    "padded_average",
    "average",
    "foreign",
)


class DeadNetwork:
    """A chain of random moves from an image (N, 3, 20, 16) to an embedding (N, 5)."""

    def __init__(self, seed: int, moves: tuple[str, ...], bias_scale: float = 1.0) -> None:
        self.random = np.random.default_rng(seed)
        self.bias_scale = bias_scale
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.last = self.convolution("image", (6, 3, 3, 3), pads=[1, 1, 1, 1])
        self.channels = 6
        for move in moves:
            self.last = getattr(self, f"_{move}")(self.last)
        self._end()

    def network(self) -> Network:
        image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 3, 20, 16])
        embedding = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", 5])
        body = helper.make_graph(self.nodes, "dead", [image], [embedding], self.weights)
        opsets = [helper.make_opsetid("", 13)]
        model = helper.make_model(body, opset_imports=opsets, ir_version=8)
        onnx.checker.check_model(model, full_check=True)
        return Network(model, "image", "embedding", specification(), 5, "0" * 64)

    def convolution(self, source: str, shape: tuple[int, ...], **attributes: object) -> str:
        """Half of the filters are dead; of these, half have a bias and half of them barely."""
        weights = self.random.normal(0, 1 / np.sqrt(np.prod(shape[1:])), shape)
        bias = self.random.normal(0, self.bias_scale, shape[0])
        fate = self.random.integers(0, 6, shape[0])
        weights[fate < 3] = 0
        bias[fate == 0] = 0
        bias[fate == 1] *= 1e-9
        weights[:, self.random.random(shape[1]) < 0.2] = 0  # inputs that nobody reads
        return self.node("Conv", [source, self.add(weights), self.add(bias)], **attributes)

    def add(self, array: np.ndarray) -> str:
        name = f"w{len(self.weights)}"
        kept = array if array.dtype == np.int64 else array.astype(np.float32)
        self.weights.append(numpy_helper.from_array(kept, name))
        return name

    def node(self, op: str, inputs: list[str], **attributes: object) -> str:
        name = f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], name=name, **attributes))
        return name

    def _pointwise(self, source: str) -> str:
        before, self.channels = self.channels, int(self.random.integers(2, 9))
        return self.convolution(source, (self.channels, before, 1, 1))

    def _padded(self, source: str) -> str:
        before, self.channels = self.channels, int(self.random.integers(2, 9))
        return self.convolution(source, (self.channels, before, 3, 3), pads=[1, 1, 1, 1])

    def _strided(self, source: str) -> str:
        shape = (self.channels, self.channels, 2, 2)
        return self.convolution(source, shape, auto_pad="SAME_UPPER", strides=[1, 1])

    def _depthwise(self, source: str) -> str:
        return self.convolution(source, (self.channels, 1, 1, 1), group=self.channels)

    def _padded_depthwise(self, source: str) -> str:
        shape = (self.channels, 1, 3, 3)
        return self.convolution(source, shape, group=self.channels, pads=[1, 1, 1, 1])

    def _prelu(self, source: str) -> str:
        slopes = self.add(self.random.uniform(0.1, 0.4, (self.channels, 1, 1)))
        return self.node("PRelu", [source, slopes])

    def _relu(self, source: str) -> str:
        return self.node("Relu", [source])

    def _sigmoid(self, source: str) -> str:
        return self.node("Sigmoid", [source])

    def _batch_norm(self, source: str) -> str:
        named = [
            self.random.uniform(0.5, 1.5, self.channels),
            self.random.normal(0, self.bias_scale, self.channels),
            self.random.normal(0, self.bias_scale, self.channels),
            self.random.uniform(0.5, 2.0, self.channels),
        ]
        return self.node("BatchNormalization", [source, *(self.add(each) for each in named)])

    def _shortcut(self, source: str) -> str:
        shape = (self.channels, self.channels, 3, 3)
        return self.node("Add", [source, self.convolution(source, shape, pads=[1, 1, 1, 1])])

    def _gate(self, source: str) -> str:
        """Squeeze and excitation."""
        pooled = self.node("GlobalAveragePool", [source])
        gate = self.convolution(pooled, (self.channels, self.channels, 1, 1))
        return self.node("Mul", [source, self.node("Sigmoid", [gate])])

    def _scaled(self, source: str) -> str:
        shape = (1, self.channels, 1, 1) if self.random.random() < 0.7 else (1,)
        return self.node("Mul", [source, self.add(self.random.normal(1, 0.3, shape))])

    def _max_pool(self, source: str) -> str:
        return self.node("MaxPool", [source], kernel_shape=[3, 3], pads=[1, 1, 1, 1])

    def _padded_average(self, source: str) -> str:
        shape = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "count_include_pad": 1}
        return self.node("AveragePool", [source], **shape)

    def _average(self, source: str) -> str:
        return self.node("AveragePool", [source], kernel_shape=[2, 2])

    def _foreign(self, source: str) -> str:
        """Operators that compaction does not know; the second mixes the channels."""
        return (
            self.node("Concat", [self.node("Softsign", [source]), source], axis=1)
            if (self._doubled())
            else self.node("Softsign", [source])
        )

    def _doubled(self) -> bool:
        double = self.channels <= 8
        self.channels *= 2 if double else 1
        return double

    def _end(self) -> None:
        weights = self.random.normal(0, 1, (5, self.channels, 1, 1))
        pooled = self.node("GlobalAveragePool", [self.last])
        bias = self.add(self.random.normal(0, 1, 5))
        final = self.node("Conv", [pooled, self.add(weights), bias])
        self.nodes.append(helper.make_node("Flatten", [final], ["embedding"], name="flat"))
