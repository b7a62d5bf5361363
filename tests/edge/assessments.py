"""Assessments as the gate makes them, for the tests of what happens afterwards."""

from dataclasses import dataclass

import numpy as np

from edge.samples import (
    Assessment,
    Box,
    DetectedFace,
    Frame,
    Pixels,
    QualityScore,
    Reason,
    Verdict,
)


@dataclass(frozen=True, slots=True)
class Given:
    """What a test wants of its assessment; the rest is ordinary."""

    source: str = "folder/portrait.jpg"
    index: int = 0
    time_s: float | None = None
    face_index: int = 0
    shift: float | None = 0.25
    seed: int = 0


def face_image(seed: int = 0) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (112, 112, 3), np.uint8)


def assessment(given: Given = Given()) -> Assessment:
    shift = given.shift
    quality = None
    if shift is not None:
        quality = QualityScore(shift=shift, quality=1 - shift / 2, score=100 * (1 - shift / 2))
    forward = quality is not None
    reason = Reason.FORWARDED if forward else Reason.TOO_SMALL
    return Assessment(
        frame=Frame(np.zeros((48, 64, 3), np.uint8), given.source, given.index, given.time_s),
        face_index=given.face_index,
        face=DetectedFace(
            box=Box(10.1, 12.5, 40.25, 47.0),
            landmarks=np.array([[15, 20], [30, 20], [22, 28], [16, 36], [29, 36]], np.float32)
            + np.float32(0.1),
            detector_score=0.9,
        ),
        inter_eye_distance=15.0,
        quality=quality,
        face_image=face_image(given.seed) if forward else None,
        embedding=unit_embedding(given.seed) if forward else None,
        verdict=Verdict(forward, reason),
        detail="score 87.5 is at or above the threshold 50",
        pair_id="mobilefacenet512-0123456789ab",
    )


def unit_embedding(seed: int = 0) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    row = np.random.default_rng(seed).standard_normal(512)
    return (row / np.linalg.norm(row)).astype(np.float32)
