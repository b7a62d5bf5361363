"""
Recipes worth trying on a network that nobody has measured.

Only cheap families: one of the last layers alone, or all of the last few. What comes before them is
computed once for both networks. Pruning all layers at a small sparsity is tried only where a second
embedding may be paid for.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import onnx

from engines.cost import multiply_adds
from engines.fuse import fuse
from engines.network import Network
from engines.prune import prunable_weights, prune
from engines.recipe import Importance, Recipe

COST_AT_MOST = 1.15
"""Embedding and score over the embedding alone, in multiply-adds."""

SINGLE_LAYERS = 8
"""How many of the last layers are tried alone."""
LAST_LAYERS = (2, 3, 5, 8)
"""How many of the last layers are tried together."""
SPARSITIES = (0.1, 0.2, 0.35, 0.5)
"""For the cheap families."""
SMALL_SPARSITIES = (0.05, 0.1)
"""For all layers together: more breaks compact networks."""
IMPORTANCES: tuple[Importance, ...] = ("channel", "magnitude")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A recipe and what it costs."""

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
    alone = multiply_adds(network.model, network.specification)
    found = []
    for family, layers, sparsities in _families(network.model):
        cost = multiply_adds(_fused(network, layers), network.specification) / alone
        if cost <= cost_at_most:
            found += [
                Candidate(family, Recipe(sparsity=share, layers=layers, importance=kind), cost)
                for kind, share in product(IMPORTANCES, sparsities)
            ]
    return tuple(found)


def _families(model: onnx.ModelProto) -> Iterator[tuple[str, tuple[str, ...], tuple[float, ...]]]:
    names = tuple(dict.fromkeys(each.layer for each in prunable_weights(model)))
    yield "last layer", names[-1:], SPARSITIES
    for place, name in enumerate(reversed(names[-SINGLE_LAYERS:-1]), start=2):
        yield f"layer {place} from the end", (name,), SPARSITIES
    for count in LAST_LAYERS:
        if count < len(names):
            yield f"last {count} layers", names[-count:], SPARSITIES
    yield "all layers", names, SMALL_SPARSITIES


def _fused(network: Network, layers: tuple[str, ...]) -> onnx.ModelProto:
    """What is computed twice does not depend on the sparsity."""
    pruned, _ = prune(network, Recipe(sparsity=0.5, layers=layers))
    return fuse(network, pruned)
