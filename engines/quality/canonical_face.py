"""The aligned picture that quality components are measured on, and the face within it."""

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from engines.quality.specification import InputSpecification

SIDE = 616
ALIGNED = InputSpecification(
    SIDE,
    SIDE,
    "bgr",
    0.0,
    1.0,
    "nchw",
    ((251, 272), (364, 272), (308, 336), (262, 402), (355, 402)),
)
"""Where the reference has the five landmarks (OFIQ, alignImage)."""

REGION = (
    *((175, 286), (178, 320), (183, 353), (188, 387), (200, 419), (221, 448), (246, 471)),
    *((276, 490), (311, 496), (345, 490), (377, 474), (404, 450), (422, 421), (434, 388)),
    *((440, 353), (443, 319), (444, 286), (416, 256), (399, 241), (375, 235), (242, 235)),
    *((217, 240), (201, 257)),
)
"""
Outline of jaw and brows in the aligned picture, (x, y) pixels.

Source: ours, medians of 68 landmarks of 128 photographs of different people.
"""


@cache
def region(side: int) -> NDArray[np.bool_]:
    """Return (side, side), True within the outline, of the picture at another size."""
    outline = np.round(np.array(REGION) * side / SIDE).astype(np.int32)
    mask: NDArray[np.uint8] = np.zeros((side, side), np.uint8)
    return cv2.fillConvexPoly(mask, outline, 1).astype(bool)
