"""How well quality measures tell which comparisons will fail: pure figures from measured faces."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.evaluation.pair_list import PairList
from engines.biometrics.bootstrap import MeasureArea, compare_measures
from engines.biometrics.comparisons import (
    Accuracy,
    Comparisons,
    accuracy,
    false_non_match_rate,
    refuse_repetition,
    threshold_at_fmr,
)
from engines.biometrics.degrade import FAULTS, Degradation
from engines.biometrics.edc import (
    Convention,
    Curve,
    Qualities,
    Question,
    error_versus_discard,
    pair_quality,
)
from engines.biometrics.ranks import spearman
from engines.errors import EvaluationError
from engines.quality.specification import Embeddings

FMRS = (1e-2, 1e-3)
"""Operating points: what sets of a few thousand pairs can measure (PreFIQs and others use them)."""
LIMIT = 0.3
"""Largest share of pairs discarded."""


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredFace:
    """One face image as networks and measures saw it."""

    embedding: Embeddings
    """(D,) float32 unit vector."""
    qualities: Mapping[str, float]
    """By measure; higher is better."""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """All images in one version: as they are, or a share of them degraded by one seed."""

    faces: Mapping[str, MeasuredFace]
    """By image name; images whose face was not found are absent."""
    verifying: Mapping[str, Embeddings]
    """Embeddings to compare, by image name: of the same network or of another."""

    def shows(self, pairs: PairList) -> NDArray[np.bool_]:
        """Return (P,) True where both faces of a pair were found."""
        known = self.faces.keys() & self.verifying.keys()
        return np.array([known.issuperset(pair) for pair in pairs.pairs()], bool)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to report."""

    measures: tuple[str, ...]
    reference: str
    """The measure that the others are compared with."""
    convention: Convention
    seed: int
    """Of the bootstrap."""


@dataclass(frozen=True, slots=True, eq=False)
class OperatingPoint:
    """Error versus discard at one false match rate."""

    fmr: float
    threshold: float | None
    """Comparison score at which pairs match; None where it cannot be measured."""
    fnmr: float | None
    """At no discard; lower is better."""
    areas: Mapping[str, MeasureArea]
    """By measure; empty where undefined."""
    curves: Mapping[str, Curve]
    """By measure; empty where undefined."""
    reason: str | None
    """Why something is undefined."""


@dataclass(frozen=True, slots=True, eq=False)
class SetResult:
    """Figures of the images as they are, or with a share of them degraded by one seed or more."""

    name: str
    pairs: int
    """Pairs of photographs; each is compared once for each seed."""
    comparisons: int
    mated: int
    """Of the comparisons."""
    excluded: int
    """Comparisons left out because a face of theirs was not found."""
    accuracy: Accuracy | None
    points: tuple[OperatingPoint, ...]


@dataclass(frozen=True, slots=True)
class FaultResult:
    """How the measures answer to one fault."""

    fault: str
    images: int
    """Degraded images; each is compared with itself as it was (strength 0)."""
    correlations: Mapping[str, float | None]
    """Spearman's rho of strength and quality, by measure: -1 when every step lowers it."""


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """The pairs of which both faces were found, in each view."""

    comparisons: Comparisons
    seen: Sequence[tuple[View, PairList]]

    def qualities(self, measure: str) -> Qualities:
        """Return (P,) the quality of each comparison: the lower one of its two images."""
        return np.concatenate([_qualities(kept, view.faces, measure) for view, kept in self.seen])


def compared_pairs(name: str, pairs: PairList, views: Sequence[View]) -> Compared:
    """
    Compare all pairs in each view.

    Raises:
        EvaluationError: No pair remains; `name` says of which images.
    """
    shown = [view.shows(pairs) for view in views]
    seen = [(view, pairs.of(kept)) for view, kept in zip(views, shown, strict=True) if kept.any()]
    if not seen:
        raise EvaluationError(f"no pair remains of the {name} images: no faces were found in them")
    pair = np.concatenate([np.flatnonzero(kept) for kept in shown])
    scores = np.concatenate([_cosines(kept, view.verifying) for view, kept in seen])
    return Compared(Comparisons(scores, pairs.mated[pair], pair), seen)


