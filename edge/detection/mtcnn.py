"""
MTCNN over ONNX Runtime: three small networks in a cascade.

Source: Zhang et al., "Joint Face Detection and Alignment Using Multitask Cascaded Convolutional
Networks", IEEE SPL 23(10), 2016, arXiv 1604.02878. P-Net proposes over an image pyramid, R-Net
refines, O-Net decides and places the landmarks. Written for the files of `mtcnn-runtime`: RGB,
(x - 127.5) / 128; box offsets as fractions of the box; landmarks as five x, then five y.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

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
from edge.detection.image_pyramid import ImagePyramid, cuts, image_pyramid, shrunk
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
from engines.tensorrt.profile import ShapeProfile

WINDOW = 12
"""Pixels: the side of the square that P-Net judges; it moves by STRIDE."""
STRIDE = 2
PYRAMID_STEP = math.sqrt(0.5)
"""Each level of the pyramid has half the area of the one before."""
PROPOSE_AT, REFINE_AT = 0.6, 0.7
"""Least score for a box to reach the next network; section II of the paper's published code."""
OVERLAP_IN_LEVEL, OVERLAP = 0.5, 0.7
"""Most overlap of two boxes of one pyramid level, and of any two boxes."""
PIXELS_AT_ONCE = 30_000
"""
Of a level of the pyramid: what P-Net makes of them, 1 MB at a time, stays in a processor's caches
until it is read. A level of 576 x 324 in six pieces takes 0.83 of the time that it takes whole, and
12 MB less.
"""
MIRRORED = [1, 0, 2, 4, 3]
"""Landmarks as a mirror shows them: the right eye where the left one was."""
LONGEST_LEVEL = 1152
"""Pixels: the longer side of the largest level of a frame of 3840 x 2160 for the usual smallest
face of 40, whichever way it is turned."""
P_NET = DetectorNetwork(
    "pnet",
    (1, 3, 12, 12),
    # Offsets and chances of one window; R-Net's of one box; O-Net's landmarks before them.
    ((1, 4, 1, 1), (1, 2, 1, 1)),
    ShapeProfile(
        smallest=(1, 3, WINDOW, WINDOW),
        usual=(1, 3, 324, 576),  # the largest level of 1920 x 1080
        largest=(1, 3, LONGEST_LEVEL, LONGEST_LEVEL),
    ),
)
R_NET = DetectorNetwork("rnet", (1, 3, 24, 24), ((1, 4), (1, 2)), batches_of((3, 24, 24), 16))
O_NET = DetectorNetwork(
    "onet", (1, 3, 48, 48), ((1, 10), (1, 4), (1, 2)), batches_of((3, 48, 48), 4)
)
NETWORKS = (P_NET, R_NET, O_NET)


