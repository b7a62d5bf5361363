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

Octaves: TypeAlias = tuple[Pixels, ...]
"""Level k is 1 / 2**k of the first in width and height."""

SMALLEST_SIDE = 12
"""Pixels: a level whose shorter side would be below this is left out."""


def octaves(pixels: Pixels) -> Octaves:
    """Return the image and its halvings; level 0 is the image itself, not a copy."""
    levels = [pixels]
    while min(levels[-1].shape[:2]) >= 2 * SMALLEST_SIDE:
        levels.append(cv2.resize(levels[-1], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
    return tuple(levels)


def shrunk(levels: Octaves, scale: float) -> Pixels:
    """
    Return the whole image at a scale.

    Args:
        levels: From `octaves`.
        scale: 1 keeps the size, 0.5 halves it; above 1 enlarges.
    """
    level = _level_for(levels, scale)
    factor = scale * 2**level
    return cv2.resize(levels[level], None, fx=factor, fy=factor, interpolation=cv2.INTER_LINEAR)


def square_cut(levels: Octaves, square: NDArray[np.float32], side: int) -> Pixels:
    """
    Return one square of the image as side x side pixels; black beyond the border.

    Args:
        levels: From `octaves`.
        square: (4,) left, top, right, bottom in pixels of level 0, not whole numbers.
        side: Of the result.
    """
    level = _level_for(levels, side / float(square[2] - square[0]))
    step = float(square[2] - square[0]) / side / 2**level
    left, top = (float(edge) / 2**level + step / 2 - 0.5 for edge in square[:2])
    placed = np.array([[step, 0, left], [0, step, top]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(levels[level], placed, (side, side), flags=flags)


def _level_for(levels: Octaves, scale: float) -> int:
    """Return the smallest level that is still at least as large as the scale asks for."""
    halvings = itertools.takewhile(lambda level: 0.5**level >= scale, range(len(levels)))
    return max(halvings, default=0)
