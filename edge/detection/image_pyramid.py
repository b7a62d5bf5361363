"""
An image at full, half, quarter size and so on, for cutting pieces of any size without aliasing.

Shrinking by less than two needs no more than bilinear interpolation, and halving is cheap.
"""

from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.samples import Pixels

ImagePyramid: TypeAlias = tuple[Pixels, ...]
"""Level k is 1 / 2**k of the first in width and height."""

SMALLEST_SIDE = 12
"""Pixels: a level whose shorter side would be below this is left out."""


def image_pyramid(pixels: Pixels) -> ImagePyramid:
    """Return the image and its halvings; level 0 is the image itself, not a copy."""
    levels = [pixels]
    while min(levels[-1].shape[:2]) >= 2 * SMALLEST_SIDE:
        levels.append(cv2.resize(levels[-1], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
    return tuple(levels)


def shrunk(levels: ImagePyramid, scale: float) -> Pixels:
    """
    Return the whole image at a scale.

    Args:
        levels: From `image_pyramid`.
        scale: 1 keeps the size, 0.5 halves it; above 1 enlarges.
    """
    level = int(_levels_for(levels, np.array([scale]))[0])
    factor = scale * 2**level
    return cv2.resize(levels[level], None, fx=factor, fy=factor, interpolation=cv2.INTER_LINEAR)


def cuts(
    levels: ImagePyramid, boxes: NDArray[np.float32], size: tuple[int, int]
) -> NDArray[np.uint8]:
    """
    Return rectangles of the image stretched to a size; black beyond the image's border.

    Args:
        levels: From `image_pyramid`.
        boxes: (N, 4) left, top, right, bottom in pixels of level 0, not whole numbers.
        size: Width and height of the results.

    Returns:
        (N, height, width, 3) uint8.
    """
    corners = boxes.astype(np.float64)
    pixel = (corners[:, 2:] - corners[:, :2]) / size
    level = _levels_for(levels, 1 / pixel.min(axis=1))
    shrinking = np.exp2(level)[:, None]
    pixel, begin = pixel / shrinking, corners[:, :2] / shrinking
    placed = np.zeros((len(boxes), 2, 3))
    placed[:, 0, 0], placed[:, 1, 1] = pixel.T
    placed[:, :, 2] = begin + pixel / 2 - 0.5
    found = np.empty((len(boxes), size[1], size[0], 3), np.uint8)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    for which, transform, target in zip(level.tolist(), placed, found, strict=True):
        cv2.warpAffine(levels[which], transform, size, dst=target, flags=flags)
    return found


def _levels_for(levels: ImagePyramid, scales: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the smallest level for each scale that is still at least as large as it asks for."""
    large = np.exp2(-np.arange(1, len(levels)))[:, None] >= scales
    return large.sum(axis=0)
