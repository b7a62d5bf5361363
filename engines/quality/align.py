"""
Alignment: the similarity that brings landmarks onto a network's template.

Source: Umeyama, "Least-squares estimation of transformation parameters between two point
patterns", IEEE PAMI 13(4), 1991, equations 40 to 42. In the plane its solution is one complex
least-squares quotient, rotation and scale in one number, and never a reflection. All points of
the template count: robust estimators drop the nose of a profile as an outlier, and networks were
not trained so.
"""

import cmath
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from engines.errors import AlignmentError
from engines.quality.specification import FaceImages, InputSpecification, Landmarks, Point

SMALLEST_SPREAD = 1.0
"""Pixels (root mean square from the centroid): below it all points are one point."""

LEAST_RESEMBLANCE = 0.5
"""Least correlation with the template, 0 to 1: a full profile has 0.78, a mirrored face 0.23."""


def similarity_transform(landmarks: Landmarks, template: Landmarks) -> NDArray[np.float64]:
    """
    Return the least-squares similarity from landmarks to template.

    Args:
        landmarks: (5, 2) in source pixels, see `Landmarks`.
        template: (5, 2) in pixels of the face image; or (3, 2), eyes and middle of the mouth.

    Returns:
        (2, 3) float64: rotation and scale, and in the last column the translation.

    Raises:
        AlignmentError: The landmarks are not finite, coincide, or are not arranged as a face.

    Source: Umeyama 1991, equations 40 to 42.
    """
    return _similarity(landmarks, _aim(_complex(template)))


def _similarity(landmarks: Landmarks, aim: "_Aim") -> NDArray[np.float64]:
    points = _complex(_matched(landmarks, len(aim.centred)))
    if not all(map(cmath.isfinite, points)):
        raise AlignmentError("landmarks are not finite: check the face detector's model file")
    middle = sum(points) / len(points)
    centred = [each - middle for each in points]
    spread = _norm(centred)
    if spread < SMALLEST_SPREAD * math.sqrt(len(points)):
        raise AlignmentError("landmarks coincide: raise the detector's smallest face")
    product = sum(one.conjugate() * other for one, other in zip(centred, aim.centred, strict=True))
    if abs(product) < LEAST_RESEMBLANCE * spread * aim.spread:
        raise AlignmentError("landmarks are not arranged as a face: raise the detector score")
    turn = product / spread**2
    shift = aim.middle - turn * middle
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


def align(
    pixels: NDArray[np.uint8], landmarks: Landmarks, specification: InputSpecification
) -> FaceImages:
    """
    Return one face image: the source warped so that its landmarks meet the template.

    A face smaller than the template is enlarged by bicubic interpolation, others by bilinear.

    Args:
        pixels: (height, width, 3) uint8 BGR, the whole source image.
        landmarks: (5, 2) in source pixels.
        specification: Size and template of the network.

    Returns:
        (specification.height, specification.width, 3) uint8 BGR; black beyond the source's border.

    Raises:
        AlignmentError: The landmarks do not span a face.
    """
    transform = _similarity(landmarks, _aim_of(specification.template))
    # Four pixels about each are too few for a face that is enlarged, and as good for any other.
    is_enlarged = math.hypot(transform[0, 0], transform[1, 0]) > 1
    flags = cv2.INTER_CUBIC if is_enlarged else cv2.INTER_LINEAR
    size = specification.width, specification.height
    return cv2.warpAffine(pixels, transform, size, flags=flags)


@dataclass(frozen=True, slots=True)
class _Aim:
    """Where landmarks are to come to."""

    middle: complex
    centred: Sequence[complex]
    """From the middle."""
    spread: float


def _aim(targets: Sequence[complex]) -> _Aim:
    middle = sum(targets) / len(targets)
    centred = [each - middle for each in targets]
    return _Aim(middle, centred, _norm(centred))


@cache
def _aim_of(template: tuple[Point, ...]) -> _Aim:
    return _aim(_complex(np.array(template, np.float32)))


def _complex(points: Landmarks) -> list[complex]:
    # Five numbers are summed faster by Python than by NumPy.
    return [complex(x, y) for x, y in points.tolist()]


def _norm(numbers: Sequence[complex]) -> float:
    return math.sqrt(sum(one.real**2 + one.imag**2 for one in numbers))


def _matched(landmarks: Landmarks, count: int) -> Landmarks:
    """Return the landmarks that a template of this many points speaks of."""
    if count == len(landmarks):
        return landmarks
    return np.stack([*landmarks[:2], landmarks[3:].mean(axis=0)])
