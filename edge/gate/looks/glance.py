"""What is known of a face before the networks look at it, and how much two faces differ by that."""

from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.samples import Box
from engines.quality.specification import FaceImages

SIDE = 14
"""Pixels of a side of a sketch: what is left shows pose, expression and light, and nobody."""
LEAST_CONTRAST = 8.0
"""Grey values: a sketch that is flatter than this is no more than noise."""

Sketch: TypeAlias = NDArray[np.uint8]
"""(14, 14) uint8: the aligned face image in grey, very small."""


Pattern: TypeAlias = NDArray[np.float32]
"""(14, 14) float32: a sketch in units of its own contrast, its standard deviation."""


@dataclass(frozen=True, eq=False)
class Glance:
    """A face of a frame."""

    tracklet: int
    box: Box
    inter_eye_distance: float
    """Source pixels."""
    sketch: Sketch | None
    """None where a pre-check discarded the face, or its landmarks span none."""

    @cached_property
    def pattern(self) -> Pattern:
        """Of the sketch; zeros without one. Only who looks sparingly asks for it."""
        if self.sketch is None:
            return np.zeros((SIDE, SIDE), np.float32)
        _, deviation = cv2.meanStdDev(self.sketch)
        contrast = np.float32(max(float(deviation[0, 0]), LEAST_CONTRAST))
        return self.sketch.astype(np.float32) / contrast


def difference(patterns: Pattern, pattern: Pattern) -> NDArray[np.float32]:
    """
    Return how much faces differ by their sketches: in contrasts, 0 for the same picture.

    Args:
        patterns: (..., 14, 14) of any number of faces.
        pattern: (..., 14, 14) of the ones they are compared with.
    """
    # As `mean` does, without its questions: arrays so small cost less than what is asked of them.
    return np.add.reduce(np.abs(patterns - pattern), axis=(-2, -1)) / SIDE**2


def sketch_of(face_image: FaceImages) -> Sketch:
    """
    Return the sketch of an aligned face image.

    Args:
        face_image: (height, width, 3) uint8 BGR.
    """
    small = cv2.resize(face_image, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(small, cv2.COLOR_BGR2GRAY).astype(np.uint8)
