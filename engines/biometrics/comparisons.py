"""
Verification error rates from comparison scores.

Terms: ISO/IEC 2382-37; a pair matches when its comparison score reaches the threshold
(ISO/IEC 19795-1). Comparison scores are cosines of embeddings: higher is more alike.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engines.amounts import amount
from engines.errors import EvaluationError


@dataclass(frozen=True, slots=True, eq=False)
class Comparisons:
    """Pairs of face images that were compared."""

    score: NDArray[np.float64]
    """(P,) comparison scores, finite; higher is more alike."""
    mated: NDArray[np.bool_]
    """(P,) True where both images show the same subject."""
    pair: NDArray[np.intp] | None = None
    """
    (P,) number of the pair of photographs that each is of, where pairs were compared several times
    (differently degraded): such comparisons are not independent. None: each is a pair of its own.
    """

    def __post_init__(self) -> None:
        if self.score.ndim != 1 or self.score.shape != self.mated.shape:
            raise ValueError(f"scores {self.score.shape} and mated {self.mated.shape} differ")
        if self.pair is not None and self.pair.shape != self.score.shape:
            raise ValueError(f"scores {self.score.shape} and pairs {self.pair.shape} differ")
        if not np.isfinite(self.score).all():
            raise EvaluationError("a comparison score is not finite: verify the engine pair")

    def of(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> "Comparisons":
        """Return the pairs chosen by a mask or by (possibly repeated) indices."""
        pair = None if self.pair is None else self.pair[chosen]
        return Comparisons(self.score[chosen], self.mated[chosen], pair)

    def pairs(self) -> NDArray[np.intp]:
        """Return (P,) the number of each comparison's pair."""
        return np.arange(self.score.size) if self.pair is None else self.pair

    def non_mated_different(self) -> int:
        """Return how many non-mated comparisons differ: those alike of one pair count once."""
        rows = np.stack([self.pairs()[~self.mated], self.score[~self.mated]])
        return int(np.unique(rows, axis=1).shape[1])


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Verification accuracy over folds."""

    mean: float
    """0 to 1, higher is better."""
    deviation: float
    """Standard deviation over the folds."""
    folds: int


def refuse_repetition(comparisons: Comparisons, fmr: float) -> None:
    """
    Refuse a false match rate that only repeated comparisons make look measurable.

    A pair that no seed degraded gives the same comparison in every one: it says nothing new.

    Raises:
        EvaluationError: Fewer different non-mated comparisons than one false match needs.
    """
    different = comparisons.non_mated_different()
    needed = math.ceil(1 / fmr - 1e-9)
    if different < needed:
        raise EvaluationError(
            f"FMR {fmr:g} cannot be measured with {different} different non-mated comparisons: "
            f"give at least {needed}, with more pairs or more seeds"
        )


def threshold_at_fmr(non_mated: NDArray[np.float64], fmr: float) -> float:
    """
    Return the lowest threshold whose false match rate is at most `fmr`.

    Args:
        non_mated: (K,) comparison scores of non-mated pairs.
        fmr: Share of them that may match, in (0, 1).

    Returns:
        The threshold; a pair matches when its score reaches it.

    Raises:
        EvaluationError: So few pairs that not even one may match: the rate cannot be measured.
        ValueError: `fmr` is out of range.
    """
    if not 0 < fmr < 1:
        raise ValueError(f"FMR {fmr} is not between 0 and 1")
    allowed = math.floor(fmr * non_mated.size + 1e-9)  # 1e-3 * 3000 is 3, not 2.9999...
    if allowed < 1:
        raise EvaluationError(
            f"FMR {fmr:g} cannot be measured with {amount(non_mated.size, 'non-mated pair')}: "
            f"give at least {math.ceil(1 / fmr)}"
        )
    first_refused = np.partition(non_mated, -1 - allowed)[-1 - allowed]
    return float(np.nextafter(first_refused, np.inf))


def false_non_match_rate(mated: NDArray[np.float64], threshold: float) -> float:
    """
    Return the share of mated pairs whose comparison score misses the threshold.

    Raises:
        EvaluationError: There are no mated pairs.
    """
    if not mated.size:
        raise EvaluationError("FNMR needs mated pairs: give pairs with mated = 1")
    return float(np.mean(mated < threshold))


def best_threshold(comparisons: Comparisons) -> float:
    """Return the threshold that decides most pairs rightly; the lowest of equals."""
    levels, level = np.unique(comparisons.score, return_inverse=True)
    mated = np.bincount(level, comparisons.mated, levels.size)
    non_mated = np.bincount(level, ~comparisons.mated, levels.size)
    refused_rightly = np.concatenate([[0], np.cumsum(non_mated)])
    matched_rightly = np.concatenate([np.cumsum(mated[::-1])[::-1], [0]])
    edges = np.append(levels, np.nextafter(levels[-1], np.inf))
    return float(edges[np.argmax(refused_rightly + matched_rightly)])


def accuracy(comparisons: Comparisons, fold: NDArray[np.intp]) -> Accuracy:
    """
    Return the verification accuracy, each fold decided by the best threshold of the others.

    Args:
        comparisons: P pairs.
        fold: (P,) the fold of each pair; at least two different.

    Raises:
        EvaluationError: There is only one fold.

    Source: Huang et al., "Labeled Faces in the Wild", UMass TR 07-49 (view 2).
    """
    names = np.unique(fold)
    if names.size < 2:
        raise EvaluationError("accuracy needs two folds or more: add a 'fold' column to the pairs")
    rates = [_fold_accuracy(comparisons, fold == name) for name in names]
    return Accuracy(float(np.mean(rates)), float(np.std(rates)), int(names.size))


def _fold_accuracy(comparisons: Comparisons, inside: NDArray[np.bool_]) -> float:
    threshold = best_threshold(comparisons.of(~inside))
    fold = comparisons.of(inside)
    return float(np.mean((fold.score >= threshold) == fold.mated))
