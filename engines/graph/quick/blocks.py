"""
Channels of nothing, up to a whole block, between two convolutions.

ONNX Runtime keeps an image in blocks from one convolution to the next only if its channels fill
them; else it brings it into another order and back, and what lies between, such as MaxPool, runs
slowly. Channels of zeros that the next convolution multiplies by zero change nothing.
"""

import numpy as np
import onnx
from numpy.typing import NDArray

from engines.graph.draft import Draft
from engines.graph.quick.pooled_prelu import BLOCK
from engines.graph.quick.wiring import Wiring, is_plain_convolution


def fill_blocks(model: onnx.ModelProto) -> onnx.ModelProto:
    """
    Return a copy in which more channels than a block has, between two convolutions, fill blocks.

    Only where nothing but PRelu, Relu and MaxPool lies between. Fewer channels than a block has are
    left alone: the convolution that reads them has a way of its own for that.
    """
    draft = Draft(model)
    wiring = Wiring(draft.model)
    for layer in draft.model.graph.node:
        if not is_plain_convolution(layer, draft):
            continue
        missing = -len(draft.values(layer.input[1])) % BLOCK
        between = _between(layer, wiring, draft)
        if between is not None and missing and len(draft.values(layer.input[1])) > BLOCK:
            _fill(draft, layer, between, missing)
    draft.drop_unread()
    return draft.finished()


def _between(layer: onnx.NodeProto, wiring: Wiring, draft: Draft) -> list[onnx.NodeProto] | None:
    """Return what lies between a convolution and the next one, and that one; None if it is else."""
    found: list[onnx.NodeProto] = []
    node = wiring.only_reader(layer.output[0])
    while node is not None and _keeps_channels(node, draft):
        found.append(node)
        node = wiring.only_reader(node.output[0])
    return None if node is None or not is_plain_convolution(node, draft) else [*found, node]


def _keeps_channels(node: onnx.NodeProto, draft: Draft) -> bool:
    if node.op_type == "PRelu":
        return node.input[1] in draft.tensors and draft.values(node.input[1]).shape[1:] == (1, 1)
    return node.op_type == "Relu" or (node.op_type == "MaxPool" and len(node.output) == 1)


def _fill(draft: Draft, layer: onnx.NodeProto, between: list[onnx.NodeProto], missing: int) -> None:
    *inner, following = between
    places = [(layer, at, 0) for at in range(1, len(layer.input))]
    places += [
        (node, 1, 0)
        for node in inner
        if node.op_type == "PRelu" and len(draft.values(node.input[1])) > 1
    ]
    for node, at, axis in [*places, (following, 1, 1)]:
        filled = _with_zeros(draft.values(node.input[at]), missing, axis)
        node.input[at] = draft.add(f"{node.input[at]}_filled", filled)


def _with_zeros(values: NDArray[np.float32], missing: int, axis: int) -> NDArray[np.float32]:
    return np.pad(values, [(0, missing if at == axis else 0) for at in range(values.ndim)])
