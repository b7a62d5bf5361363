"""
Error versus discard: does discarding the pairs of lowest quality remove the false non-matches?

Two conventions exist and their figures must never be mixed:

* `fixed` (ours): one threshold, set by the FMR of all non-mated pairs; only mated pairs are
  discarded; the curve is a step function. Source: Schlett et al., "Considerations on the
  Evaluation of Biometric Quality Assessment Algorithms", arXiv 2303.13294.
* `pooled` (for comparing with papers that use the CR-FIQA script, arXiv 2112.06592): mated and
  non-mated pairs are discarded from one pool, the threshold is estimated again at every step of
  one per cent of the pool, and the area is the trapezoid rule's.

In both, pairs of equal quality are discarded together: at discard x the pairs that remain are
those whose quality reaches the value at position floor(x * P) of the sorted qualities.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from engines.biometrics.comparisons import Comparisons, false_non_match_rate, threshold_at_fmr
from engines.errors import EvaluationError

Convention = Literal["fixed", "pooled"]
Qualities = NDArray[np.float64]
"""(P,) quality of each pair, finite; higher is better."""
Levels = NDArray[np.intp]
"""(P,) how many lower qualities there are than that of each pair, equal ones counted once."""


@dataclass(frozen=True, slots=True)
class Question:
    """What an error-versus-discard figure is asked to say."""

    fmr: float
    """False match rate that sets the threshold, in (0, 1)."""
    limit: float = 0.3
    """Largest share of pairs discarded, in (0, 1)."""
    convention: Convention = "fixed"

    def __post_init__(self) -> None:
        if not 0 < self.fmr < 1:
            raise ValueError(f"FMR {self.fmr} is not between 0 and 1")
        if not 0 < self.limit < 1:
            raise ValueError(f"discard limit {self.limit} is not between 0 and 1")


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """FNMR against the share of pairs discarded."""

    discard: NDArray[np.float64]
    """(S,) shares actually discarded, ascending from 0."""
    fnmr: NDArray[np.float64]
    """(S,) FNMR of what remains; lower is better."""
    convention: Convention


def pair_quality(first: Qualities, second: Qualities) -> Qualities:
    """Return the quality of each pair: that of its worse image (arXiv 2303.13294)."""
    return np.minimum(first, second)


def error_versus_discard(comparisons: Comparisons, quality: Qualities, question: Question) -> Curve:
    """
    Return the error-versus-discard curve of one quality measure.

    Args:
        comparisons: P pairs.
        quality: (P,) of the same pairs; higher is better.
        question: Threshold and convention.

    Returns:
        The curve: every step up to the last for `fixed`, whole per cents up to the limit
        for `pooled`.

    Raises:
        EvaluationError: A quality is not finite, there are no mated pairs, or the FMR cannot be
            measured with so few non-mated pairs.
        ValueError: The lengths differ.
    """
    if quality.shape != comparisons.score.shape:
        raise ValueError(f"{quality.shape} qualities for {comparisons.score.shape} pairs")
    if not np.isfinite(quality).all():
        raise EvaluationError("a quality is not finite: exclude the images that failed")
    if question.convention == "pooled":
        return _pooled(comparisons, quality, question)
    return fixed_curves(comparisons, {"": levels_of(quality)}, question.fmr)[""]


def levels_of(quality: Qualities) -> Levels:
    """Return the levels of (P,) qualities."""
    return np.unique(quality, return_inverse=True)[1]


def fixed_curves(
    comparisons: Comparisons, levels: Mapping[str, Levels], fmr: float
) -> dict[str, Curve]:
    """
    Return for each measure the curve that `error_versus_discard` gives, with the fixed threshold.

    For many draws of the same pairs: nothing is sorted.

    Args:
        comparisons: P pairs.
        levels: (P,) of each measure's qualities; some levels may be missing here.
        fmr: False match rate that sets the threshold, in (0, 1).

    Raises:
        EvaluationError: There are no mated pairs, or the FMR cannot be measured with so few
            non-mated pairs.
    """
    mated = comparisons.mated
    threshold = threshold_at_fmr(comparisons.score[~mated], fmr)
    refused = comparisons.score[mated] < threshold
    return {name: _stepwise(refused, level[mated]) for name, level in levels.items()}


def partial_area(curve: Curve, limit: float) -> float:
    """
    Return the area under the curve from no discard to `limit`, normalised.

    Args:
        curve: From `error_versus_discard`.
        limit: Largest share discarded, in (0, 1).

    Returns:
        Area divided by limit * FNMR at no discard: 1 when discarding changes nothing, 0 when it
        removes every error at once, above 1 when it removes the good pairs; lower is better.

    Raises:
        EvaluationError: No false non-match at no discard, so there is nothing to improve.
        ValueError: The limit is not between 0 and 1.
    """
    if not 0 < limit < 1:
        raise ValueError(f"discard limit {limit} is not between 0 and 1")
    at_no_discard = curve.fnmr[0]
    if at_no_discard == 0:
        raise EvaluationError(
            "no mated pair is refused at this FMR, so no quality measure can improve it: "
            "ask for a lower FMR or give harder pairs (--degrade)"
        )
    if curve.convention == "pooled":
        area = np.trapezoid(curve.fnmr, curve.discard)
    else:
        widths = np.diff(np.minimum(np.append(curve.discard, 1.0), limit))
        area = np.dot(widths, curve.fnmr)
    return float(area / (limit * at_no_discard))


def _stepwise(refused: NDArray[np.bool_], level: Levels) -> Curve:
    if not level.size:
        raise EvaluationError("error versus discard needs mated pairs: give pairs with mated = 1")
    counts = np.bincount(level)
    there = counts > 0
    discarded = _before(counts)[there]
    errors = refused.sum() - _before(np.bincount(level, refused))[there]
    return Curve(discarded / level.size, errors / (level.size - discarded), "fixed")


def _before(counts: NDArray[np.float64] | NDArray[np.intp]) -> NDArray[np.float64]:
    """Return, for each level, the sum over the levels below it."""
    return np.cumsum(counts, dtype=np.float64) - counts


def _pooled(comparisons: Comparisons, quality: Qualities, question: Question) -> Curve:
    steps = np.linspace(0, question.limit, max(2, round(question.limit * 100) + 1))
    ordered = np.sort(quality)
    rates = []
    for step in steps:
        kept = quality >= ordered[math.floor(step * quality.size + 1e-9)]
        rates.append(_fnmr_at_fmr(comparisons.of(kept), question.fmr))
    return Curve(steps, np.array(rates), "pooled")


def _fnmr_at_fmr(comparisons: Comparisons, fmr: float) -> float:
    threshold = threshold_at_fmr(comparisons.score[~comparisons.mated], fmr)
    return false_non_match_rate(comparisons.score[comparisons.mated], threshold)
