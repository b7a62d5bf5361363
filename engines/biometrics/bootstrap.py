"""
Intervals of error-versus-discard areas and of their differences, by a paired bootstrap.

Pairs are drawn anew with replacement, mated and non-mated ones apart, and every measure is judged
on the same draw, so that the difference of two measures has a far narrower interval than either
(percentile method; Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13).
A pair compared several times, differently degraded, is drawn with all its comparisons: a cluster
bootstrap, without which more seeds would feign more people (Davison and Hinkley, "Bootstrap Methods
and their Application", 1997, section 3.8). The threshold is estimated again for each draw. Images
that occur in several pairs make the true intervals somewhat wider than these.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engines.biometrics.comparisons import Comparisons
from engines.biometrics.edc import (
    Levels,
    Qualities,
    Question,
    error_versus_discard,
    fixed_curves,
    levels_of,
    partial_area,
)
from engines.errors import EvaluationError

RESAMPLES = 1000
COVERAGE = 0.95
LEAST_DEFINED = 0.9
"""Share of the draws that must have errors to measure; below it an interval would mislead."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class MeasureArea:
    """How well one measure orders the pairs."""

    area: Estimate
    """Normalised partial area (see `partial_area`); lower is better."""
    difference: Estimate
    """The same minus that of the reference measure; below zero is better than the reference."""


def compare_measures(
    comparisons: Comparisons,
    qualities: Mapping[str, Qualities],
    question: Question,
    reference: str,
    rng: np.random.Generator,
) -> dict[str, MeasureArea]:
    """
    Return area and difference to the reference for every measure, with 95 % intervals.

    Args:
        comparisons: P of them; those of one pair are drawn together.
        qualities: (P,) for each measure's name; higher is better.
        question: Threshold, range and convention.
        reference: The measure that the others are compared with; a key of `qualities`.
        rng: Source of the draws; the same seed gives the same intervals.

    Raises:
        EvaluationError: An area is undefined on the pairs, or on a tenth or more of the draws.
        KeyError: `reference` is not among the qualities.
    """
    whole = _areas(comparisons, qualities, question)
    draws = _draw_areas(comparisons, qualities, question, rng)
    return {
        name: MeasureArea(
            estimate_of(whole[name], draws[name]),
            estimate_of(whole[name] - whole[reference], draws[name] - draws[reference]),
        )
        for name in qualities
    }


def _draw_areas(
    comparisons: Comparisons,
    qualities: Mapping[str, Qualities],
    question: Question,
    rng: np.random.Generator,
) -> dict[str, NDArray[np.float64]]:
    drawn: list[dict[str, float]] = []
    kinds = list(_kinds(comparisons))
    levels = {name: levels_of(quality) for name, quality in qualities.items()}
    for _ in range(RESAMPLES):
        chosen = _draw(kinds, rng)
        resampled = {name: level[chosen] for name, level in levels.items()}
        try:
            drawn.append(_areas_of_levels(comparisons.of(chosen), resampled, question))
        except EvaluationError:  # a draw without a single error has no area
            continue
    if len(drawn) < LEAST_DEFINED * RESAMPLES:
        raise EvaluationError(
            f"only {len(drawn)} of {RESAMPLES} draws of these pairs contain an error at FMR "
            f"{question.fmr:g}: give more or harder pairs, or a lower FMR"
        )
    return {name: np.array([areas[name] for areas in drawn]) for name in qualities}


@dataclass(frozen=True, slots=True, eq=False)
class _Kind:
    """All mated comparisons, or all others, those of a pair one after the other."""

    together: NDArray[np.intp]
    starts: NDArray[np.intp]
    """Where each pair begins."""
    lengths: NDArray[np.intp]
    """How many comparisons each pair has."""

    def of(self, pairs: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return the comparisons of pairs, in their order."""
        lengths = self.lengths[pairs]
        ends = lengths.cumsum()
        # The place within all that are returned, moved to where its pair begins here.
        return self.together[
            np.arange(ends[-1]) + (self.starts[pairs] - ends + lengths).repeat(lengths)
        ]


def _kinds(comparisons: Comparisons) -> Iterator[_Kind]:
    """Yield the comparisons of each mated pair, then those of each non-mated pair."""
    pair = comparisons.pairs()
    for kind in (comparisons.mated, ~comparisons.mated):
        chosen = np.flatnonzero(kind)
        if chosen.size:
            together = chosen[np.argsort(pair[chosen], kind="stable")]
            starts = np.append(0, np.flatnonzero(np.diff(pair[together])) + 1)
            yield _Kind(together, starts, np.diff(np.append(starts, chosen.size)))


def _draw(kinds: Sequence[_Kind], rng: np.random.Generator) -> NDArray[np.intp]:
    pairs = ((kind, len(kind.starts)) for kind in kinds)
    return np.concatenate([kind.of(rng.integers(count, size=count)) for kind, count in pairs])


def _areas(
    comparisons: Comparisons, qualities: Mapping[str, Qualities], question: Question
) -> dict[str, float]:
    return {
        name: partial_area(error_versus_discard(comparisons, quality, question), question.limit)
        for name, quality in qualities.items()
    }


def _areas_of_levels(
    comparisons: Comparisons, levels: Mapping[str, Levels], question: Question
) -> dict[str, float]:
    """Return the areas that the qualities give: in both conventions only their order counts."""
    if question.convention == "pooled":
        ordered = {name: level.astype(np.float64) for name, level in levels.items()}
        return _areas(comparisons, ordered, question)
    curves = fixed_curves(comparisons, levels, question.fmr)
    return {name: partial_area(curve, question.limit) for name, curve in curves.items()}


def estimate_of(value: float, draws: NDArray[np.float64]) -> Estimate:
    """Return a figure with the percentiles of what the draws gave, which are all finite."""
    return Estimate(float(value), *percentiles(draws))


def percentiles(draws: NDArray[np.float64]) -> tuple[float, float]:
    """Return both ends of the 95 % interval of what draws gave."""
    low, high = np.quantile(draws, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
    return float(low), float(high)
