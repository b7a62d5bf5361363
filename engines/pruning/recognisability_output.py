"""
Recognisability in a pair's graph: one more embedding, moved the further the less it is.

As with the norm (`engines.pruning.norm_pair`), a measure that needs no second pass is written as a
shift, so that it takes part in all that pairs have: score mapping, golden vectors, plans, records.
Only operators are used that are the same in every operator set, and values about 1 or below, so
that FP16 holds them.
"""

import numpy as np
import onnx
from numpy.typing import NDArray

from engines.graph.draft import Draft
from engines.graph.network import Network
from engines.graph.prelu import spell_out_prelu
from engines.pruning.form import FormedPair, formed, joined, lean, pruned_copies
from engines.pruning.recipe import Recipe
from engines.quality.recognisability import SMALLEST, Recognisability


def recognisability_pair(network: Network, found: Recognisability) -> FormedPair:
    """Write a network down with a second output that recognisability alone moves: one pass."""
    compacted, compaction = lean(network)
    model = _with_moved(compacted.model, found)
    return formed(network, {"fused": spell_out_prelu(model)}, (), compaction)


def pair_with_recognisability(
    network: Network, recipe: Recipe, found: Recognisability
) -> FormedPair:
    """
    Write a pair of K masks down with K moved embeddings beside the K pruned ones.

    The shift, the geometric mean of all of them, is so that of the masks' shift and the distance.

    Raises:
        RecipeError: The recipe names layers that do not exist.
    """
    fused, layers, compaction = pruned_copies(network, recipe)
    model = joined(_with_moved(fused, found, copies=len(recipe.single)))
    return formed(network, {"fused": spell_out_prelu(model)}, layers, compaction)


def _with_moved(model: onnx.ModelProto, found: Recognisability, copies: int = 1) -> onnx.ModelProto:
    """Add outputs, so many that are all alike: the first output, moved."""
    nodes = _Nodes(model)
    moved = nodes.moved(found)
    outputs = nodes.draft.model.graph.output
    for copy in range(copies):
        name = moved if copy == 0 else nodes.add("Identity", moved)
        output = outputs.add()
        output.CopyFrom(outputs[0])
        output.name = name
    return nodes.draft.finished()


class _Nodes:
    """Nodes appended to a graph, named after its first output."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self.draft = Draft(model)
        self._embedding = model.graph.output[0].name

    def moved(self, found: Recognisability) -> str:
        """Add `Recognisability.moved` and return the tensor's name."""
        off = self.add("Sub", self._embedding, found.centre[None])
        ones = np.ones((len(found.centre), 1))
        distance = self._length(self.add("MatMul", off, found.whitening), ones)
        distance = self.add("Add", distance, np.full((1, 1), SMALLEST))
        unit = self.add("Mul", self._embedding, np.full((1, 1), 1 / found.length))
        norm = self._length(unit, ones)
        by = self.add("Mul", self.add("Div", norm, distance), found.vector[None])
        return self.add("Add", self._embedding, by)

    def _length(self, rows: str, ones: NDArray[np.float64]) -> str:
        """Add the norm of each row; a matrix product sums alike in every operator set."""
        return self.add("Sqrt", self.add("MatMul", self.add("Mul", rows, rows), ones))

    def add(self, operator: str, *inputs: str | NDArray[np.float64]) -> str:
        """Add a node and return its output; arrays are stored as weights in float32."""
        count = len(self.draft.model.graph.node)
        name = f"{self._embedding}_recognisability_{count}"
        names = [
            each
            if isinstance(each, str)
            else self.draft.add(f"{name}_{place}", each.astype(np.float32))
            for place, each in enumerate(inputs)
        ]
        node = onnx.helper.make_node(operator, names, [name], name=name)
        self.draft.model.graph.node.append(node)
        return name
