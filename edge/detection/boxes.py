"""What every face detector needs: overlap suppression, and the check of what it found."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from edge.errors import DetectorError
from edge.samples import PIXEL_BUDGET, Box, DetectedFace, Pixels

Boxes: TypeAlias = NDArray[np.float32]
"""(N, 4) left, top, right, bottom in pixels; right and bottom lie outside."""

Scores: TypeAlias = NDArray[np.float32]
"""(N,) in 0 to 1, higher is surer."""

AT_ONCE = 32
"""Boxes compared with all others at once, the surest; more would mostly compare what goes."""


def areas(boxes: Boxes) -> NDArray[np.float32]:
    """Return the (N,) areas in square pixels; 0 for a box turned inside out."""
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 0)
    return sides[:, 0] * sides[:, 1]


def squares_around(boxes: Boxes) -> Boxes:
    """Return squares around the same centres, as large as the longer side, of at least 1 pixel."""
    half = np.maximum(boxes[:, 2:] - boxes[:, :2], 1).max(axis=1, keepdims=True) / 2
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    return np.hstack([centres - half, centres + half])


def suppress(
    boxes: Boxes, scores: Scores, limit: float, *, of_smaller: bool = False
) -> NDArray[np.intp]:
    """
    Return which boxes remain when each removes the less sure ones that it overlaps too much.

    Args:
        boxes: (N, 4).
        scores: (N,); equal scores keep the order of the boxes.
        limit: A box overlapping a surer one by more than this goes; 0 to 1.
        of_smaller: Measure the common area against the smaller box instead of the union.

    Returns:
        Indices, the surest first.
    """
    if len(boxes) <= 1:
        return np.arange(len(boxes))
    order, kept = np.argsort(-scores, kind="stable"), list[np.intp]()
    # Edges and area of each box that still waits, the surest first; a row of each is quick to read.
    waiting = np.vstack([boxes[order].T, areas(boxes)[order]])
    while order.size:
        gone = np.zeros(len(order), np.bool_)
        for place, removed in enumerate(_overlapping(waiting, limit, of_smaller)):
            if not gone[place]:
                kept.append(order[place])
                gone |= removed
        left = np.flatnonzero(~gone[AT_ONCE:]) + AT_ONCE
        order, waiting = order[left], waiting[:, left]
    return np.array(kept, np.intp)


def _overlapping(waiting: NDArray[np.float32], limit: float, of_smaller: bool) -> NDArray[np.bool_]:
    """(M, N): which of N boxes, (5, N), overlap each of the first AT_ONCE too much."""
    first = waiting[:, :AT_ONCE, None]
    common = np.minimum(first[2], waiting[2])
    common -= np.maximum(first[0], waiting[0])
    np.maximum(common, 0, out=common)
    down = np.minimum(first[3], waiting[3])
    down -= np.maximum(first[1], waiting[1])
    common *= np.maximum(down, 0, out=down)
    one, other = first[4], waiting[4]
    whole = np.minimum(one, other) if of_smaller else one + other - common
    return ~(common <= limit * whole)


def detected_faces(
    boxes: Boxes, landmarks: NDArray[np.float32], scores: Scores
) -> tuple[DetectedFace, ...]:
    """
    Return faces from left to right.

    Args:
        boxes: (N, 4).
        landmarks: (N, 5, 2), see `Landmarks`, measured as boxes are: 0 is the image's outer edge.
        scores: (N,).

    Returns:
        Faces whose landmarks count from the centre of the first pixel, as OpenCV warps them.

    Raises:
        DetectorError: A number is not finite, a box is empty or a score is outside 0 to 1.
    """
    numbers = np.hstack([boxes, landmarks.reshape(len(boxes), 10), scores[:, None]])
    finite = bool(np.isfinite(numbers).all())
    if not (finite and (areas(boxes) > 0).all() and ((scores >= 0) & (scores <= 1)).all()):
        raise DetectorError("the detector gave an impossible face: check its model file's SHA-256")
    centres = (landmarks - 0.5).astype(np.float32)
    order = np.lexsort((boxes[:, 1], boxes[:, 0]))
    return tuple(
        DetectedFace(Box(*map(float, boxes[i])), centres[i], float(scores[i])) for i in order
    )


def check_pixels(pixels: Pixels) -> None:
    """
    Refuse anything but a colour image of bearable size.

    Raises:
        DetectorError: Not (height, width, 3) uint8, empty, or of more than PIXEL_BUDGET pixels.
    """
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.size:
        raise DetectorError(
            f"a detector needs (height, width, 3) uint8 BGR, got {pixels.shape} {pixels.dtype}"
        )
    height, width = pixels.shape[:2]
    if height * width > PIXEL_BUDGET:
        raise DetectorError(
            f"an image of {width} x {height} pixels is more than the {PIXEL_BUDGET:,} allowed; "
            "shrink it first"
        )
