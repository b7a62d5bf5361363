"""
Find a recipe with labelled pairs: choose on one half of the folds, report on the other.

The figure is the partial area under the error-versus-discard curve (`engines.edc`), at FMR 1e-2 for
the choice. The half that reports has no image of the half that chooses.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engines.bootstrap import MeasureArea, compare_measures
from engines.calibrate import Signals, Sweep
from engines.edc import Question, error_versus_discard, pair_quality, partial_area
from engines.errors import CalibrationError, EvaluationError
from engines.verification import Comparisons

CHOSEN_AT = 1e-2
REPORTED_AT = (1e-2, 1e-3)
"""False match rates."""
ALIKE = 0.02
"""Areas no further apart are not told apart by a few thousand pairs."""
NORM = "norm"
"""Name of the opponent: the norm of the raw embedding, which is free."""
SEED = 0
"""Of the bootstrap."""


@dataclass(frozen=True, slots=True, eq=False)
class LabelledPairs:
    """P pairs of the faces of a sweep."""

    first: NDArray[np.intp]
    """(P,) index into the faces."""
    second: NDArray[np.intp]
    mated: NDArray[np.bool_]
    """(P,) True where both show one person."""
    fold: NDArray[np.intp]
    """(P,) from 0; no person should be in two folds."""

    def of(self, chosen: NDArray[np.bool_]) -> "LabelledPairs":
        """Return the pairs where the mask is True."""
        return LabelledPairs(
            self.first[chosen], self.second[chosen], self.mated[chosen], self.fold[chosen]
        )


@dataclass(frozen=True, slots=True, eq=False)
class PairsVerdict:
    """The recipe chosen on one half of the folds and what it is worth on the other."""

    chosen: Signals
    areas: tuple[float, ...]
    """Of each candidate where the choice was made; lower is better."""
    norm_area: float
    """Of the embedding norm there."""
    tuning_pairs: int
    report_pairs: int
    report: Mapping[float, Mapping[str, MeasureArea] | str]
    """By FMR: areas of the recipe and of the norm on the other half, or why there are none."""


def halves(pairs: LabelledPairs) -> tuple[LabelledPairs, LabelledPairs]:
    """
    Return the pairs to choose on and those to report on.

    Raises:
        CalibrationError: There is only one fold, or one half has no pair left.
    """
    folds = np.unique(pairs.fold)
    tuning = np.isin(pairs.fold, folds[: len(folds) // 2])
    seen = np.unique((pairs.first[tuning], pairs.second[tuning]))
    fresh = ~tuning & ~np.isin(pairs.first, seen) & ~np.isin(pairs.second, seen)
    for half in (tuning, fresh):
        if not (pairs.mated[half].any() and (~pairs.mated[half]).any()):
            raise CalibrationError(
                "the pairs cannot be divided: give two folds or more (column `fold`), each with "
                "mated and non-mated pairs and with images of its own"
            )
    return pairs.of(tuning), pairs.of(fresh)


def choose_by_pairs(found: Sweep, pairs: LabelledPairs) -> PairsVerdict:
    """
    Choose on the first half, near the least area the cheapest fit one, and judge it on the second.

    Raises:
        CalibrationError: The pairs cannot be divided, are too easy, or no candidate is fit.
    """
    tuning, other = halves(pairs)
    fit = [each for each in found.signals if each.fault is None]
    if not fit:
        raise CalibrationError("no candidate is fit: they collapsed or did not move")
    try:
        areas = {id(each): _area(found, -each.shift, tuning) for each in found.signals}
        norm_area = _area(found, found.norms, tuning)
    except EvaluationError as error:
        raise CalibrationError(f"the pairs to choose on say nothing: {error}") from error
    best = min(areas[id(each)] for each in fit)
    near = [each for each in fit if areas[id(each)] <= best + ALIKE]
    chosen = min(near, key=lambda each: (round(each.candidate.cost, 2), areas[id(each)]))
    return PairsVerdict(
        chosen,
        tuple(areas.values()),
        norm_area,
        len(tuning.mated),
        len(other.mated),
        {fmr: _report(found, chosen, other, fmr) for fmr in REPORTED_AT},
    )


def _area(found: Sweep, quality: NDArray[np.floating], pairs: LabelledPairs) -> float:
    question = Question(CHOSEN_AT)
    curve = error_versus_discard(_comparisons(found, pairs), _paired(quality, pairs), question)
    return partial_area(curve, question.limit)


def _report(
    found: Sweep, chosen: Signals, pairs: LabelledPairs, fmr: float
) -> Mapping[str, MeasureArea] | str:
    qualities = {
        "recipe": _paired(-chosen.shift, pairs),
        NORM: _paired(found.norms, pairs),
    }
    try:
        return compare_measures(
            _comparisons(found, pairs), qualities, Question(fmr), NORM, np.random.default_rng(SEED)
        )
    except EvaluationError as error:
        return str(error)


def _comparisons(found: Sweep, pairs: LabelledPairs) -> Comparisons:
    scores = (found.embeddings[pairs.first] * found.embeddings[pairs.second]).sum(axis=1)
    return Comparisons(scores, pairs.mated)


def _paired(quality: NDArray[np.floating], pairs: LabelledPairs) -> NDArray[np.float64]:
    values = quality.astype(np.float64)
    return pair_quality(values[pairs.first], values[pairs.second])
