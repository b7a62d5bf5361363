"""
Fold BatchNormalization into the convolution or Gemm before it.

y = (x - mean) * scale / sqrt(variance + epsilon) + shift, with x = W * input + b, is again
W' * input + b' with W' = f W and b' = f (b - mean) + shift, f = scale / sqrt(variance + epsilon)
for each output channel. Pruning comes after folding, because f decides what a weight is worth;
and FP16 comes after folding, because the products before it may exceed FP16's range.
"""

from dataclasses import replace

import numpy as np
import onnx
from numpy.typing import NDArray

from engines.graph import graph
from engines.graph.network import Network

DEFAULT_EPSILON = 1e-5
"""Of BatchNormalization where the file states none (ONNX operator specification)."""


def fold_batch_norm(network: Network) -> Network:
    """
    Return the network with each BatchNormalization folded that directly follows Conv or Gemm.

    The arithmetic is float64, the stored weights float32. One that follows something else, or
    shares its input with another node, stays as it is: padding makes it impossible to fold.
    """
    model = onnx.ModelProto()
    model.CopyFrom(network.model)
    for norm in [node for node in model.graph.node if node.op_type == "BatchNormalization"]:
        layer = _foldable_layer(model, norm)
        if layer is not None:
            _fold(model, layer, norm)
    graph.drop_unused_initializers(model)
    return replace(network, model=model)


def _foldable_layer(model: onnx.ModelProto, norm: onnx.NodeProto) -> onnx.NodeProto | None:
    before = next((node for node in model.graph.node if norm.input[0] in node.output), None)
    if before is None or before.op_type not in {"Conv", "Gemm"}:
        return None
    constant = graph.initializers(model).keys()
    fixed = {*before.input[1:], *norm.input[1:]} - {""} <= constant
    written = graph.attributes(before)
    plain = all(written.get(name, 1.0) == 1.0 for name in ("alpha", "beta"))
    alone = graph.readers(model)[before.output[0]] == 1 and len(norm.output) == 1
    per_channel = graph.attributes(norm).get("spatial", 1) == 1
    return before if fixed and plain and alone and per_channel else None


def _fold(model: onnx.ModelProto, layer: onnx.NodeProto, norm: onnx.NodeProto) -> None:
    factor, shift = _affine(model, norm)
    constant = graph.initializers(model)
    weights = graph.values(constant[layer.input[1]]).astype(np.float64)
    shape = [1] * weights.ndim
    shape[_output_axis(layer)] = factor.size
    folded = (weights * factor.reshape(shape)).astype(np.float32)
    bias = np.zeros(())
    if len(layer.input) == 3 and layer.input[2]:
        bias = graph.values(constant[layer.input[2]]).astype(np.float64)
    folded_bias = (np.broadcast_to(bias, factor.shape) * factor + shift).astype(np.float32)
    name = layer.input[1]
    inputs = [
        layer.input[0],
        graph.add_initializer(model, f"{name}_folded", folded),
        graph.add_initializer(model, f"{name}_folded_bias", folded_bias),
    ]
    del layer.input[:]
    layer.input.extend(inputs)
    layer.output[0] = norm.output[0]
    model.graph.node.remove(norm)


def _affine(
    model: onnx.ModelProto, norm: onnx.NodeProto
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return factor and shift of each channel: y = factor * x + shift."""
    constant = graph.initializers(model)
    scale, offset, mean, variance = (
        graph.values(constant[name]).astype(np.float64) for name in norm.input[1:5]
    )
    epsilon = graph.attributes(norm).get("epsilon", DEFAULT_EPSILON)
    factor = scale / np.sqrt(variance + epsilon)
    return factor, offset - mean * factor


def _output_axis(layer: onnx.NodeProto) -> int:
    """Axis 0 of a convolution's weights; Gemm's second one unless it transposes them."""
    if layer.op_type == "Conv" or graph.attributes(layer).get("transB", 0) == 1:
        return 0
    return 1
