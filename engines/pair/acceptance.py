"""
Is a pruned network fit to measure quality with? Asked on faces whose subjects are known.

Its shift says nothing of quality when pruning destroyed the network (it no longer tells people
apart) or hardly touched it (the shift is rounding).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from engines.biometrics.comparisons import Comparisons
from engines.errors import PairRefusedError
from engines.quality.reference_quantiles import rounded
from engines.quality.shift import embedding_shift, unit_rows
from engines.quality.specification import Embeddings

DENSE_ERROR_AT_MOST = 0.10
"""
Equal error rate on the golden faces that a face recognition network stays well below.

MobileFaceNet-512 has 0.00 on them; with pixels not normalised 0.24, upside down 0.12.
"""

ERROR_ADDED_AT_MOST = 0.02
"""
What pruning may add to it: three golden pairs of 123.

MobileFaceNet-512 by layers: 0.000 at sparsity 0.3, 0.065 at 0.4, 0.163 at 0.5. Networks that
survive pruning keep their accuracy (arXiv 2605.13396 reports 97.4 to 96.4 % up to 0.7).
"""

MATCH_FMR = 1e-2
"""
False match rate on the golden faces at the comparison score that matches.

The golden faces are portraits of one studio, which are more alike than faces of the world: on clean
LFW the same score gave FMR 0.0000 to 0.0020 and FNMR 0.015 to 0.049 for four networks.
"""
OF_NORMAL = NormalDist().inv_cdf(1 - MATCH_FMR)

MEDIAN_SHIFT_AT_LEAST = 1e-3
"""FP16 alone moves an embedding by about 2e-4; below this a shift is mostly rounding."""


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What the golden faces say about a pair."""

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012

    faces: int
    mated: int
    """Comparisons of one subject."""
    non_mated: int
    """Comparisons of two subjects."""
    dense_error: float
    """Equal error rate of the dense network, in [0, 1]; lower is better."""
    pruned_error: float
    """Equal error rate of the pruned network, in [0, 1]."""
    median_shift: float
    """Over the faces, in [0, 2]."""
    match_score: float | None = None
    """
    Comparison score (cosine of dense embeddings) from which two faces are taken for one person:
    the threshold at FMR `MATCH_FMR`. None in a pair of the first release.
    """


def assess_pair(dense: Embeddings, pruned: Embeddings, subjects: Sequence[str]) -> Acceptance:
    """
    Return what the embeddings of known faces say about a pair.

    Args:
        dense: (N, D) float32 raw embeddings of the dense network.
        pruned: (N, D) float32 raw embeddings of the pruned network.
        subjects: N names; equal names are one person.

    Raises:
        EmbeddingError: A row is zero, NaN or infinite.
        ValueError: The subjects give no mated or no non-mated comparison.
    """
    first, second = (compare_all(each, subjects) for each in (dense, pruned))
    mated = int(first.mated.sum())
    return Acceptance(
        faces=len(subjects),
        mated=mated,
        non_mated=first.mated.size - mated,
        dense_error=equal_error_rate(first),
        pruned_error=equal_error_rate(second),
        median_shift=float(np.median(embedding_shift(dense, pruned))),
        match_score=_match_score(first),
    )


def require_fit(found: Acceptance) -> None:
    """
    Refuse a pair whose shift cannot measure quality.

    Raises:
        PairRefusedError: The dense network knows no faces, or the pruned one collapsed or did not
            move; the message has the figures and the next step.
    """
    if found.dense_error > DENSE_ERROR_AT_MOST:
        raise PairRefusedError(
            f"the dense network does not tell the golden faces apart: equal error rate "
            f"{found.dense_error:.1%}, at most {DENSE_ERROR_AT_MOST:.0%} is accepted. Check "
            "colour, mean, scale and template of its specification"
        )
    if found.pruned_error > found.dense_error + ERROR_ADDED_AT_MOST:
        raise PairRefusedError(
            f"the pruned network collapsed: equal error rate {found.pruned_error:.1%} on the "
            f"golden faces, dense {found.dense_error:.1%} (median shift {found.median_shift:.3f}). "
            "Use a lower sparsity, or scope 'layer'"
        )
    if found.median_shift < MEDIAN_SHIFT_AT_LEAST:
        raise PairRefusedError(
            f"the pruned network did not move: median shift {found.median_shift:.1e} on the golden "
            f"faces, {MEDIAN_SHIFT_AT_LEAST:.0e} is needed to measure more than rounding. "
            "Use a higher sparsity, or count 'live' weights only"
        )


def estimated_match_score(embeddings: Embeddings) -> float:
    """
    Estimate `Acceptance.match_score` from a few faces of different subjects.

    A normal distribution through their comparison scores: the golden vectors are eight.

    Args:
        embeddings: (N, D) float32 embeddings of the dense network, N at least 3.
    """
    scores = compare_all(embeddings, [str(face) for face in range(len(embeddings))]).score
    return min(1.0, float(scores.mean() + OF_NORMAL * scores.std()))


def _match_score(comparisons: Comparisons) -> float:
    non_mated = comparisons.score[~comparisons.mated]
    return rounded(float(np.quantile(non_mated, 1 - MATCH_FMR, method="higher")))


def compare_all(embeddings: Embeddings, subjects: Sequence[str]) -> Comparisons:
    """Return every pair of faces with its cosine, each pair once."""
    rows = unit_rows(embeddings)
    first, second = np.triu_indices(len(rows), 1)
    names = np.array(subjects)
    return Comparisons((rows @ rows.T)[first, second], names[first] == names[second])


def equal_error_rate(comparisons: Comparisons) -> float:
    """
    Return the lowest rate that FMR and FNMR can both stay at or below at one threshold.

    A comparison matches when its score reaches the threshold (ISO/IEC 19795-1).

    Raises:
        ValueError: There is no mated or no non-mated comparison.
    """
    mated = np.sort(comparisons.score[comparisons.mated])
    non_mated = np.sort(comparisons.score[~comparisons.mated])
    if not (mated.size and non_mated.size):
        raise ValueError("an error rate needs two faces of one subject, and a second subject")
    thresholds = np.append(comparisons.score, np.inf)
    fnmr = np.searchsorted(mated, thresholds) / mated.size
    fmr = 1 - np.searchsorted(non_mated, thresholds) / non_mated.size
    return float(np.maximum(fnmr, fmr).min())
