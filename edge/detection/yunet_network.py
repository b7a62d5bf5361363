"""
YuNet's network without OpenCV, for whichever library runs it.

Gives the rows that `cv2.FaceDetectorYN` gives. At each of three strides the network judges one
square for each cell of its grid; centres and landmarks are counted in cells from the cell's corner,
sizes are exponents, and the score is the geometric mean of its two chances (Wu, Peng and Yu, 2023,
section 3; the paper's published code).
"""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.detection.boxes import Boxes, suppress
from edge.detection.session import DetectorNetwork, DetectorSession, Running
from edge.samples import Pixels
from engines.tensorrt.profile import ShapeProfile

STRIDES = (8, 16, 32)
"""Pixels of the input for one cell; sides of the input are multiples of the last."""
LENGTHS = (1, 1, 4, 10)
"""Numbers for each cell: class, object, box, landmarks; each in an output for each stride."""
LONGEST_SIDE = 1920
"""Pixels: the longer side of a frame of 3840 x 2160 for the usual smallest face of 40."""
TRIED_SIDE = 64
ROW = 15
"""Numbers of a face, see `YunetNetwork.rows`."""

NETWORK = DetectorNetwork(
    "yunet",
    (1, 3, TRIED_SIDE, TRIED_SIDE),
    tuple((1, (TRIED_SIDE // stride) ** 2, length) for length in LENGTHS for stride in STRIDES),
    ShapeProfile(
        smallest=(1, 3, STRIDES[-1], STRIDES[-1]),
        usual=(1, 3, 544, 960),  # 1920 x 1080
        largest=(1, 3, LONGEST_SIDE, LONGEST_SIDE),
    ),
)


class YunetNetwork:
    """Runs the network and reads faces out of its outputs."""

    def __init__(self, file: Path, running: Running, detector_score: float, overlap: float) -> None:
        """
        Open the network.

        Args:
            file: YuNet with open height and width.
            running: What runs it.
            detector_score: Least score of a face, 0 to 1.
            overlap: Most intersection over union of two faces.

        Raises:
            DetectorError: The file is missing or is not this network.
            ProviderError: See `DetectorSession`.
        """
        self._session = DetectorSession(file, NETWORK, running)
        self._detector_score, self._overlap = detector_score, overlap

    @property
    def engine(self) -> str:
        """Return library, version and precision."""
        return self._session.engine

    def rows(self, pixels: Pixels) -> NDArray[np.float32]:
        """
        Return (N, 15): left, top, width, height, five landmarks, score; the surest face first.

        Args:
            pixels: (height, width, 3) uint8 BGR.

        Raises:
            DetectorError: The network refused the image or gave nonsense.
        """
        height, width = pixels.shape[:2]
        below, beside = -height % STRIDES[-1], -width % STRIDES[-1]
        outputs = self._session.run(_planes(pixels, below, beside))
        count = len(STRIDES)
        found = [
            self._of_stride(outputs[at::count], stride, (width + beside) // stride)
            for at, stride in enumerate(STRIDES)
        ]
        rows = np.vstack(found)
        return rows[suppress(_whole_pixels(rows), rows[:, 14], self._overlap)]

    def _of_stride(
        self, outputs: tuple[NDArray[np.float32], ...], stride: int, columns: int
    ) -> NDArray[np.float32]:
        of_class, of_object, boxes, landmarks = (each[0] for each in outputs)
        scores = np.sqrt(np.clip(of_class[:, 0], 0, 1) * np.clip(of_object[:, 0], 0, 1))
        (sure,) = np.nonzero(scores >= self._detector_score)
        if not sure.size:
            return np.empty((0, ROW), np.float32)
        corners = np.column_stack([sure % columns, sure // columns]).astype(np.float32)
        sizes = np.exp(boxes[sure, 2:]) * stride
        left_top = (corners + boxes[sure, :2]) * stride - sizes / 2
        points = (np.tile(corners, 5) + landmarks[sure]) * stride
        return np.hstack([left_top, sizes, points, scores[sure, None]]).astype(np.float32)


def _planes(pixels: Pixels, below: int, beside: int) -> NDArray[np.float32]:
    """
    Return a picture with rows and columns of zeros added, (1, 3, height, width), 0 to 255.

    Channel by channel, which takes half the time that all take at once.
    """
    height, width = pixels.shape[:2]
    planes = np.zeros((1, 3, height + below, width + beside), np.float32)
    for plane, channel in zip(planes[0], cv2.split(pixels), strict=True):
        plane[:height, :width] = channel
    return planes


def _whole_pixels(rows: NDArray[np.float32]) -> Boxes:
    """Boxes as OpenCV compares them: corner and size without their fractions."""
    whole = np.trunc(rows[:, :4])
    return np.hstack([whole[:, :2], whole[:, :2] + whole[:, 2:]])