def judge_set(
    name: str,
    pairs: PairList,
    views: Sequence[View],
    plan: Plan,
) -> SetResult:
    """
    Return the figures of one set of images, in one view or several that are pooled.

    Args:
        name: Of the set.
        pairs: All pairs.
        views: Each compares every pair once.
        plan: What to report.

    Raises:
        EvaluationError: No pair remains.
    """
    compared = compared_pairs(name, pairs, views)
    comparisons = compared.comparisons
    pair = comparisons.pairs()
    qualities = {measure: compared.qualities(measure) for measure in plan.measures}
    return SetResult(
        name=name,
        pairs=np.unique(pair).size,
        comparisons=pair.size,
        mated=int(comparisons.mated.sum()),
        excluded=len(views) * len(pairs.first) - pair.size,
        accuracy=_accuracy(comparisons, pairs.fold[pair]),
        points=tuple(_point(comparisons, qualities, fmr, plan) for fmr in FMRS),
    )


def judge_faults(
    degraded: Sequence[tuple[Degradation, MeasuredFace, MeasuredFace]], measures: Sequence[str]
) -> tuple[FaultResult, ...]:
    """
    Return how quality falls with the strength of each fault.

    Args:
        degraded: Degradation, the face as it was, the face degraded.
        measures: Whose quality to correlate.
    """
    return tuple(
        _fault(fault, [each for each in degraded if each[0].fault == fault], measures)
        for fault in FAULTS
    )


def _fault(
    fault: str,
    degraded: Sequence[tuple[Degradation, MeasuredFace, MeasuredFace]],
    measures: Sequence[str],
) -> FaultResult:
    strengths = np.array([s for each, _, _ in degraded for s in (0, each.strength)], np.float64)
    correlations: dict[str, float | None] = {}
    for measure in measures:
        values = [face.qualities[measure] for _, *faces in degraded for face in faces]
        try:
            correlations[measure] = spearman(strengths, np.array(values, np.float64))
        except EvaluationError:
            correlations[measure] = None
    return FaultResult(fault, len(degraded), correlations)


def _cosines(pairs: PairList, embeddings: Mapping[str, Embeddings]) -> NDArray[np.float64]:
    """Return the comparison scores: cosines in float64, -1 to 1."""
    first = np.stack([embeddings[name] for name in pairs.first]).astype(np.float64)
    second = np.stack([embeddings[name] for name in pairs.second]).astype(np.float64)
    return np.einsum("ij,ij->i", first, second)


def _qualities(pairs: PairList, faces: Mapping[str, MeasuredFace], measure: str) -> Qualities:
    first, second = (
        np.array([faces[name].qualities[measure] for name in names], np.float64)
        for names in (pairs.first, pairs.second)
    )
    return pair_quality(first, second)


def _accuracy(comparisons: Comparisons, fold: NDArray[np.intp]) -> Accuracy | None:
    try:
        return accuracy(comparisons, fold)
    except EvaluationError:  # one fold only
        return None


def _point(
    comparisons: Comparisons, qualities: Mapping[str, Qualities], fmr: float, plan: Plan
) -> OperatingPoint:
    threshold = fnmr = None
    try:
        refuse_repetition(comparisons, fmr)
        threshold = threshold_at_fmr(comparisons.score[~comparisons.mated], fmr)
        fnmr = false_non_match_rate(comparisons.score[comparisons.mated], threshold)
        question = Question(fmr, LIMIT, plan.convention)
        rng = np.random.default_rng(plan.seed)
        areas = compare_measures(comparisons, qualities, question, plan.reference, rng)
        curves = {
            name: error_versus_discard(comparisons, quality, question)
            for name, quality in qualities.items()
        }
    except EvaluationError as error:
        return OperatingPoint(fmr, threshold, fnmr, {}, {}, str(error))
    return OperatingPoint(fmr, threshold, fnmr, areas, curves, None)
