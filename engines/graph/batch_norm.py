"""
Fold BatchNormalization into the convolution or Gemm before it.

y = (x - mean) * scale / sqrt(variance + epsilon) + shift, with x = W * input + b, is again
W' * input + b' with W' = f W and b' = f (b - mean) + shift, f = scale / sqrt(variance + epsilon)
for each output channel. Pruning comes after folding, because f decides what a weight is worth;
and FP16 comes after folding, because the products before it may exceed FP16's range.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import onnx
from numpy.typing import NDArray

from engines.graph import graph
from engines.graph.draft import Draft
from engines.graph.network import Network

DEFAULT_EPSILON = 1e-5
"""Of BatchNormalization where the file states none (ONNX operator specification)."""


def fold_batch_norm(network: Network) -> Network:
    """
    Return the network with each BatchNormalization folded that directly follows Conv or Gemm.

    The arithmetic is float64, the stored weights float32. One that follows something else, or
    shares its input with another node, stays as it is: padding makes it impossible to fold.
    """
    model, folded = folded_batch_norm(network.model, network.folded)
    return replace(network, model=model, folded=folded)


def folded_batch_norm(
    model: onnx.ModelProto, before: Mapping[str, NDArray[np.float64]] | None = None
) -> tuple[onnx.ModelProto, dict[str, NDArray[np.float64]]]:
    """
    Fold as `fold_batch_norm` does.

    Args:
        model: Stays as it is.
        before: Factors of layers folded earlier, see `Network.folded`.

    Returns:
        A copy, and the factor of each channel of each layer that was folded now or earlier.
    """
    draft = Draft(model)
    nodes = draft.model.graph.node
    folded = dict(before or {})
    for norm in [node for node in nodes if node.op_type == "BatchNormalization"]:
        layer = _foldable_layer(draft, norm)
        if layer is not None:
            factor = _fold(draft, layer, norm)
            folded[layer.output[0]] = factor * folded.pop(norm.input[0], 1.0)
    draft.drop_unread()
    return draft.finished(), folded


def _foldable_layer(draft: Draft, norm: onnx.NodeProto) -> onnx.NodeProto | None:
    model = draft.model
    before = next((node for node in model.graph.node if norm.input[0] in node.output), None)
    if before is None or before.op_type not in {"Conv", "Gemm"}:
        return None
    fixed = {*before.input[1:], *norm.input[1:]} - {""} <= draft.tensors.keys()
    written = graph.attributes(before)
    plain = all(written.get(name, 1.0) == 1.0 for name in ("alpha", "beta"))
    alone = graph.readers(model)[before.output[0]] == 1 and len(norm.output) == 1
    per_channel = graph.attributes(norm).get("spatial", 1) == 1
    return before if fixed and plain and alone and per_channel else None


def _fold(draft: Draft, layer: onnx.NodeProto, norm: onnx.NodeProto) -> NDArray[np.float64]:
    """Return the factor of each channel, which stays known: see `Network.folded`."""
    factor, shift = _affine(draft, norm)
    weights = draft.values(layer.input[1])
    shape = [1] * weights.ndim
    shape[_output_axis(layer)] = factor.size
    folded = _scaled(weights, factor.reshape(shape))
    bias = np.zeros(())
    if len(layer.input) == 3 and layer.input[2]:
        bias = draft.values(layer.input[2]).astype(np.float64)
    folded_bias = (np.broadcast_to(bias, factor.shape) * factor + shift).astype(np.float32)
    name = layer.input[1]
    inputs = [
        layer.input[0],
        draft.add(f"{name}_folded", folded),
        draft.add(f"{name}_folded_bias", folded_bias),
    ]
    del layer.input[:]
    layer.input.extend(inputs)
    layer.output[0] = norm.output[0]
    draft.model.graph.node.remove(norm)
    return factor


def _scaled(weights: NDArray[np.float32], factor: NDArray[np.float64]) -> NDArray[np.float32]:
    """Multiply in float64, row by row: a whole layer in it may be 200 MB."""
    factors = np.broadcast_to(factor, (len(weights), *factor.shape[1:]))
    scaled = np.empty_like(weights)
    for row, values, by in zip(scaled, weights, factors, strict=True):
        row[...] = values.astype(np.float64) * by
    return scaled


def _affine(draft: Draft, norm: onnx.NodeProto) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return factor and shift of each channel: y = factor * x + shift."""
    scale, offset, mean, variance = (
        draft.values(name).astype(np.float64) for name in norm.input[1:5]
    )
    epsilon = graph.attributes(norm).get("epsilon", DEFAULT_EPSILON)
    factor = scale / np.sqrt(variance + epsilon)
    return factor, offset - mean * factor


def _output_axis(layer: onnx.NodeProto) -> int:
    """Axis 0 of a convolution's weights; Gemm's second one unless it transposes them."""
    if layer.op_type == "Conv" or graph.attributes(layer).get("transB", 0) == 1:
        return 0
    return 1
