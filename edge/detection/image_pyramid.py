"""
An image at full, half, quarter size and so on, for cutting pieces of any size without aliasing.

Shrinking by less than two needs no more than bilinear interpolation, and halving is cheap.
"""

import itertools
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
    level = _level_for(levels, scale)
    factor = scale * 2**level
    return cv2.resize(levels[level], None, fx=factor, fy=factor, interpolation=cv2.INTER_LINEAR)


def cut(levels: ImagePyramid, box: NDArray[np.float32], size: tuple[int, int]) -> Pixels:
    """
    Return one rectangle of the image stretched to a size; black beyond the image's border.

    Args:
        levels: From `image_pyramid`.
        box: (4,) left, top, right, bottom in pixels of level 0, not whole numbers.
        size: Width and height of the result.
    """
    left, top, right, bottom = (float(edge) for edge in box)
    across, down = (right - left) / size[0], (bottom - top) / size[1]
    level = _level_for(levels, 1 / min(across, down))
    across, down, left, top = (length / 2**level for length in (across, down, left, top))
    placed = np.array([[across, 0, left + across / 2 - 0.5], [0, down, top + down / 2 - 0.5]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(levels[level], placed, size, flags=flags)


def _level_for(levels: ImagePyramid, scale: float) -> int:
    """Return the smallest level that is still at least as large as the scale asks for."""
    halvings = itertools.takewhile(lambda level: 0.5**level >= scale, range(len(levels)))
    return max(halvings, default=0)
