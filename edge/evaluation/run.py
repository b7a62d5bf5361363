"""Run an evaluation over real images: collect faces, judge them, time the measures."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from rich.progress import Progress

from edge.diagnosis.timing import median_seconds
from edge.errors import ImageError, NoFaceError
from edge.evaluation.curves import (
    FaultResult,
    MeasuredFace,
    Plan,
    SetResult,
    View,
    compared_pairs,
    judge_faults,
    judge_set,
)
from edge.evaluation.measured_faces import FaceMeasurer, Shot
from edge.evaluation.measures import Measure, Sample
from edge.evaluation.pair_list import PairList
from edge.evaluation.report import Failure
from edge.evaluation.score_bands import Band, Scoring, score_bands
from engines.biometrics.degrade import assigned_degradation
from engines.errors import AlignmentError, EmbeddingError, EvaluationError
from engines.pair.pair import EnginePair
from engines.protocols import EmbeddingNetwork
from engines.quality.preprocess import prepare
from engines.quality.specification import Embeddings

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
    """Which images to look at as they are, and which degraded, for each seed."""

    clean: Sequence[Shot]
    degraded: Sequence[Sequence[Shot]]


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What came of all versions."""

    clean: Collected
    degraded: Sequence[Collected]
    """For each seed."""

    def failures(self) -> list[Failure]:
        """Return all of them."""
        return [failure for each in (self.clean, *self.degraded) for failure in each.failures]


def versions(names: Sequence[str], seeds: Sequence[int], share: float) -> Versions:
    """
    Return what to look at.

    Args:
        names: Of the images.
        seeds: Of the degradations; none degrades nothing.
        share: Of the images to degrade by each seed, 0 to 1.
    """
    assigned = [
        [Shot(n, assigned_degradation(n, seed, share), seed) for n in names] for seed in seeds
    ]
    degraded = [[shot for shot in shots if shot.degradation] for shots in assigned]
    return Versions([Shot(name) for name in names], degraded)


def collect_all(measurer: FaceMeasurer, looked_at: Versions, progress: Progress) -> Found:
    """Measure every version of every image."""
    name = measurer.pair.manifest.network.name
    clean = collect(measurer, looked_at.clean, progress, f"{name}: images")
    count = len(looked_at.degraded)
    degraded = [
        collect(measurer, shots, progress, f"{name}: degraded images, seed {number} of {count}")
        for number, shots in enumerate(looked_at.degraded, 1)
    ]
    return Found(clean, degraded)


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
    pairs: PairList, judged: Found, verifying: Found, plan: Plan
) -> tuple[SetResult, ...]:
    """
    Return the figures of the clean images, and of those of which some are degraded.

    Args:
        pairs: What to compare.
        judged: Clean and degraded faces with their qualities.
        verifying: The same faces as the verifying network sees them.
        plan: What to report.
    """
    sets = views_of(judged, verifying)
    return tuple(judge_set(name, pairs, views, plan) for name, views in sets.items())


def with_verifying_qualities(judged: Found, verifying: Found) -> Found:
    """Return the judged faces that both networks saw, with the verifying one's qualities too."""
    mixed = zip(judged.degraded, verifying.degraded, strict=True)
    return Found(_joined(judged.clean, verifying.clean), [_joined(*both) for both in mixed])


def _joined(judged: Collected, verifying: Collected) -> Collected:
    faces = {
        name: replace(face, qualities={**face.qualities, **verifying.faces[name].qualities})
        for name, face in judged.faces.items()
        if name in verifying.faces
    }
    return Collected(faces, judged.failures)


def bands_of(
    pairs: PairList, judged: Found, verifying: Found, scoring: Scoring
) -> dict[str, tuple[Band, ...]]:
    """Return, for the same sets, how comparisons of each quality score end."""
    sets = views_of(judged, verifying)
    return {
        name: score_bands(compared_pairs(name, pairs, views), scoring)
        for name, views in sets.items()
    }


def views_of(judged: Found, verifying: Found) -> dict[str, list[View]]:
    """Return the clean images in one view, and those of which some are degraded in one a seed."""
    clean = View(judged.clean.faces, verifying.clean.embeddings())
    mixed = [
        View(overlaid(judged.clean, one).faces, overlaid(verifying.clean, other).embeddings())
        for one, other in zip(judged.degraded, verifying.degraded, strict=True)
    ]
    return {"clean": [clean], **({"degraded": mixed} if mixed else {})}


def answers_to_faults(
    looked_at: Versions, judged: Found, measures: Sequence[str]
) -> tuple[FaultResult, ...]:
    """Return how the measures answer to each fault; none where nothing was degraded."""
    clean = judged.clean.faces
    triples = [
        (shot.degradation, clean[shot.name], degraded.faces[shot.name])
        for shots, degraded in zip(looked_at.degraded, judged.degraded, strict=True)
        for shot in shots
        if shot.degradation and shot.name in clean and shot.name in degraded.faces
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
    first = f", as in the first: {faces.failures[0].reason}" if faces.failures else ""
    raise EvaluationError(f"no face was found in any image{first}")
