"""
UltraFace RFB-320 for the boxes and a 68-point network for the landmarks, over ONNX Runtime.

The files come with the default face recognition network. The detector squeezes whatever it is
given to 320 x 240, so a large frame is also looked at in overlapping tiles. The five landmarks
are means of the 68 (Sagonas et al., "300 Faces in-the-Wild Challenge", IVC 47, 2016, figure 1).
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.detection.boxes import (
    Boxes,
    Scores,
    check_pixels,
    detected_faces,
    squares_around,
    suppress,
)
from edge.detection.image_pyramid import ImagePyramid, cuts, image_pyramid
from edge.detection.nearby import faces_near
from edge.detection.session import (
    DETECTION_FLOOR,
    PLAIN,
    DetectorNetwork,
    DetectorSession,
    Running,
    batches_of,
    engines_of,
)
from edge.samples import Box, DetectedFace, Pixels

WIDTH, HEIGHT = 320, 240
"""Pixels of the detector's input."""
SMALLEST_IN_INPUT = 20
"""Pixels of that input: the side of the smallest face box that is found dependably."""
OVERLAP = 0.4
"""Most common area of two faces, as a share of the smaller box."""
OVERLAP_OF_TILES = 44
"""Pixels of that input: a face too large for it is found in the next tiles, twice as large."""
LANDMARK_SIZE = (64, 64)
"""Pixels of the landmark network's input, a box whatever its shape."""
LOWERED = 0.075
"""Share of the square; with it the landmarks lie nearest to MTCNN's on 150 LFW images."""
FIVE_OF_68 = ((37, 38, 40, 41), (43, 44, 46, 47), (30,), (48, 60), (54, 64))
"""Counted from 0: the lids of each eye, the nose tip, the corners of the mouth."""
FIND = DetectorNetwork(
    "fr_detect",
    (1, 3, HEIGHT, WIDTH),
    ((1, 4420, 2), (1, 4420, 4)),  # chances and corners of the network's anchors
    batches_of((3, HEIGHT, WIDTH), 16),
)
PLACE = DetectorNetwork(
    "fr_landmark", (1, 1, *LANDMARK_SIZE), ((1, 136),), batches_of((1, *LANDMARK_SIZE), 4)
)
NETWORKS = (FIND, PLACE)


