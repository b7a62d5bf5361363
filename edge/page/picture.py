"""Small copies and JPEG pictures for the page."""

import math

import cv2
import numpy as np

from edge.samples import Box, Pixels

THUMBNAIL = 112
"""Pixels: side of the picture of a face that was not aligned; aligned ones are as large."""
WIDEST = 960
"""Pixels: live pictures are made smaller than this; boxes are drawn by the browser, sharp."""
_LIVE_QUALITY = 75
_FACE_QUALITY = 85
NO_PICTURE = np.zeros((THUMBNAIL, THUMBNAIL, 3), np.uint8)


def cut_thumbnail(pixels: Pixels, box: Box) -> Pixels:
    """Return a (112, 112, 3) uint8 BGR copy of what a frame shows in and around a box."""
    if not all(map(math.isfinite, (box.left, box.top, box.right, box.bottom))):
        return NO_PICTURE
    height, width = pixels.shape[:2]
    half = max(box.width, box.height, 2) * 0.6
    across, down = (box.left + box.right) / 2, (box.top + box.bottom) / 2
    left, right = (int(np.clip(across + side * half, 0, width)) for side in (-1, 1))
    top, bottom = (int(np.clip(down + side * half, 0, height)) for side in (-1, 1))
    if left >= right or top >= bottom:
        return NO_PICTURE
    # Every n-th pixel is good enough for a face that was discarded unseen, and costs nothing.
    step = max(1, int(half / THUMBNAIL))
    cut = _square(pixels[top:bottom:step, left:right:step])
    return cv2.resize(cut, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_LINEAR)


def _square(cut: Pixels) -> Pixels:
    """Pad what the border has cut to a square, so that no face is stretched."""
    height, width = cut.shape[:2]
    side = max(height, width)
    square = np.zeros((side, side, 3), np.uint8)
    square[:height, :width] = cut
    return square


def face_jpeg(face: Pixels) -> bytes:
    """Return the picture of a face as JPEG."""
    return _jpeg(face, _FACE_QUALITY)


def live_jpeg(pixels: Pixels) -> bytes:
    """Return a frame as JPEG, no wider than the page shows it."""
    width = pixels.shape[1]
    if width > WIDEST:
        scale = WIDEST / width
        pixels = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return _jpeg(pixels, _LIVE_QUALITY)


def _jpeg(pixels: Pixels, quality: int) -> bytes:
    _, encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return encoded.tobytes()
