"""
Softmax of two channels, "is it one?", as what it is: the sigmoid of their difference.

The layer before gives the difference itself, so nothing has to be brought into the order of
Softmax and back.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import onnx

from engines.graph import graph
from engines.graph.draft import Draft
from engines.graph.quick.wiring import Wiring, changed_at, is_plain_convolution

TWO = 2


Nodes: TypeAlias = tuple[onnx.NodeProto, ...]


@dataclass(frozen=True, slots=True)
class _Place:
    """A layer of two channels, and what makes chances of them."""

    layer: onnx.NodeProto
    between: Nodes
    """Softmax, and the transpositions about it."""


def softmax_as_sigmoid(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy in which each Softmax of a layer of two channels is a Sigmoid."""
    return changed_at(model, _place, _replace)


def _place(softmax: onnx.NodeProto, wiring: Wiring, draft: Draft) -> _Place | None:
    if softmax.op_type != "Softmax":
        return None
    between, axes = _with_transpositions(softmax, wiring)
    layer, rank = wiring.maker(between[0].input[0]), len(axes)
    # Of the last axis all versions of Softmax mean the same.
    is_last = graph.attributes(softmax).get("axis", 1) in (-1, rank - 1)
    if not is_last or axes[-1] != 1 or layer is None or not _gives_two(layer, rank, draft):
        return None
    inner = [layer, *between[:-1]]
    is_alone = all(wiring.only_reader(node.output[0]) is not None for node in inner)
    return _Place(layer, between) if is_alone else None


def _with_transpositions(softmax: onnx.NodeProto, wiring: Wiring) -> tuple[Nodes, list[int]]:
    """Return a Softmax with a Transpose before it that the one behind undoes; its axes by those."""
    before, behind = wiring.maker(softmax.input[0]), wiring.only_reader(softmax.output[0])
    if before is not None and behind is not None:
        turn, back = (list(graph.attributes(node).get("perm", ())) for node in (before, behind))
        if turn and [turn[axis] for axis in back] == sorted(turn):
            return (before, softmax, behind), turn
    return (softmax,), [0, 1]


def _gives_two(layer: onnx.NodeProto, rank: int, draft: Draft) -> bool:
    """Tell whether a layer is linear, of two channels, with constant weights and a bias."""
    if layer.op_type == "Gemm":
        written = graph.attributes(layer)
        plain = all(written.get(name, 1.0) == 1.0 for name in ("alpha", "beta"))
        fits = rank == TWO and plain and written.get("transB", 0) == 1
    else:
        fits = rank > TWO and is_plain_convolution(layer, draft)
    weights = layer.input[1:]
    if not fits or len(weights) != TWO or not set(weights) <= draft.tensors.keys():
        return False
    return all(len(draft.values(name)) == TWO for name in weights)


def _replace(draft: Draft, place: _Place) -> None:
    layer, nodes, last = place.layer, draft.model.graph.node, place.between[-1]
    for at in (1, 2):
        values = draft.values(layer.input[at]).astype(np.float64)
        differences = np.stack([values[0] - values[1], values[1] - values[0]])
        layer.input[at] = draft.add(f"{layer.input[at]}_apart", differences.astype(np.float32))
    sigmoid = onnx.helper.make_node("Sigmoid", [layer.output[0]], [last.output[0]])
    nodes.insert(list(nodes).index(last), sigmoid)
    for node in place.between:
        nodes.remove(node)
