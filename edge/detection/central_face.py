"""The one face that a photograph of an evaluation is about."""

from collections.abc import Sequence

import cv2
import numpy as np

from edge.samples import DetectedFace, Pixels

PORTRAIT_SIDE = 6.0
"""Inter-eye distances: side of a portrait, as in LFW; what `engines.biometrics.degrade` expects."""
BELOW_EYES = 0.3
"""Inter-eye distances: the middle of a portrait lies this far below the eyes, as in LFW."""


def central_face(faces: Sequence[DetectedFace], pixels: Pixels) -> DetectedFace | None:
    """
    Return the face nearest to the middle, a larger one being allowed to lie further away.

    Args:
        faces: All faces found.
        pixels: The image they were found in.

    Returns:
        The face whose centre, less half of its width, is nearest; None if there are no faces.
    """
    height, width = pixels.shape[:2]

    def distance(face: DetectedFace) -> float:
        box = face.box
        away = np.hypot(box.left + box.right - width, box.top + box.bottom - height) / 2
        return float(away - box.width / 2)

    return min(faces, key=distance, default=None)


def portrait(pixels: Pixels, face: DetectedFace) -> Pixels:
    """
    Return a square around the face, framed as `engines.biometrics.degrade` expects it.

    Args:
        pixels: (height, width, 3) uint8 BGR.
        face: Found in it.

    Returns:
        (side, side, 3) uint8 BGR at the image's own resolution, black beyond its border.
    """
    eyes = face.landmarks[:2].astype(np.float64)
    distance = float(np.linalg.norm(eyes[1] - eyes[0]))
    side = max(1, round(PORTRAIT_SIDE * distance))
    x, y = eyes.mean(axis=0)
    left, top = round(x - side / 2), round(y + BELOW_EYES * distance - side / 2)
    height, width = pixels.shape[:2]
    rows = np.clip([top, top + side], 0, height)
    columns = np.clip([left, left + side], 0, width)
    return cv2.copyMakeBorder(
        pixels[rows[0] : rows[1], columns[0] : columns[1]],
        int(rows[0] - top),
        int(top + side - rows[1]),
        int(columns[0] - left),
        int(left + side - columns[1]),
        cv2.BORDER_CONSTANT,
    )
