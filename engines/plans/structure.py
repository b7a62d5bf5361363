"""What a network's structure means for speed on a GPU; read from the ONNX graph alone."""

import numpy as np
import onnx
from numpy.typing import NDArray

from engines.graph import graph

CHANNEL_STEP = 8
"""FP16 kernels work on 8 channels at a time: 25 channels cost as much as 32."""


def two_four_layers(model: onnx.ModelProto) -> tuple[str, ...]:
    """
    Return the layers whose weights are 2:4 sparse, the only pattern sparse tensor cores skip.

    Of every four weights that follow one another along the input channels at most two are not
    zero; a layer that is zero throughout does not count.
    """
    constant = graph.initializers(model)
    found = []
    for node, name in zip(model.graph.node, graph.layer_names(model), strict=True):
        if node.op_type in {"Conv", "Gemm"} and node.input[1] in constant:
            weights = graph.values(constant[node.input[1]])
            if _is_two_four(_input_channels_last(node, weights)):
                found.append(name)
    return tuple(found)


def uneven_layers(model: onnx.ModelProto) -> tuple[tuple[str, int], ...]:
    """Return the convolutions whose output channels are no multiple of 8, with their number."""
    constant = graph.initializers(model)
    found = []
    for node, name in zip(model.graph.node, graph.layer_names(model), strict=True):
        if node.op_type == "Conv" and node.input[1] in constant:
            channels = constant[node.input[1]].dims[0]
            if channels % CHANNEL_STEP:
                found.append((name, channels))
    return tuple(found)


def _input_channels_last(node: onnx.NodeProto, weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Conv stores (out, in, height, width), Gemm (in, out) unless it transposes."""
    if node.op_type == "Conv":
        return np.moveaxis(weights, 1, -1)
    return weights if graph.attributes(node).get("transB", 0) else weights.T


def _is_two_four(weights: NDArray[np.float32]) -> bool:
    if weights.shape[-1] % 4 or not weights.any():
        return False
    groups = weights.reshape(-1, 4)
    return bool((np.count_nonzero(groups, axis=1) <= 2).all())
