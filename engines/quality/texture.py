"""Sharpness and compression of a face picture by plain measures; see `photometry`."""

import cv2
import numpy as np
from numpy.typing import NDArray

from engines.quality.canonical_face import region
from engines.quality.component import Component, scaled, sigmoid
from engines.quality.specification import Landmarks

Image = NDArray[np.uint8]

FOCUS_SIDE = 192
"""Pixels of the aligned picture for sharpness: 35 between the eyes, what most networks see."""
FOCUS_BLUR = 9
"""Taps of the filter that blurs it again (Crété-Roffet et al. 2007)."""
BLOCK = 8
"""Pixels of a block of JPEG and of most video codecs."""
LEAST_BLOCKS = 4
"""Across and down; fewer say nothing about edges between them."""
SHARP_MIDDLE, SHARP_WIDTH = 0.42, 0.04
"""
Sharpness of quality 50, and how fast it changes there.

Source: ours. Photographs of LFW lie at 0.44 to 0.60 (5 to 95 %), the same out of focus at 0.26 to
0.40 (strength 3 of `engines.biometrics.degrade`).
"""
BLOCKY_MIDDLE, BLOCKY_WIDTH = 0.7, 0.1
"""The same of steps between blocks: ours; LFW 0.2 to 0.4, JPEG of quality 12 1.1 to 1.8."""


def sharpness(aligned: Image) -> Component:
    """
    Return the share of the steps between neighbours that blurring takes away, across or down.

    A sharp picture loses most of its steps, a blurred one keeps them; contrast cancels. Noise looks
    sharp. A face with fewer pixels than the picture measured is blurred by enlarging it.

    Source: Crété-Roffet et al., "The blur effect: perception and estimation with a new
    no-reference perceptual blur metric", SPIE 6492, 2007; 1 minus its value. Mapping: ours.
    """
    grey = cv2.cvtColor(aligned, cv2.COLOR_BGR2GRAY)
    small = cv2.resize(grey, (FOCUS_SIDE, FOCUS_SIDE), interpolation=cv2.INTER_AREA)
    face = region(FOCUS_SIDE)
    lost = min(_lost(small, face, axis) for axis in (0, 1))
    return scaled(lost, 100 * sigmoid(lost, SHARP_MIDDLE, SHARP_WIDTH))


def _lost(grey: Image, face: NDArray[np.bool_], axis: int) -> float:
    plain = grey.astype(np.float32)
    blurred = cv2.blur(plain, (FOCUS_BLUR, 1) if axis else (1, FOCUS_BLUR))
    steps, fewer = (np.abs(np.diff(each, axis=axis)) for each in (plain, blurred))
    within = face[: steps.shape[0], : steps.shape[1]]
    total = float(steps[within].sum())
    if not total:
        return 0.0  # one plain colour: there is no detail to lose
    return float(np.maximum(0, steps - fewer)[within].sum()) / total


def _around(pixels: Image, landmarks: Landmarks) -> Image:
    """Return the square of the picture around the face, four eye distances wide, not resized."""
    eyes = landmarks[:2].astype(np.float64)
    reach = 2 * np.linalg.norm(eyes[1] - eyes[0])
    x, y = landmarks.mean(axis=0)
    height, width = pixels.shape[:2]
    rows = slice(max(0, int(y - reach)), min(height, int(y + reach)))
    return pixels[rows, max(0, int(x - reach)) : min(width, int(x + reach))]


def no_compression(pixels: Image, landmarks: Landmarks) -> Component | None:
    """
    Return how much larger steps between pixels are at the edges of blocks, in mean steps.

    None where the face is too small to tell. The grid may begin anywhere, since pictures are cut,
    so that of its eight places the one that shows most counts.

    Source: the idea of Wang, Sheikh and Bovik, "No-reference perceptual quality assessment of JPEG
    compressed images", ICIP 2002; with the grid searched for, and the mapping, ours.
    """
    around = _around(pixels, landmarks)
    if min(around.shape[:2]) < LEAST_BLOCKS * BLOCK:
        return None
    grey = cv2.cvtColor(around, cv2.COLOR_BGR2GRAY).astype(np.float32)
    excess = sum(_excess(grey, axis) for axis in (0, 1)) / 2
    return scaled(excess, 100 * (1 - sigmoid(excess, BLOCKY_MIDDLE, BLOCKY_WIDTH)))


def _excess(grey: NDArray[np.float32], axis: int) -> float:
    steps = np.abs(np.diff(grey, axis=axis)).mean(axis=1 - axis)
    if not steps.any():
        return 0.0
    above = steps[1:-1] - (steps[:-2] + steps[2:]) / 2
    # Medians: one strong line, such as the border of what the camera saw, is no grid.
    grids = [float(np.median(above[place::BLOCK])) for place in range(BLOCK)]
    return max(0.0, *grids) / float(steps.mean())
