"""A network whose activations leave FP16 although its embedding is harmless."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from engines.graph.network import Network
from tests.networks import specification

SPECIFICATION = specification(8, 8)
GAIN = 4e4


def overflowing_network() -> Network:
    """Return Conv (weights around 4e4), BatchNormalization (undoes it), Relu, Gemm."""
    random = np.random.default_rng(3)
    weights = {
        "conv_w": random.normal(0, 0.3, (4, 3, 3, 3)) * GAIN,
        "scale": np.full(4, 1 / GAIN),
        "shift": random.normal(0, 0.1, 4),
        "mean": np.zeros(4),
        "variance": np.ones(4),
        "gemm_w": random.normal(0, 0.1, (8, 4 * 36)),
        "gemm_b": np.zeros(8),
    }
    nodes = [
        helper.make_node("Conv", ["input", "conv_w"], ["wide"], "conv"),
        helper.make_node(
            "BatchNormalization", ["wide", "scale", "shift", "mean", "variance"], ["norm"], "norm"
        ),
        helper.make_node("Relu", ["norm"], ["active"], "relu"),
        helper.make_node("Flatten", ["active"], ["flat"], "flatten"),
        helper.make_node("Gemm", ["flat", "gemm_w", "gemm_b"], ["embedding"], "gemm", transB=1),
    ]
    body = helper.make_graph(
        nodes,
        "overflowing",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["batch", 3, 8, 8])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", 8])],
        [numpy_helper.from_array(w.astype(np.float32), name) for name, w in weights.items()],
    )
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return Network(model, "input", "embedding", SPECIFICATION, 8, "")


def scaled(model: onnx.ModelProto, name: str, factor: float) -> onnx.ModelProto:
    """Return a copy with one weight tensor multiplied."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    tensor = next(each for each in copy.graph.initializer if each.name == name)
    values = numpy_helper.to_array(tensor) * np.float32(factor)
    tensor.CopyFrom(numpy_helper.from_array(values, name))
    return copy
