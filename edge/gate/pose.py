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
    left, right, nose, *mouth = (complex(x, y) for x, y in landmarks.tolist())
    eye_line, between = right - left, (left + right) / 2
    eye_distance = abs(eye_line)
    if not math.isfinite(eye_distance) or eye_distance == 0:
        return None
    # Divided by the eye line, a point's real part is across the face and its imaginary part down.
    tip = (nose - between) / eye_line
    mouth_drop = sum(((corner - between) / eye_line).imag for corner in mouth) / len(mouth)
    if not (math.isfinite(abs(tip)) and math.isfinite(mouth_drop) and mouth_drop > 0):
        return None
    return Pose(
        roll=math.degrees(math.atan2(eye_line.imag, eye_line.real)),
        yaw_ratio=tip.real,
        pitch_ratio=2 * tip.imag / mouth_drop - 1,
    )
