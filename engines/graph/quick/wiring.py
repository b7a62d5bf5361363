"""Who makes which tensor and who reads it, for rewrites of a few nodes in a row."""

from collections import defaultdict
from collections.abc import Callable
from typing import TypeVar

import onnx

from engines.graph import graph
from engines.graph.draft import Draft

Place = TypeVar("Place")
"""Nodes that a rewrite is about."""


class Wiring:
    """The nodes of a graph by what they read and make."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self._makers = {name: node for node in model.graph.node for name in node.output}
        self._readers = defaultdict[str, list[onnx.NodeProto]](list)
        self._counts = graph.readers(model)
        for node in model.graph.node:
            for name in node.input:
                self._readers[name].append(node)

    def maker(self, name: str) -> onnx.NodeProto | None:
        """Return the node that makes a tensor; None for inputs and constants."""
        return self._makers.get(name)

    def only_reader(self, name: str) -> onnx.NodeProto | None:
        """Return the node that alone reads a tensor; None where there are more, or of an output."""
        readers = self._readers[name]
        return readers[0] if self._counts[name] == len(readers) == 1 else None


def is_convolution(node: onnx.NodeProto, draft: Draft) -> bool:
    """Tell whether a node is a convolution whose kernel, and bias if it has one, are constant."""
    return node.op_type == "Conv" and set(node.input[1:]) <= draft.tensors.keys()


def is_plain_convolution(node: onnx.NodeProto, draft: Draft) -> bool:
    """Tell whether a node is such a convolution and reads all channels, not groups of them."""
    return is_convolution(node, draft) and graph.attributes(node).get("group", 1) == 1


def changed_at(
    model: onnx.ModelProto,
    place_of: Callable[[onnx.NodeProto, Wiring, Draft], Place | None],
    change: Callable[[Draft, Place], None],
) -> onnx.ModelProto:
    """
    Return a copy of a network, changed at places that are all found before the first is changed.

    Args:
        model: The network.
        place_of: Returns the place that a node stands for; None where there is nothing to change.
        change: Is shown each place.
    """
    draft = Draft(model)
    wiring = Wiring(draft.model)
    found = [place_of(node, wiring, draft) for node in draft.model.graph.node]
    for place in found:
        if place is not None:
            change(draft, place)
    draft.drop_unread()
    return draft.finished()
