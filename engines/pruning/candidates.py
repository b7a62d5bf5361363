"""
Recipes worth trying on a network that nobody has measured.

Only cheap families: one of the last layers alone, all of the last few, or a few neighbours. What
comes before them is computed once for both networks. Earlier layers, and all layers at a small
sparsity, are tried only where more of a second embedding may be paid for.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import onnx

from engines.graph import graph
from engines.graph.cost import multiply_adds_by_node
from engines.graph.network import Network
from engines.pruning.prune import prunable_weights
from engines.pruning.recipe import COST_AT_MOST, Importance, Recipe

SINGLE_LAYERS = 8
"""How many of the last layers are tried alone."""
LAST_LAYERS = (2, 3, 5, 8, 12, 20, 30)
"""How many of the last layers are tried together."""
WINDOW = 3
"""So many neighbouring layers are tried together anywhere, where they are not too dear."""
WINDOW_SPARSITIES = (0.1, 0.2)
SPARSITIES = (0.1, 0.2, 0.35, 0.5)
"""For the cheap families."""
SMALL_SPARSITIES = (0.05, 0.1)
"""For all layers together: more breaks compact networks."""
IMPORTANCES: tuple[Importance, ...] = ("channel", "magnitude")


@dataclass(frozen=True, slots=True)
class _Family:
    kind: str
    name: str
    layers: tuple[str, ...]
    sparsities: tuple[float, ...] = SPARSITIES
    importances: tuple[Importance, ...] = IMPORTANCES


@dataclass(frozen=True, slots=True)
class Candidate:
    """A recipe and what it costs."""

    kind: str
    """Of family, such as "last layers"."""
    family: str
    """In words, such as "last 3 layers"."""
    recipe: Recipe
    cost: float
    """Multiply-adds of embedding and score over those of the embedding alone, at least 1."""


def candidates(network: Network, cost_at_most: float = COST_AT_MOST) -> tuple[Candidate, ...]:
    """
    Return the candidates that cost at most so much, the shortest family first.

    Args:
        network: Compacted, as it will run.
        cost_at_most: 2 and more admits pruning all layers.
    """
    counts = multiply_adds_by_node(network.model, network.specification)
    found = []
    for family in _families(network.model):
        cost = 1 + _computed_again(network.model, counts, family.layers) / sum(counts)
        if cost <= cost_at_most:
            found += [
                Candidate(family.kind, family.name, _recipe(family, kind, share), cost)
                for kind, share in product(family.importances, family.sparsities)
            ]
    return tuple(found)


def _recipe(family: _Family, importance: Importance, sparsity: float) -> Recipe:
    return Recipe(sparsity=sparsity, layers=family.layers, importance=importance)


def _families(model: onnx.ModelProto) -> Iterator[_Family]:
    names = tuple(dict.fromkeys(each.layer for each in prunable_weights(model)))
    yield _Family("last layer", "last layer", names[-1:])
    for place, name in enumerate(reversed(names[-SINGLE_LAYERS:-1]), start=2):
        yield _Family("one late layer", f"layer {place} from the end", (name,))
    for count in LAST_LAYERS:
        if count < len(names):
            yield _Family("last layers", f"last {count} layers", names[-count:])
    for start in range(0, len(names) - WINDOW, WINDOW):
        name = f"layers {start + 1} to {start + WINDOW}"
        window = names[start : start + WINDOW]
        yield _Family("neighbours", name, window, WINDOW_SPARSITIES, IMPORTANCES[:1])
    yield _Family("all layers", "all layers", names, SMALL_SPARSITIES)


def _computed_again(model: onnx.ModelProto, counts: Sequence[int], layers: tuple[str, ...]) -> int:
    """Return the multiply-adds of the pruned layers and of everything that depends on them."""
    changed: set[str] = set()
    again = 0
    for node, layer, count in zip(model.graph.node, graph.layer_names(model), counts, strict=True):
        if layer in layers or changed & set(node.input):
            changed.update(node.output)
            again += count
    return again
