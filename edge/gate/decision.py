"""
The gate: one verdict, with exactly one reason, for each face.

Two steps, because the second one costs two network passes. `precheck` looks at what the detector
already knows; the first check that a face fails is its reason:

1. `assessment_failed`: a figure is not finite
2. `low_detection`: the detector is not sure that this is a face
3. `too_small`: the eyes are too close together in source pixels
4. `truncated`: a landmark is too close to the frame's border
5. `pose`: the head is turned too far, or the landmarks span no face
6. `too_dark`, `overexposed`: too much of the face is nearly black or white, where that is asked

`decide` looks at the quality of the face image: `assessment_failed` without one, else `low_quality`
or `forwarded`. Every comparison is written so that NaN fails it.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from edge.config.model import GateSettings
from edge.gate.pose import pose
from edge.samples import Box, DetectedFace, QualityScore, Reason, Verdict
from engines.quality.specification import Landmarks


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """What is known of a face before a network looks at it."""

    detector_score: float
    """0 to 1, higher is surer."""
    inter_eye_distance: float
    """Source pixels between the eye centres (ISO/IEC 29794-5)."""
    box: Box
    """Source pixels."""
    landmarks: Landmarks
    """(5, 2) float32 source pixels: eyes (image left first), nose tip, mouth corners."""
    frame_width: int
    """Pixels."""
    frame_height: int
    """Pixels."""
    dark: float = 0.0
    """Share of the face that is under-exposed, 0 to 1; 0 where nobody asked."""
    light: float = 0.0
    """Share of the face that is over-exposed, 0 to 1; 0 where nobody asked."""


def features(face: DetectedFace, frame_width: int, frame_height: int) -> Features:
    """Return the features of a detected face in a frame of this many pixels."""
    return Features(
        detector_score=face.detector_score,
        inter_eye_distance=math.dist(*face.landmarks[:2].tolist()),
        box=face.box,
        landmarks=face.landmarks,
        frame_width=frame_width,
        frame_height=frame_height,
    )


def precheck(features: Features, settings: GateSettings) -> Verdict | None:
    """Return why a face is discarded before it is scored, or None when it deserves a score."""
    for reason, passes in _PRECHECKS:
        if not passes(features, settings):
            return Verdict(forward=False, reason=reason)
    return None


def decide(quality: QualityScore | None, settings: GateSettings) -> Verdict:
    """
    Return the verdict on a face that passed `precheck`.

    Args:
        quality: None when the face could not be scored.
        settings: `threshold` is inclusive, and so is `shift_at_most`, which replaces it if given.
    """
    if quality is None or not _finite(quality.shift, quality.quality, quality.score):
        return Verdict(forward=False, reason=Reason.ASSESSMENT_FAILED)
    if settings.shift_at_most is None:
        good = quality.score >= settings.threshold
    else:
        good = quality.shift <= settings.shift_at_most
    return Verdict(forward=good, reason=Reason.FORWARDED if good else Reason.LOW_QUALITY)


def _finite(*figures: float) -> bool:
    return all(map(math.isfinite, figures))


def _figures_are_finite(features: Features, _settings: GateSettings) -> bool:
    box = features.box
    figures = (features.detector_score, features.inter_eye_distance)
    edges = (box.left, box.top, box.right, box.bottom)
    return _finite(*figures, *edges, *features.landmarks.ravel().tolist())


def _is_surely_a_face(features: Features, settings: GateSettings) -> bool:
    return features.detector_score >= settings.min_detector_score


def _is_large_enough(features: Features, settings: GateSettings) -> bool:
    return features.inter_eye_distance >= settings.min_inter_eye_distance


def _lies_inside(features: Features, settings: GateSettings) -> bool:
    # Landmarks, not the box: detectors fit the box to what they see of a face. Measured by cutting
    # frames of LFW: with 40 % of the box's height gone at the top, YuNet's box still ended at the
    # border (median of 150 faces). The landmarks came closer with every step. At a margin of 0.25
    # MTCNN loses at most 2 % of 80 uncut faces, 62 % of those cut by a fifth of the box at the
    # right, and 95 % of those cut by a fifth at the chin.
    return border_distance(features) >= settings.border_margin * features.inter_eye_distance


def border_distance(features: Features) -> float:
    """Return the source pixels from the frame's border to the nearest landmark; < 0 outside."""
    across, down = zip(*features.landmarks.tolist(), strict=True)
    return min(
        *across, *down, features.frame_width - max(across), features.frame_height - max(down)
    )


def _looks_at_the_camera(features: Features, settings: GateSettings) -> bool:
    head = pose(features.landmarks)
    return head is not None and (
        abs(head.roll) <= settings.max_roll
        and abs(head.yaw_ratio) <= settings.max_yaw_ratio
        and abs(head.pitch_ratio) <= settings.max_pitch_ratio
    )


def _is_lit(features: Features, settings: GateSettings) -> bool:
    return features.dark <= settings.max_dark


def _is_not_blown_out(features: Features, settings: GateSettings) -> bool:
    return features.light <= settings.max_light


_PRECHECKS: tuple[tuple[Reason, Callable[[Features, GateSettings], bool]], ...] = (
    (Reason.ASSESSMENT_FAILED, _figures_are_finite),
    (Reason.LOW_DETECTION, _is_surely_a_face),
    (Reason.TOO_SMALL, _is_large_enough),
    (Reason.TRUNCATED, _lies_inside),
    (Reason.POSE, _looks_at_the_camera),
    (Reason.TOO_DARK, _is_lit),
    (Reason.OVEREXPOSED, _is_not_blown_out),
)
