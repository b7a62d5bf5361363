"""
Recipes worth trying on a network that nobody has measured.

What is best differs by network, so the families are wide: one of the last layers alone, all of the
last few, three or eight neighbours anywhere in the depth, the middle, all layers; as the network
was before BatchNormalization was folded, where it was; and, for the record, whole channels, 2:4 and
chance, which the paper found worse. What comes before the first pruned layer is computed once for
both networks: the deeper, the cheaper.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import onnx

from engines.amounts import amount
from engines.graph import graph
from engines.graph.cost import multiply_adds_by_node
from engines.graph.network import Network
from engines.pruning.prune import prunable_weights
from engines.pruning.recipe import COST_AT_MOST, Importance, Recipe, Structure

SINGLE_LAYERS = 5
"""How many of the last layers are tried alone."""
LAST_LAYERS = (2, 3, 5, 8, 12)
"""How many of the last layers are tried together."""
WINDOWS = {3: (0.35, 0.5, 0.65, 0.8, 0.9), 8: (0.35, 0.5, 0.65, 0.8)}
"""So many neighbouring layers are tried together, about these shares of the depth."""
MIDDLE = (0.4, 0.77)
"""From which share of the depth to which one the middle is pruned."""
SPARSITIES = (0.2, 0.35, 0.5)
"""For one layer."""
SOME_SPARSITIES = (0.1, 0.2, 0.35)
"""For the last few layers."""
WINDOW_SPARSITIES = (0.1, 0.2)
SMALL_SPARSITIES = (0.05, 0.1)
"""For all layers together: more breaks compact networks."""
GLOBAL_SPARSITIES = (0.2, 0.4)
"""For all layers under one threshold, before folding; the second is the paper's."""


@dataclass(frozen=True, slots=True)
class _Family:
    kind: str
    name: str
    layers: tuple[str, ...]
    sparsities: tuple[float, ...]
    importances: tuple[Importance, ...] = ("channel",)
    structure: Structure = "weights"
    whole: bool = False
    """One threshold for all layers and all weights, as the paper has it."""


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
    Return the candidates that cost at most so much, the cheapest family first.

    Args:
        network: Compacted, as it will run.
        cost_at_most: 2 and more admits pruning all layers.
    """
    counts = multiply_adds_by_node(network.model, network.specification)
    names = tuple(dict.fromkeys(each.layer for each in prunable_weights(network.model)))
    found: dict[Recipe, Candidate] = {}
    for family in _families(names, folded=bool(network.folded)):
        cost = 1 + _computed_again(network.model, counts, family.layers) / sum(counts)
        for recipe in _recipes(family) if cost <= cost_at_most else ():
            found.setdefault(recipe, Candidate(family.kind, family.name, recipe, cost))
    return tuple(sorted(found.values(), key=lambda each: each.cost))


def _recipes(family: _Family) -> Iterator[Recipe]:
    for importance, sparsity in product(family.importances, family.sparsities):
        yield Recipe(
            scope="global" if family.whole else "layer",
            sparsity=sparsity,
            layers=family.layers,
            count="all" if family.whole else "live",
            importance=importance,
            structure=family.structure,
        )


def _families(names: tuple[str, ...], *, folded: bool) -> Iterator[_Family]:
    before: tuple[Importance, ...] = ("unfolded",) if folded else ()
    yield _Family("last layer", "last layer", names[-1:], SPARSITIES, ("channel", *before))
    yield _Family("last layer", "last layer", names[-1:], (0.35,), ("magnitude",))
    for place, name in enumerate(reversed(names[-SINGLE_LAYERS:-1]), start=2):
        yield _Family("one late layer", f"layer {place} from the end", (name,), SPARSITIES[1:])
    for count in LAST_LAYERS:
        if count < len(names):
            last = names[-count:]
            yield _Family("last layers", f"last {amount(count, 'layer')}", last, SOME_SPARSITIES)
    for size, places in WINDOWS.items():
        for share in places if size < len(names) else ():
            name, layers = _window(names, size, share)
            yield _Family("neighbours", name, layers, WINDOW_SPARSITIES, ("channel", *before))
    yield from _wide(names, before)
    yield from _controls(names)


def _wide(names: tuple[str, ...], before: tuple[Importance, ...]) -> Iterator[_Family]:
    start, end = (round(share * len(names)) for share in MIDDLE)
    if end - start > 1:
        name, layers = f"layers {start + 1} to {end}", names[start:end]
        yield _Family("middle", name, layers, WINDOW_SPARSITIES, ("channel", *before))
    yield _Family("all layers", "all layers", names, SMALL_SPARSITIES, ("channel", "magnitude"))
    if before:
        yield _Family("all layers", "all at once", names, GLOBAL_SPARSITIES, before, whole=True)


def _controls(names: tuple[str, ...]) -> Iterator[_Family]:
    """Yield the paper's alternatives to single weights of small magnitude."""
    late, last = _window(names, 3, 0.8), names[-1:]
    for name, layers in (("last layer", last), *([late] if len(names) > 3 else [])):
        yield _Family("2:4", name, layers, (0.5,), structure="2:4")
        yield _Family("channels", name, layers, (0.1,), structure="channels")
        yield _Family("random", name, layers, (0.1,), ("random",))


def _window(names: tuple[str, ...], size: int, share: float) -> tuple[str, tuple[str, ...]]:
    """Return so many neighbours about a share of the depth, and what they are called."""
    start = max(0, min(len(names) - size, round(share * len(names) - size / 2)))
    return f"layers {start + 1} to {start + size}", names[start : start + size]


def _computed_again(model: onnx.ModelProto, counts: Sequence[int], layers: tuple[str, ...]) -> int:
    """Return the multiply-adds of the pruned layers and of everything that depends on them."""
    changed: set[str] = set()
    again = 0
    for node, layer, count in zip(model.graph.node, graph.layer_names(model), counts, strict=True):
        if layer in layers or changed & set(node.input):
            changed.update(node.output)
            again += count
    return again
