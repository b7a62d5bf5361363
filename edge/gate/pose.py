"""
Head pose as far as five landmarks show it: one angle and two geometric proxies.

The landmarks are looked at in the face's own axes: "across" runs from the eye that is left in the
image to the other, "down" is a quarter turn clockwise from it (image y points down). So moving,
turning or scaling a face within the image changes nothing but its roll.

The proxies are ratios, not angles. Under a stated model they can be read as angles: seen from
afar (weak perspective), a nose tip that stands out p inter-eye distances before the eyes and lies
midway between them moves sideways by p tan(yaw) of the eye distance as seen. p is about 0.5 for
adults, so a yaw ratio of 0.3 is a turn of roughly 30 degrees.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engines.quality.specification import Landmarks


@dataclass(frozen=True, slots=True)
class Pose:
    """How far a head is turned away from the camera; zero in all three is upright and frontal."""

    roll: float
    """Degrees in (-180, 180] between the eye line and the image's rows; positive is clockwise."""
    yaw_ratio: float
    """Eye distances from midway between the eyes across to the nose tip; positive is rightwards."""
    pitch_ratio: float
    """-1 with the nose tip on the eye line, 0 halfway to the mouth line, 1 on it: looking down."""


def pose(landmarks: Landmarks) -> Pose | None:
    """
    Estimate the pose of one face.

    Args:
        landmarks: (5, 2) float32 pixels: eyes (image left first), nose tip, mouth corners.

    Returns:
        The pose, or None when the landmarks span no face: the eyes coincide, the mouth is not
        below them, or a coordinate is not finite.
    """
    points = landmarks.astype(np.float64)
    if not np.isfinite(points).all():
        return None
    eye_line = points[1] - points[0]
    eye_distance = math.hypot(*eye_line)
    if eye_distance == 0:
        return None
    across, down = _in_face_axes(points, eye_line / eye_distance)
    mouth_drop = down[3:].mean()
    if not mouth_drop > 0:
        return None
    return Pose(
        roll=math.degrees(math.atan2(eye_line[1], eye_line[0])),
        yaw_ratio=float(across[2] / eye_distance),
        pitch_ratio=float(2 * down[2] / mouth_drop - 1),
    )


def _in_face_axes(
    points: NDArray[np.float64], across: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the points' coordinates across and down the face, from midway between the eyes."""
    from_eyes = points - points[:2].mean(axis=0)
    down = np.array([-across[1], across[0]])
    return from_eyes @ across, from_eyes @ down
