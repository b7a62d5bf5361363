"""
Faces that are followed, sought where they are expected and nowhere else.

Only where each of them is there is a frame done with it: whoever is not found where he should be
has left, turned away or been hidden, and the whole frame is searched at once. So it is where there
is a crowd: many small looks cost more than a large one.
"""

from collections.abc import Sequence
from functools import cache
from typing import TypeGuard

from edge.gate.tracker import STEADY, Place
from edge.protocols import FaceDetector, LocalFaceDetector
from edge.samples import Box, DetectedFace, Pixels, iou

FOR_EACH = 62.5
"""
Squares of the smallest face for each face that is followed, 100 000 pixels of a frame if it is the
usual one; in smaller frames, or with more faces, a search of the whole costs less: with `yunet` and
`ultraface68` and the usual smallest face from 2 faces on at 640 x 360, 5 at 1280 x 720 and 13 at
1920 x 1080. `mtcnn`, whose last network alone follows, could bear more. A search of the whole for
faces half as large costs four times as much, and a look at one of them as much as before.
"""


def found_at(
    places: Sequence[Place], detector: FaceDetector, pixels: Pixels
) -> tuple[DetectedFace, ...] | None:
    """
    Return the faces at their places, from left to right; None where all has to be searched.

    Args:
        places: Where faces are expected.
        detector: Finds them; one that cannot look at a part of a frame finds none.
        pixels: (height, width, 3) uint8 BGR.

    Raises:
        DetectorError: The detector refused a part of the frame.
    """
    if not _is_local(detector) or _is_crowded(len(places), pixels, detector.smallest_sought()):
        return None
    found: list[DetectedFace] = []
    for place in places:
        face = _expected(place.box, detector.detect_near(pixels, place.box))
        if face is None or any(iou(face.box, other.box) >= STEADY for other in found):
            return None  # two who are expected and one who is there
        found.append(face)
    return tuple(sorted(found, key=lambda face: face.box.left))


def _is_crowded(faces: int, pixels: Pixels, smallest: int) -> bool:
    height, width = pixels.shape[:2]
    return faces * FOR_EACH * smallest**2 > height * width


def _is_local(detector: FaceDetector) -> TypeGuard[LocalFaceDetector]:
    return _looks_near(type(detector))


@cache
def _looks_near(kind: type[FaceDetector]) -> bool:
    # To ask a Protocol of runtime costs as much as to follow a face.
    return issubclass(kind, LocalFaceDetector)


def _expected(box: Box, faces: Sequence[DetectedFace]) -> DetectedFace | None:
    """Return the face that is where one is expected."""
    best = max(faces, key=lambda face: iou(box, face.box), default=None)
    return best if best is not None and iou(box, best.box) >= STEADY else None
