"""
One frame through the gate: detect, pre-check, align, score, decide.

Cheap pre-checks come first, so that the networks see only faces that could be forwarded.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edge.config.masks import Polygon, is_masked
from edge.config.model import GateSettings
from edge.errors import ImageError
from edge.gate.components import components
from edge.gate.decision import Features, decide, features, precheck
from edge.gate.words import decision_words, precheck_words
from edge.protocols import FaceDetector
from edge.samples import Assessment, Box, DetectedFace, Frame, Pixels, QualityScore, Reason, Verdict
from engines.errors import AlignmentError, EmbeddingError
from engines.pair.pair import EnginePair
from engines.quality.align import align
from engines.quality.component import Component
from engines.quality.photometry import exposure
from engines.quality.shift import quality_from_shift
from engines.quality.specification import Embeddings, Landmarks


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A detected face after the pre-checks."""

    frame: Frame
    face_index: int
    """Position among the faces of the frame, from 0, left to right."""
    face: DetectedFace
    features: Features
    discarded: Verdict | None
    """Why a pre-check discarded it; None when it deserves a score."""


@dataclass(frozen=True, slots=True, eq=False)
class ScoredFace:
    """What the networks say of one face image."""

    quality: QualityScore
    embedding: Embeddings
    """(D,) float32 unit vector of the dense network."""


def assess_frame(
    frame: Frame,
    detector: FaceDetector,
    pair: EnginePair,
    gate: GateSettings,
    *,
    score_discarded: bool = False,
) -> tuple[Assessment, ...]:
    """
    Return one assessment for each face of a frame, from left to right.

    Args:
        frame: The frame.
        detector: Finds the faces.
        pair: Scores them.
        gate: Decides about them.
        score_discarded: Score also the faces that a pre-check discards: for reports.

    Raises:
        DetectorError: The detector refused the frame.
        BackendError: The inference library refused the batch.
    """
    return assess_candidates(
        candidates(frame, detector.detect(frame.pixels), gate),
        pair,
        gate,
        score_discarded=score_discarded,
    )


def assess_aligned(frame: Frame, pair: EnginePair, gate: GateSettings) -> tuple[Assessment]:
    """
    Return the assessment of a face image that is aligned already: nothing is detected or moved.

    Args:
        frame: Of the size of the pair's face images; only `decide` has a say.
        pair: Scores it.
        gate: Decides about it.

    Raises:
        ImageError: It has another size.
        BackendError: The inference library refused it.
    """
    height, width = frame.pixels.shape[:2]
    wanted = pair.specification.width, pair.specification.height
    if (width, height) != wanted:
        raise ImageError(
            f"{frame.source_text}: {width} x {height} pixels, and face images of this pair have "
            f"{wanted[0]} x {wanted[1]}; leave out --aligned to have the face found"
        )
    landmarks = _five_points(np.array(pair.specification.template, np.float32))
    whole = Box(0.0, 0.0, float(width), float(height))
    face = DetectedFace(whole, landmarks, detector_score=1.0)
    candidate = Candidate(frame, 0, face, features(face, width, height), discarded=None)
    (scored,) = score_face_images([frame.pixels], pair)
    return (assessment(candidate, frame.pixels, scored, gate, pair.pair_id),)


def _five_points(template: Landmarks) -> Landmarks:
    """Return eyes, nose tip and corners of the mouth of a template, which may know three points."""
    if len(template) == 5:
        return template
    left, right, mouth = template
    half = (right - left) * 0.4
    return np.array([left, right, (left + right) / 4 + mouth / 2, mouth - half, mouth + half])


def assess_candidates(
    found: Sequence[Candidate],
    pair: EnginePair,
    gate: GateSettings,
    *,
    score_discarded: bool,
) -> tuple[Assessment, ...]:
    """Return one assessment for each candidate of a frame; see `assess_frame`."""
    wanted = [one.discarded is None or score_discarded for one in found]
    images = [
        face_image(one, pair) if want else None for one, want in zip(found, wanted, strict=True)
    ]
    scored = score_face_images(images, pair)
    return tuple(
        assessment(one, image, score, gate, pair.pair_id)
        for one, image, score in zip(found, images, scored, strict=True)
    )


