"""
Two or three masks averaged: of the recipes that finished a race, those that prune other layers.

A late mask and one in the middle see other faults; the geometric mean of their shifts foretells
errors better than any of them on four of five networks, each left out of the choice, and a third
mask does so again on the two where it fits the price (docs/measured.md, docs/experiments.md). Their
shifts are known already, so that judging them together embeds nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from engines.calibration.self_made import SelfMade, between_people
from engines.calibration.sweep import Signals, Sweep
from engines.pruning.candidates import Candidate
from engines.quality.shift import mean_shift

KIND = "several masks"
COUNTS = (2, 3)
"""How many masks are tried together."""


def with_several_masks(found: Sweep, cost_at_most: float) -> Sweep:
    """Return a race's sweep with what several of its finishers that cost at most so much do."""
    made = SelfMade(found.faces, found.embeddings)
    opponent = made.area(found.norms)
    added = []
    single = [each for each in found.finished() if each.candidate.recipe.importance != "random"]
    for chosen in affordable([each.candidate for each in single], cost_at_most):
        each = [single[at] for at in chosen]
        shift = mean_shift([one.shift for one in each])
        signals = Signals(
            several_masks([one.candidate for one in each]),
            min(one.agreement for one in each),
            shift,
            float(np.median(shift[found.faces.clean])),
            made.area(-shift) / opponent,
            between_people(shift, found.faces),
        )
        added.append(signals)
    return replace(found, signals=(*found.signals, *added))


def affordable(single: Sequence[Candidate], cost_at_most: float) -> Iterator[tuple[int, ...]]:
    """Yield the places of those that prune other layers and cost at most so much together."""
    for count in COUNTS:
        for chosen in combinations(range(len(single)), count):
            each = [single[at] for at in chosen]
            layers = [layer for one in each for layer in one.recipe.layers]
            if len(layers) == len(set(layers)) and _cost(each) <= cost_at_most:
                yield chosen


def several_masks(each: Sequence[Candidate]) -> Candidate:
    """Return the candidate that has all masks; what each prunes and what follows runs apart."""
    first, *others = (one.recipe for one in each)
    recipe = replace(first, masks=(*first.masks, *others))
    return Candidate(KIND, " and ".join(map(_name, each)), recipe, _cost(each))


def _cost(each: Sequence[Candidate]) -> float:
    return 1 + sum(one.cost - 1 for one in each)


def _name(each: Candidate) -> str:
    recipe = each.recipe
    structure = "" if recipe.structure == "weights" else f" {recipe.structure}"
    return f"{each.family} {recipe.importance}{structure} {recipe.sparsity:g}"
