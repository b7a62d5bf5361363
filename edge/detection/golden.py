"""Golden photographs: what a detector found on them in FP32 on a CPU, and how far that moved."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.protocols import FaceDetector
from edge.samples import Box, DetectedFace, Pixels, iou
from engines.errors import PairIntegrityError
from engines.pair.detector_plans import FaceFigures, FaceLimits
from engines.pair.golden_vectors import require_as_large_as_it_looks

FACE_SIDE = 112
"""Pixels: the width of a face to which distances are scaled; see `FaceLimits`."""
SAME_FACE = 0.5
"""Least intersection over union of two boxes that are of one face."""


@dataclass(frozen=True, slots=True, eq=False)
class Photograph:
    """A picture and what is known to be on it."""

    pixels: Pixels
    faces: tuple[DetectedFace, ...]


@dataclass(frozen=True, slots=True)
class _Moved:
    box: float
    landmark: float
    score: float


def photograph(pixels: Pixels, detector: FaceDetector) -> Photograph:
    """Return a picture with the faces that a detector finds on it."""
    return Photograph(pixels, tuple(detector.detect(pixels)))


def figures_of(
    photographs: Sequence[Photograph], detector: FaceDetector, limits: FaceLimits, floor: float
) -> FaceFigures:
    """
    Return how far a detector's faces are from the known ones.

    Args:
        photographs: What is known.
        detector: To be held against it.
        limits: By how much a face must be surer than the floor to be missed or too many.
        floor: Least detector score of a face.

    Raises:
        DetectorError: The detector refused a picture, or gave nonsense.
    """
    moved, alone = list[_Moved](), 0
    for each in photographs:
        pairs, single = _matched(each.faces, detector.detect(each.pixels))
        moved += [_between(*pair) for pair in pairs]
        alone += sum(face.detector_score > floor + limits.score for face in single)
    return FaceFigures(
        photographs=len(photographs),
        faces=len(moved),
        box_pixels=max((each.box for each in moved), default=0.0),
        landmark_pixels=max((each.landmark for each in moved), default=0.0),
        usual_pixels=float(np.median([each.landmark for each in moved])) if moved else 0.0,
        score=max((each.score for each in moved), default=0.0),
        appeared=alone,
    )


def written(photographs: Sequence[Photograph]) -> bytes:
    """Return the content of a file that `read` reads; the same photographs give the same bytes."""
    arrays: dict[str, NDArray[np.generic]] = {}
    for at, each in enumerate(photographs):
        arrays[f"pixels_{at}"] = each.pixels
        arrays[f"faces_{at}"] = _rows(each.faces)
    with io.BytesIO() as file:
        np.savez(file, allow_pickle=False, **arrays)
        return file.getvalue()


def read(content: bytes, name: str) -> tuple[Photograph, ...]:
    """
    Read what `written` gave.

    Raises:
        PairIntegrityError: Another kind of file; `name` says which.
    """
    try:
        require_as_large_as_it_looks(content)
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            count = len(arrays.files) // 2
            return tuple(
                Photograph(arrays[f"pixels_{at}"], tuple(_faces(arrays[f"faces_{at}"])))
                for at in range(count)
            )
    except Exception as error:  # of whatever kind: neither zipfile nor NumPy promises one
        raise PairIntegrityError(
            f"{name}: no golden photographs: {error}; build the pair again"
        ) from error


def _rows(faces: Sequence[DetectedFace]) -> NDArray[np.float64]:
    """(N, 15): left, top, right, bottom, five landmarks, score."""
    rows = [
        [*_edges(face.box), *face.landmarks.ravel().tolist(), face.detector_score] for face in faces
    ]
    return np.array(rows, np.float64).reshape(-1, 15)


def _faces(rows: NDArray[np.float64]) -> Iterator[DetectedFace]:
    for row in rows:
        landmarks = row[4:14].reshape(5, 2).astype(np.float32)
        yield DetectedFace(Box(*map(float, row[:4])), landmarks, float(row[14]))


def _edges(box: Box) -> tuple[float, float, float, float]:
    return box.left, box.top, box.right, box.bottom


def _matched(
    known: Sequence[DetectedFace], found: Sequence[DetectedFace]
) -> tuple[list[tuple[DetectedFace, DetectedFace]], list[DetectedFace]]:
    """Return pairs of the same face, and the faces of either that have no partner."""
    pairs, left = [], list(found)
    single = []
    for face in known:
        nearest = max(left, key=lambda other: iou(face.box, other.box), default=None)
        if nearest is None or iou(face.box, nearest.box) < SAME_FACE:
            single.append(face)
            continue
        pairs.append((face, nearest))
        left.remove(nearest)
    return pairs, [*single, *left]


def _between(one: DetectedFace, other: DetectedFace) -> _Moved:
    edges = np.abs(np.subtract(_edges(one.box), _edges(other.box)))
    points = np.linalg.norm(one.landmarks - other.landmarks, axis=1)
    score = abs(one.detector_score - other.detector_score)
    scale = FACE_SIDE / one.box.width
    return _Moved(scale * float(edges.max()), scale * float(points.max()), score)
