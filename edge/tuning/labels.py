"""
The threshold for a target FNMR, from labelled pairs of face images.

A pair is compared when the gate forwards both of its images, so its quality is that of the worse
one. FNMR against threshold is the error-versus-discard curve of `engines.biometrics.edc`
(convention `fixed`: the comparison threshold is set once, by the FMR of all non-mated pairs).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edge.detection.central_face import central_face
from edge.errors import TuningError
from edge.evaluation.pair_list import PairList
from edge.footage.camera_run import Step
from edge.gate.decision_replay import SCOREABLE
from edge.samples import Assessment, Frame, Reason
from edge.tuning.steps import HIGHEST, Steps, neat_threshold
from edge.tuning.threshold import LEAST_FACES, Suggestion, interval_of
from engines.amounts import amount
from engines.biometrics.bootstrap import RESAMPLES
from engines.biometrics.comparisons import Comparisons
from engines.biometrics.edc import Qualities, Question, error_versus_discard
from engines.quality.specification import Embeddings


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """P pairs of which the gate could forward both images."""

    comparisons: Comparisons
    quality: Qualities
    """(P,) quality score of each pair's worse image, in [0, 100]."""
    left_out: int
    """Pairs with an image that shows no face or that a pre-check discards."""


@dataclass(frozen=True, slots=True)
class Errors:
    """What is asked for."""

    fnmr: float
    """Share of mated pairs that may fail, in (0, 1)."""
    fmr: float
    """False match rate that sets the comparison threshold, in (0, 1)."""


@dataclass(slots=True)
class CentralFaces:
    """The central face of each image that the gate could forward."""

    found: dict[str, tuple[Embeddings, float]] = field(default_factory=dict)
    """Embedding and quality score by the image's path."""

    def look(self, step: Step) -> None:
        """Remember the central face of a still image."""
        if step.captured is not None and step.captured.frame.time_s is None:
            self.take(step.captured.frame, step.outcome.assessments)

    def take(self, frame: Frame, assessed: Sequence[Assessment]) -> None:
        """Remember the central face of one image; masked ones are nobody's business."""
        faces = [each for each in assessed if each.verdict.reason is not Reason.MASKED]
        centre = central_face([each.face for each in faces], frame.pixels)
        for each in faces:
            if each.face is centre and each.verdict.reason in SCOREABLE:
                self._remember(frame.source, each)

    def _remember(self, path: str, face: Assessment) -> None:
        if face.embedding is not None and face.quality is not None:
            self.found[path] = (face.embedding, face.quality.score)


def labelled(pairs: PairList, faces: Mapping[str, tuple[Embeddings, float]]) -> Labelled:
    """
    Return the comparisons of the pairs.

    Args:
        pairs: Names of images.
        faces: Embedding and quality score by the name of the image.

    Raises:
        TuningError: No pair is left.
    """
    chosen = np.array([a in faces and b in faces for a, b in pairs.pairs()], np.bool_)
    kept = pairs.of(chosen)
    if not kept.mated.size:
        raise TuningError("of no labelled pair could both images be forwarded: see the reasons")
    both = [(faces[a], faces[b]) for a, b in kept.pairs()]
    scores = [float(np.dot(first[0], second[0])) for first, second in both]
    quality = [min(first[1], second[1]) for first, second in both]
    comparisons = Comparisons(np.array(scores, np.float64), kept.mated)
    return Labelled(comparisons, np.array(quality), int((~chosen).sum()))


def fnmr_steps(pairs: Labelled, fmr: float) -> Steps:
    """
    Return the FNMR of what each threshold forwards.

    Raises:
        EvaluationError: Too few non-mated pairs for this FMR.
    """
    curve = error_versus_discard(pairs.comparisons, pairs.quality, Question(fmr))
    return Steps(np.unique(pairs.quality[pairs.comparisons.mated]), curve.fnmr, curve.discard)


def suggest_for_fnmr(pairs: Labelled, target: Errors, rng: np.random.Generator) -> Suggestion:
    """
    Return the lowest threshold whose forwarded pairs fail no more often than asked.

    Args:
        pairs: Labelled pairs.
        target: FNMR, and the FMR it is measured at.
        rng: Source of the draws, of pairs, mated and non-mated ones apart.

    Returns:
        The threshold; a draw in which none suffices counts as 100.

    Raises:
        TuningError: Too few mated pairs, or no threshold suffices.
        EvaluationError: Too few non-mated pairs for this FMR.
    """
    mated = int(pairs.comparisons.mated.sum())
    if mated < LEAST_FACES:
        left = amount(mated, "mated pair is", "mated pairs are")
        raise TuningError(f"only {left} left; at least {LEAST_FACES} are needed")
    steps = fnmr_steps(pairs, target.fmr)
    chosen = _first_at_most(steps, target.fnmr)
    if chosen is None:
        raise TuningError(
            f"no threshold brings the FNMR down to {target.fnmr:g}; the lowest is "
            f"{steps.achieved.min():.3g}: ask for that, or for a higher FMR"
        )
    thresholds, achieved = [], []
    for drawn in _draws(pairs, target.fmr, rng):
        found = _first_at_most(drawn, target.fnmr)
        thresholds.append(HIGHEST if found is None else float(drawn.threshold[found]))
        achieved.append(_at(drawn, float(steps.threshold[chosen])))
    return Suggestion(
        threshold=neat_threshold(steps.threshold, chosen),
        interval=interval_of(thresholds),
        achieved=float(steps.achieved[chosen]),
        achieved_interval=interval_of(achieved),
    )


def _first_at_most(steps: Steps, wanted: float) -> int | None:
    good = np.flatnonzero(steps.achieved <= wanted)
    return int(good[0]) if good.size else None


def _at(steps: Steps, threshold: float) -> float:
    """Return what a threshold achieves; above every quality the best one is all that is left."""
    place = int(np.searchsorted(steps.threshold, threshold))
    return float(steps.achieved[min(place, steps.achieved.size - 1)])


def _draws(pairs: Labelled, fmr: float, rng: np.random.Generator) -> "list[Steps]":
    kinds = [np.flatnonzero(kind) for kind in (pairs.comparisons.mated, ~pairs.comparisons.mated)]
    return [_drawn(pairs, fmr, [rng.choice(k, k.size) for k in kinds]) for _ in range(RESAMPLES)]


def _drawn(pairs: Labelled, fmr: float, kinds: Sequence[NDArray[np.intp]]) -> Steps:
    chosen = np.concatenate(kinds)
    return fnmr_steps(Labelled(pairs.comparisons.of(chosen), pairs.quality[chosen], 0), fmr)
