"""
Change a graph without a second copy of its weights.

A protobuf message gives no memory back before all of it is released: replaced weights, and those
taken off its list, stay until then. So a rewrite works on the nodes alone, points to the weights it
keeps, and writes both into a new message at the end.
"""

import numpy as np
import onnx
from google.protobuf.message import Message
from numpy.typing import NDArray
from onnx import numpy_helper

from engines.graph import graph


class Draft:
    """A graph under change; its weights are those of the source until others take their place."""

    def __init__(self, source: onnx.ModelProto) -> None:
        self.model = skeleton(source)
        """Without initializers."""
        self.tensors = graph.initializers(source)
        """By name, in file order; not to be changed, because the source has them too."""

    def values(self, name: str) -> NDArray[np.float32]:
        """Return a weight's values; read-only."""
        return graph.values(self.tensors[name])

    def store(self, name: str, array: NDArray[np.generic]) -> None:
        """Give a weight other values, at its place."""
        self.tensors[name] = numpy_helper.from_array(np.ascontiguousarray(array), name)

    def add(self, name: str, array: NDArray[np.generic]) -> str:
        """Add a weight and return its name, made different from those in use."""
        taken = self.tensors.keys() | {out for node in self.model.graph.node for out in node.output}
        while name in taken:
            name += "_"
        self.store(name, array)
        return name

    def drop_unread(self) -> None:
        """Remove weights that no node reads."""
        used = graph.readers(self.model)
        self.tensors = {name: each for name, each in self.tensors.items() if used[name]}

    def finished(self) -> onnx.ModelProto:
        """Return the graph with its weights; the draft is empty afterwards."""
        model, self.model = self.model, onnx.ModelProto()
        model.graph.initializer.extend(self.tensors.values())
        self.tensors = {}
        return model


def skeleton(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy of a model without its initializers."""
    copy = onnx.ModelProto()
    _copy_fields(model, copy, "graph")
    _copy_fields(model.graph, copy.graph, "initializer")
    return copy


def _copy_fields(source: Message, target: Message, left_out: str) -> None:
    for field, value in source.ListFields():
        if field.name == left_out:
            continue
        if isinstance(value, Message):
            getattr(target, field.name).CopyFrom(value)
        elif hasattr(value, "extend"):  # repeated
            getattr(target, field.name).extend(value)
        else:
            setattr(target, field.name, value)