class UltrafaceDetector:
    """Finds faces with UltraFace and their landmarks with the 68-point network."""

    def __init__(
        self,
        files: Sequence[Path],
        *,
        smallest_face: int = 40,
        detector_score: float = DETECTION_FLOOR,
        running: Running = PLAIN,
    ) -> None:
        """
        Open the two networks.

        Args:
            files: The detector and the landmark network as ONNX, in this order.
            smallest_face: Side of the smallest face box to look for, in source pixels.
            detector_score: Least score of a face, 0 to 1.
            running: What runs them.

        Raises:
            DetectorError: A file is missing or is not that network.
            ProviderError: See `DetectorSession`.
        """
        find, place = files
        self._find = DetectorSession(find, FIND, running)
        self._place = DetectorSession(place, PLACE, running)
        self._smallest_face = smallest_face
        self._detector_score = detector_score

    @property
    def engine(self) -> str:
        """Return what runs the networks."""
        return engines_of(self._find, self._place)

    def detect(self, pixels: Pixels) -> tuple[DetectedFace, ...]:
        """
        Return the faces of one image, from left to right.

        Args:
            pixels: (height, width, 3) uint8 BGR.

        Raises:
            DetectorError: The image is not such an array, or a network refused or gave nonsense.
        """
        check_pixels(pixels)
        levels = image_pyramid(pixels)
        found = list(self._found(levels, list(self._tiles(*pixels.shape[:2]))))
        boxes = np.vstack([boxes for boxes, _ in found])
        scores = np.hstack([scores for _, scores in found])
        kept = suppress(boxes, scores, OVERLAP, of_smaller=True)
        if not kept.size:
            return ()
        return detected_faces(boxes[kept], self._landmarks(levels, boxes[kept]), scores[kept])

    def smallest_sought(self) -> int:
        """Return the side of the smallest face, see `LocalFaceDetector`."""
        return self._smallest_face

    def detect_near(self, pixels: Pixels, box: Box) -> tuple[DetectedFace, ...]:
        """Return the faces about a place; see `edge.detection.nearby.faces_near`."""
        return faces_near(lambda part, _: self.detect(part), pixels, box, self._smallest_face)

    def _tiles(self, height: int, width: int) -> Iterator[Boxes]:
        """Tiles that find the smallest face, then those twice as large, at last the whole image."""
        whole = max(width / WIDTH, height / HEIGHT)
        shrinking = self._smallest_face / SMALLEST_IN_INPUT
        while shrinking < whole:
            columns = _starts(width, WIDTH * shrinking, OVERLAP_OF_TILES * shrinking)
            rows = _starts(height, HEIGHT * shrinking, OVERLAP_OF_TILES * shrinking)
            for left, top in itertools.product(columns, rows):
                yield _tile(left, top, shrinking)
            shrinking *= 2
        yield _tile(0, 0, whole)

    def _found(
        self, levels: ImagePyramid, tiles: Sequence[Boxes]
    ) -> Iterator[tuple[Boxes, Scores]]:
        """Yield what is in each tile; as many run at once as the network is quick with."""
        for start in range(0, len(tiles), self._find.together):
            some = tiles[start : start + self._find.together]
            images = cuts(levels, np.stack(some), (WIDTH, HEIGHT))
            planes = images[..., ::-1].transpose(0, 3, 1, 2)
            chances, corners = self._find.run((planes.astype(np.float32) - 127) / np.float32(128))
            for tile, sure, found in zip(some, chances, corners, strict=True):
                yield self._in_tile(levels, tile, sure[:, 1], found)

    def _in_tile(
        self, levels: ImagePyramid, tile: Boxes, chances: Scores, corners: Boxes
    ) -> tuple[Boxes, Scores]:
        sure = chances > self._detector_score
        boxes, scores = corners[sure], chances[sure]
        boxes = np.tile(tile[:2], 2) + boxes * np.tile(tile[2:] - tile[:2], 2)
        whole = _uncut(boxes, tile, levels[0].shape[:2])
        boxes, scores = boxes[whole], scores[whole]
        kept = suppress(boxes, scores, OVERLAP, of_smaller=True)
        return boxes[kept], scores[kept]

    def _landmarks(self, levels: ImagePyramid, boxes: Boxes) -> NDArray[np.float32]:
        squares = _lowered_squares(boxes)
        images = cuts(levels, squares, LANDMARK_SIZE)
        grey = np.stack([cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) for image in images])
        (places,) = self._place.run(grey[:, None].astype(np.float32) / np.float32(256))
        sides = (squares[:, 2:] - squares[:, :2])[:, None]
        points = squares[:, None, :2] + places.reshape(-1, 68, 2) * sides
        return np.stack([points[:, list(rows)].mean(axis=1) for rows in FIVE_OF_68], axis=1)


def _lowered_squares(boxes: Boxes) -> Boxes:
    """What the landmark network is best with: squares around the boxes, nearer to the chin."""
    squares = squares_around(boxes)
    squares[:, 1::2] += np.float32(LOWERED) * (squares[:, 2:3] - squares[:, :1])
    return squares


def _tile(left: float, top: float, shrinking: float) -> Boxes:
    right, bottom = left + WIDTH * shrinking, top + HEIGHT * shrinking
    return np.array([left, top, right, bottom], np.float32)


def _starts(length: float, tile: float, overlap: float) -> NDArray[np.float64]:
    """Where tiles begin along one side: evenly, each overlapping the next by that much or more."""
    count = max(1, math.ceil((length - overlap) / (tile - overlap)))
    return np.linspace(0, max(length - tile, 0), count)


def _uncut(boxes: Boxes, tile: Boxes, height_and_width: tuple[int, ...]) -> NDArray[np.bool_]:
    """Which boxes end before the tile does, except where the image ends too."""
    height, width = height_and_width
    pixel = (tile[2] - tile[0]) / WIDTH
    near = np.where(tile[:2] > 0, tile[:2] + pixel, -np.inf)
    far = np.where(tile[2:] < [width, height], tile[2:] - pixel, np.inf)
    return np.logical_and((boxes[:, :2] > near).all(axis=1), (boxes[:, 2:] < far).all(axis=1))
