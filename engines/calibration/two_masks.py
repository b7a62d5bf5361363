"""
Two masks averaged: every two of the recipes that finished a race, where they prune other layers.

A late mask and one in the middle see other faults; the geometric mean of their shifts foretells
errors better than either on four of five networks, each left out of the choice
(docs/measured.md). Both shifts are known already, so that judging them together embeds nothing.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

import numpy as np

from engines.calibration.self_made import SelfMade, between_people
from engines.calibration.sweep import Signals, Sweep
from engines.pruning.candidates import Candidate
from engines.quality.shift import mean_shift

KIND = "two masks"


def with_two_masks(found: Sweep, cost_at_most: float) -> Sweep:
    """Return a race's sweep with what two of its finishers that cost at most so much do."""
    made = SelfMade(found.faces, found.embeddings)
    opponent = made.area(found.norms)
    added = []
    for first, second, both in _pairs(found.finished()):
        if both.cost > cost_at_most:
            continue
        shift = mean_shift((first.shift, second.shift))
        signals = Signals(
            both,
            min(first.agreement, second.agreement),
            shift,
            float(np.median(shift[found.faces.clean])),
            made.area(-shift) / opponent,
            between_people(shift, found.faces),
        )
        added.append(signals)
    return replace(found, signals=(*found.signals, *added))


def two_masks(first: Candidate, second: Candidate) -> Candidate:
    """Return the candidate that has both masks; what each prunes and what follows runs apart."""
    recipe = replace(first.recipe, masks=(*first.recipe.masks, second.recipe))
    names = (_name(each) for each in (first, second))
    return Candidate(KIND, " and ".join(names), recipe, first.cost + second.cost - 1)


def _pairs(finished: tuple[Signals, ...]) -> Iterator[tuple[Signals, Signals, Candidate]]:
    single = [each for each in finished if each.candidate.recipe.importance != "random"]
    for first, second in combinations(single, 2):
        one, other = first.candidate, second.candidate
        if not set(one.recipe.layers) & set(other.recipe.layers):
            yield first, second, two_masks(one, other)


def _name(each: Candidate) -> str:
    recipe = each.recipe
    structure = "" if recipe.structure == "weights" else f" {recipe.structure}"
    return f"{each.family} {recipe.importance}{structure} {recipe.sparsity:g}"
