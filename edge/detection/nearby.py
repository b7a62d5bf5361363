"""
The face that is expected at a place: a detector's look at the part of a frame about it.

It costs what a small picture costs, whatever the size of the frame.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import cv2
import numpy as np

from edge.samples import Box, DetectedFace, Pixels

ABOUT = 0.5
"""Sides of the box, on each side of it, that are looked at about it."""
SIDE = 80
"""Pixels: a larger face is shrunk to it; more than any network of ours looks at."""
ABOVE_SMALLEST = 1.6
"""How much larger than the smallest face that is sought a face is left at least."""


def faces_near(
    detect: Callable[[Pixels, Box], Sequence[DetectedFace]],
    pixels: Pixels,
    box: Box,
    smallest_face: int,
) -> tuple[DetectedFace, ...]:
    """
    Return the faces about a place, from left to right.

    Args:
        detect: Finds the faces of a picture, told where in it one is expected.
        pixels: (height, width, 3) uint8 BGR.
        box: Where a face is expected; may reach over the border.
        smallest_face: Side of the smallest face that is sought, in source pixels.

    Raises:
        DetectorError: From `detect`.
    """
    side = max(box.width, box.height)
    left, right = _span(box.left, box.right, side, pixels.shape[1])
    top, bottom = _span(box.top, box.bottom, side, pixels.shape[0])
    if right <= left or bottom <= top:
        return ()
    part = pixels[top:bottom, left:right]
    scale = min(1.0, max(SIDE, ABOVE_SMALLEST * smallest_face) / side)
    size = max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale))
    small = np.ascontiguousarray(part) if scale == 1 else _shrunk(part, size)
    enlarged = (right - left) / size[0], (bottom - top) / size[1]
    expected = _within(box, enlarged, (left, top))
    return tuple(_moved(face, enlarged, (left, top)) for face in detect(small, expected))


def _span(begin: float, end: float, side: float, most: int) -> tuple[int, int]:
    middle, reach = (begin + end) / 2, side / 2 + ABOUT * side
    return max(0, round(middle - reach)), min(most, round(middle + reach))


def _shrunk(part: Pixels, size: tuple[int, int]) -> Pixels:
    return cv2.resize(part, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _within(box: Box, enlarged: tuple[float, float], corner: tuple[int, int]) -> Box:
    """Return a box of the whole where it lies in a part."""
    (across, down), (left, top) = enlarged, corner
    return Box(
        (box.left - left) / across,
        (box.top - top) / down,
        (box.right - left) / across,
        (box.bottom - top) / down,
    )


def _moved(
    face: DetectedFace, enlarged: tuple[float, float], corner: tuple[int, int]
) -> DetectedFace:
    """Return a face of a part where it lies in the whole."""
    (across, down), (left, top) = enlarged, corner
    box = Box(
        face.box.left * across + left,
        face.box.top * down + top,
        face.box.right * across + left,
        face.box.bottom * down + top,
    )
    # Boxes count from the outer edge of the first pixel, landmarks from its centre.
    landmarks = (face.landmarks + 0.5) * np.array(enlarged) + np.array(corner) - 0.5
    return replace(face, box=box, landmarks=landmarks.astype(np.float32))
