"""Run an evaluation over real images: collect faces, judge them, time the measures."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from rich.progress import Progress

from edge.errors import ImageError, NoFaceError
from edge.evaluation import (
    FaultResult,
    MeasuredFace,
    Plan,
    SetResult,
    judge_faults,
    judge_set,
)
from edge.evaluation_report import Failure
from edge.measured_faces import FaceMeasurer, Shot
from edge.measures import Measure, Sample
from edge.pair_list import PairList
from edge.timing import median_seconds
from engines.degrade import assigned_degradation
from engines.errors import AlignmentError, EmbeddingError, EvaluationError
from engines.pair import EnginePair
from engines.preprocess import prepare
from engines.protocols import EmbeddingNetwork
from engines.specification import Embeddings

TIMED_ROUNDS = 30

NOT_MEASURED = (ImageError, NoFaceError, AlignmentError, EmbeddingError)
"""What leaves one image out and lets the evaluation go on."""


@dataclass(frozen=True, slots=True, eq=False)
class Collected:
    """What came of a list of shots."""

    faces: Mapping[str, MeasuredFace]
    """By image name."""
    failures: Sequence[Failure]

    def embeddings(self) -> Mapping[str, Embeddings]:
        """Return the embedding of each image."""
        return {name: face.embedding for name, face in self.faces.items()}


@dataclass(frozen=True, slots=True, eq=False)
class Versions:
    """Which images to look at as they are, and which degraded."""

    clean: Sequence[Shot]
    degraded: Sequence[Shot]


def versions(names: Sequence[str], seed: int | None, share: float) -> Versions:
    """
    Return what to look at.

    Args:
        names: Of the images.
        seed: Of the degradations; None degrades nothing.
        share: Of the images to degrade, 0 to 1.
    """
    clean = [Shot(name) for name in names]
    if seed is None:
        return Versions(clean, [])
    assigned = [Shot(name, assigned_degradation(name, seed, share)) for name in names]
    return Versions(clean, [shot for shot in assigned if shot.degradation])


def collect(
    measurer: FaceMeasurer, shots: Sequence[Shot], progress: Progress, what: str
) -> Collected:
    """Measure every shot that can be; those that cannot are listed with their reason."""
    faces, failures = {}, []
    for shot in progress.track(shots, description=what):
        found = _attempt(measurer, shot)
        if isinstance(found, Failure):
            failures.append(found)
        else:
            faces[shot.name] = found
    measurer.finder.store.commit()
    return Collected(faces, failures)


def _attempt(measurer: FaceMeasurer, shot: Shot) -> MeasuredFace | Failure:
    try:
        return measurer.measured(shot)
    except NOT_MEASURED as error:
        return Failure(shot.name, shot.version, str(error))


def overlaid(clean: Collected, degraded: Collected) -> Collected:
    """Return the faces of which some are degraded: a degraded version replaces the clean one."""
    lost = {failure.image for failure in degraded.failures}
    kept = {name: face for name, face in clean.faces.items() if name not in lost}
    return Collected({**kept, **degraded.faces}, degraded.failures)


def judge_all(
    pairs: PairList,
    judged: tuple[Collected, Collected],
    verifying: tuple[Collected, Collected],
    plan: Plan,
) -> tuple[SetResult, ...]:
    """
    Return the figures of the clean images, and of those of which some are degraded.

    Args:
        pairs: What to compare.
        judged: Clean and degraded faces with their qualities.
        verifying: The same faces as the verifying network sees them.
        plan: What to report.
    """
    clean, degraded = judged
    results = [judge_set("clean", pairs, clean.faces, verifying[0].embeddings(), plan)]
    if degraded.faces or degraded.failures:
        mixed, seen = overlaid(clean, degraded), overlaid(*verifying)
        results.append(judge_set("degraded", pairs, mixed.faces, seen.embeddings(), plan))
    return tuple(results)


def answers_to_faults(
    shots: Sequence[Shot], judged: tuple[Collected, Collected], measures: Sequence[str]
) -> tuple[FaultResult, ...]:
    """Return how the measures answer to each fault; none where nothing was degraded."""
    clean, degraded = (each.faces for each in judged)
    triples = [
        (shot.degradation, clean[shot.name], degraded[shot.name])
        for shot in shots
        if shot.degradation and shot.name in clean and shot.name in degraded
    ]
    return judge_faults(triples, measures) if triples else ()


def milliseconds(
    sample: Sample,
    pair: EnginePair,
    dense: EmbeddingNetwork,
    measures: Mapping[str, Measure],
) -> dict[str, float]:
    """
    Return the time of each measure for one aligned face, with the network passes it needs.

    Args:
        sample: Any face.
        pair: Gives PreFIQs its two embeddings.
        dense: The pair's dense network alone.
        measures: By name.
    """
    specification = pair.specification
    cases: dict[str, Callable[[], object]] = {
        "dense": lambda: dense.run(prepare(sample.face_image, specification)),
        "pair": lambda: pair.embed(sample.face_image),
    }
    for name, each in measures.items():
        cases[f"measure {name}"] = partial(_fresh_quality, each, sample)
    passes = median_seconds(cases, TIMED_ROUNDS)
    passes["none"] = 0.0
    return {
        name: 1000 * (passes[f"measure {name}"] + passes[each.passes])
        for name, each in measures.items()
    }


def _fresh_quality(measure: Measure, sample: Sample) -> float:
    """Measure a copy: some measures remember the last sample they saw."""
    return measure.quality(replace(sample))


def any_sample(measurer: FaceMeasurer, shots: Sequence[Shot], faces: Collected) -> Sample:
    """
    Return one face to time the measures with.

    Raises:
        EvaluationError: No face was found in any image.
    """
    for shot in shots:
        if shot.name in faces.faces:
            return measurer.sample(shot)
    raise EvaluationError("no face was found in any image: look at the images and the detector")