class MtcnnDetector:
    """Finds faces with the MTCNN cascade."""

    def __init__(
        self,
        files: Sequence[Path],
        *,
        smallest_face: int = 40,
        detector_score: float = DETECTION_FLOOR,
        running: Running = PLAIN,
    ) -> None:
        """
        Open the three networks.

        Args:
            files: P-Net, R-Net and O-Net as ONNX, in this order.
            smallest_face: Side of the smallest face box to look for, in source pixels; the
                time grows with its inverse square.
            detector_score: Least score of a face, 0 to 1.
            running: What runs them.

        Raises:
            DetectorError: A file is missing or is not that network.
            ProviderError: See `DetectorSession`.
        """
        propose, refine, decide = files
        self._propose = DetectorSession(propose, P_NET, running)
        self._refine = DetectorSession(refine, R_NET, running)
        self._decide = DetectorSession(decide, O_NET, running)
        self._smallest_face = smallest_face
        self._detector_score = detector_score

    @property
    def engine(self) -> str:
        """Return what runs the networks."""
        return engines_of(self._propose, self._refine, self._decide)

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
        boxes = self._refined(levels, self._proposals(levels))
        if not len(boxes):
            return ()
        boxes, scores = self._decided(levels, boxes)
        kept = suppress(boxes, scores, OVERLAP, of_smaller=True)
        if not kept.size:
            return ()
        again = self._placed(levels, boxes[kept])
        return detected_faces(boxes[kept], again.landmarks, scores[kept])

    def smallest_sought(self) -> int:
        """Return the side of the smallest face, see `LocalFaceDetector`."""
        return self._smallest_face

    def detect_near(self, pixels: Pixels, box: Box) -> tuple[DetectedFace, ...]:
        """
        Return the face that is at a place, if it is there; see `edge.detection.nearby.faces_near`.

        O-Net alone finds it: the networks before it only propose where a face might be.
        """
        return faces_near(self._at, pixels, box, self._smallest_face)

    def _at(self, pixels: Pixels, box: Box) -> tuple[DetectedFace, ...]:
        levels = image_pyramid(pixels)
        expected = np.array([[box.left, box.top, box.right, box.bottom]], np.float32)
        boxes, _ = self._decided(levels, expected)
        if not len(boxes):
            return ()
        found = self._placed(levels, boxes)
        sure = found.scores > self._detector_score
        return detected_faces(found.boxes[sure], found.landmarks[sure], found.scores[sure])

    def _proposals(self, levels: ImagePyramid) -> Boxes:
        scales = self._scales(*levels[0].shape[:2])
        found = [self._windows(shrunk(levels, scale), scale) for scale in scales]
        boxes = np.vstack([np.empty((0, 4), np.float32), *(boxes for boxes, _ in found)])
        scores = np.hstack([np.empty(0, np.float32), *(scores for _, scores in found)])
        return boxes[suppress(boxes, scores, OVERLAP)]

    def _scales(self, height: int, width: int) -> Iterator[float]:
        scale = WINDOW / self._smallest_face
        while min(height, width) * scale >= WINDOW:
            yield scale
            scale *= PYRAMID_STEP

    def _windows(self, level: Pixels, scale: float) -> tuple[Boxes, Scores]:
        offsets, chances = self._judged(level)
        scores = chances[0, 1]
        rows, columns = np.nonzero(scores > PROPOSE_AT)
        corners = np.column_stack([columns, rows]) * np.float32(STRIDE)
        windows = (np.hstack([corners, corners + WINDOW]) / scale).astype(np.float32)
        kept = suppress(windows, scores[rows, columns], OVERLAP_IN_LEVEL)
        rows, columns = rows[kept], columns[kept]
        return _moved(windows[kept], offsets[0, :, rows, columns]), scores[rows, columns]

    def _judged(self, level: Pixels) -> tuple[NDArray[np.float32], ...]:
        """Return P-Net's offsets and chances of all windows, (1, 4 or 2, rows, columns)."""
        parts = pieces(level) if self._propose.prefers_pieces else [level]
        judged = [self._propose.run(_inputs(part[None])) for part in parts]
        if len(judged) == 1:
            return judged[0]
        return tuple(np.concatenate(each, axis=2) for each in zip(*judged, strict=True))

    def _refined(self, levels: ImagePyramid, boxes: Boxes) -> Boxes:
        if not len(boxes):
            return boxes
        boxes = squares_around(boxes)
        offsets, chances = self._refine.run(_cuts(levels, boxes, 24))
        scores = chances[:, 1]
        sure = scores > REFINE_AT
        boxes, scores = _moved(boxes[sure], offsets[sure]), scores[sure]
        return boxes[suppress(boxes, scores, OVERLAP)]

    def _decided(self, levels: ImagePyramid, boxes: Boxes) -> tuple[Boxes, Scores]:
        boxes = squares_around(boxes)
        _, offsets, chances = self._decide.run(_cuts(levels, boxes, 48))
        scores = chances[:, 1]
        sure = scores > self._detector_score
        return _moved(boxes[sure], offsets[sure]), scores[sure]

    def _placed(self, levels: ImagePyramid, boxes: Boxes) -> "_Placed":
        """
        Look at faces again, where they turned out to be, and at their mirror images.

        O-Net places landmarks better in the middle of its input, and the mean of both is steadier
        than either.
        """
        squares = squares_around(boxes)
        images = _cuts(levels, squares, 48)
        places, offsets, chances = self._decide.run(np.concatenate([images, images[..., ::-1]]))
        points, mirrored = np.split(places.reshape(-1, 2, 5).transpose(0, 2, 1), 2)
        mirrored = mirrored[:, MIRRORED]
        mirrored[..., 0] = 1 - mirrored[..., 0]
        sides = (squares[:, 2:] - squares[:, :2])[:, None]
        landmarks = squares[:, None, :2] + (points + mirrored) / 2 * sides
        count = len(boxes)
        return _Placed(_moved(squares, offsets[:count]), chances[:count, 1], landmarks)


@dataclass(frozen=True, slots=True, eq=False)
class _Placed:
    """What O-Net finds where a face is known to be."""

    boxes: Boxes
    scores: Scores
    landmarks: NDArray[np.float32]
    """(N, 5, 2) in pixels, see `detected_faces`."""


def pieces(level: Pixels) -> list[Pixels]:
    """
    Return a level in pieces from top to bottom, whose windows together are those of the level.

    Args:
        level: (height, width, 3), at least WINDOW high and wide.
    """
    height, width = level.shape[:2]
    rows = (height - WINDOW) // STRIDE + 1
    count = min(rows, max(1, round(height * width / PIXELS_AT_ONCE)))
    begins = [STRIDE * (rows * place // count) for place in range(count)]
    ends = [*(begin + WINDOW - STRIDE for begin in begins[1:]), height]
    return [level[begin:end] for begin, end in zip(begins, ends, strict=True)]


def _inputs(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(N, height, width, 3) BGR to (N, 3, height, width) RGB of about -1 to 1."""
    planes = np.ascontiguousarray(images[..., ::-1].transpose(0, 3, 1, 2), np.float32)
    planes -= np.float32(127.5)
    planes /= np.float32(128)
    return planes


def _moved(boxes: Boxes, offsets: NDArray[np.float32]) -> Boxes:
    """Each edge moved by its offset, a fraction of the box's width or height."""
    sides = boxes[:, 2:] - boxes[:, :2]
    return boxes + offsets * np.hstack([sides, sides])


def _cuts(levels: ImagePyramid, squares: Boxes, side: int) -> NDArray[np.float32]:
    return _inputs(cuts(levels, squares, (side, side)))
