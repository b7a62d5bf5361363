"""
Find a recipe with labelled pairs: choose on some of them, report on others.

The figure is the partial area under the error-versus-discard curve (`engines.biometrics.edc`), at
FMR 1e-2 for the choice. Each pair is compared once for each seed of the degradations.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engines.biometrics.bootstrap import MeasureArea, compare_measures
from engines.biometrics.comparisons import Comparisons, refuse_repetition
from engines.biometrics.edc import Question, error_versus_discard, pair_quality, partial_area
from engines.calibration.sweep import Signals, Sweep
from engines.errors import CalibrationError, EvaluationError

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
    """C comparisons of the faces of a sweep."""

    first: NDArray[np.intp]
    """(C,) index into the faces."""
    second: NDArray[np.intp]
    mated: NDArray[np.bool_]
    """(C,) True where both show one person."""
    pair: NDArray[np.intp]
    """(C,) number of the pair of photographs; each is compared once for each seed."""


@dataclass(frozen=True, slots=True, eq=False)
class PairsChoice:
    """The recipe chosen with labelled pairs."""

    chosen: Signals
    areas: tuple[float, ...]
    """Of each candidate; lower is better."""
    norm_area: float
    """Of the embedding norm."""
    pairs: int


@dataclass(frozen=True, slots=True, eq=False)
class PairsReport:
    """What a recipe is worth on pairs that it was not chosen on."""

    pairs: int
    areas: Mapping[float, Mapping[str, MeasureArea] | str]
    """By FMR: areas of the recipe and of the norm, or why there are none."""


@dataclass(frozen=True, slots=True, eq=False)
class PairsVerdict:
    """A recipe chosen on some pairs and judged on others."""

    choice: PairsChoice
    report: PairsReport


def choose_by_pairs(found: Sweep, pairs: LabelledPairs) -> PairsChoice:
    """
    Return the cheapest of the fit candidates near the least area.

    Raises:
        CalibrationError: The pairs are too easy, or no candidate is fit.
    """
    fit = [each for each in found.signals if each.fault is None]
    if not fit:
        raise CalibrationError("no candidate is fit: they collapsed or did not move")
    try:
        areas = {id(each): _area(found, -each.shift, pairs) for each in found.signals}
        norm_area = _area(found, found.norms, pairs)
    except EvaluationError as error:
        raise CalibrationError(f"the pairs to choose on say nothing: {error}") from error
    best = min(areas[id(each)] for each in fit)
    near = [each for each in fit if areas[id(each)] <= best + ALIKE]
    chosen = min(near, key=lambda each: (round(each.candidate.cost, 2), areas[id(each)]))
    return PairsChoice(chosen, tuple(areas.values()), norm_area, np.unique(pairs.pair).size)


def judge_by_pairs(found: Sweep, pairs: LabelledPairs) -> PairsReport:
    """
    Judge the only recipe of a sweep on pairs it was not chosen on, against the embedding norm.

    Raises:
        ValueError: The sweep tried several.
    """
    (judged,) = found.signals
    areas = {fmr: _report(found, judged, pairs, fmr) for fmr in REPORTED_AT}
    return PairsReport(np.unique(pairs.pair).size, areas)


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
    comparisons, rng = _comparisons(found, pairs), np.random.default_rng(SEED)
    try:
        refuse_repetition(comparisons, fmr)
        return compare_measures(comparisons, qualities, Question(fmr), NORM, rng)
    except EvaluationError as error:
        return str(error)


def _comparisons(found: Sweep, pairs: LabelledPairs) -> Comparisons:
    scores = (found.embeddings[pairs.first] * found.embeddings[pairs.second]).sum(axis=1)
    return Comparisons(scores, pairs.mated, pairs.pair)


def _paired(quality: NDArray[np.floating], pairs: LabelledPairs) -> NDArray[np.float64]:
    values = quality.astype(np.float64)
    return pair_quality(values[pairs.first], values[pairs.second])