def candidates(
    frame: Frame, faces: Sequence[DetectedFace], gate: GateSettings, masks: Sequence[Polygon] = ()
) -> tuple[Candidate, ...]:
    """Return the faces of a frame with the verdict of the pre-checks; a mask comes before them."""
    height, width = frame.pixels.shape[:2]

    def candidate(index: int, face: DetectedFace) -> Candidate:
        known = features(face, width, height)
        if is_masked(masks, face.landmarks, (width, height)):
            masked = Verdict(forward=False, reason=Reason.MASKED)
            return Candidate(frame, index, face, known, masked)
        discarded = precheck(known, gate)
        if discarded is None and (gate.max_dark < 1 or gate.max_light < 1):
            known = with_exposure(known, frame.pixels)
            discarded = precheck(known, gate)
        return Candidate(frame, index, face, known, discarded)

    return tuple(candidate(index, face) for index, face in enumerate(faces))


def with_exposure(known: Features, pixels: Pixels) -> Features:
    """Return the features with which shares of the face are nearly black and nearly white."""
    try:
        dark, light = exposure(pixels, known.landmarks)
    except AlignmentError:  # it cannot be scored either, and that is said then
        return known
    return replace(known, dark=dark, light=light)


def face_image(candidate: Candidate, pair: EnginePair) -> Pixels | None:
    """Return the face aligned to the pair's template, None when its landmarks span no face."""
    try:
        return align(candidate.frame.pixels, candidate.face.landmarks, pair.specification)
    except AlignmentError:
        return None


def score_face_images(
    images: Sequence[Pixels | None], pair: EnginePair
) -> tuple[ScoredFace | None, ...]:
    """Return the score of each face image, None where there is no image or no usable embedding."""
    present = [index for index, image in enumerate(images) if image is not None]
    scores: list[ScoredFace | None] = [None] * len(images)
    if present:
        batch = [image for image in images if image is not None]
        for index, score in zip(present, _scored(batch, pair), strict=True):
            scores[index] = score
    return tuple(scores)


def _scored(batch: Sequence[Pixels], pair: EnginePair) -> Sequence[ScoredFace | None]:
    try:
        return _scored_together(batch, pair)
    except EmbeddingError:
        if len(batch) == 1:
            return (None,)
        # One bad face image must not take the others of its frame with it.
        return [_scored([image], pair)[0] for image in batch]


def _scored_together(batch: Sequence[Pixels], pair: EnginePair) -> Sequence[ScoredFace]:
    scored = pair.assess(np.stack(batch))
    qualities = quality_from_shift(scored.shift)
    scores = pair.mapping.score(scored.shift)
    return [
        ScoredFace(QualityScore(float(shift), float(quality), float(score)), embedding)
        for shift, quality, score, embedding in zip(
            scored.shift, qualities, scores, scored.embeddings, strict=True
        )
    ]


def assessment(
    candidate: Candidate,
    image: Pixels | None,
    scored: ScoredFace | None,
    gate: GateSettings,
    pair_id: str,
) -> Assessment:
    """Return the decision about one candidate with everything that led to it."""
    quality = None if scored is None else scored.quality
    verdict = candidate.discarded or decide(quality, gate)
    if candidate.discarded is None:
        detail = decision_words(quality, gate)
    else:
        detail = precheck_words(candidate.discarded, candidate.features, gate)
    return Assessment(
        frame=candidate.frame,
        face_index=candidate.face_index,
        face=candidate.face,
        inter_eye_distance=candidate.features.inter_eye_distance,
        quality=quality,
        face_image=image,
        embedding=None if scored is None else scored.embedding,
        verdict=verdict,
        detail=detail,
        pair_id=pair_id,
        components=_components(candidate, scored, gate),
    )


def _components(
    candidate: Candidate, scored: ScoredFace | None, gate: GateSettings
) -> Mapping[str, Component] | None:
    wanted = gate.components and scored is not None
    return components(candidate.frame.pixels, candidate.face) if wanted else None
