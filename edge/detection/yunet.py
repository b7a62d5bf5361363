"""
YuNet: its network alone, or `cv2.FaceDetectorYN` where the file takes one size only.

Source: Wu, Peng and Yu, "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence
Research 20, 2023. The file is the user's: OpenCV Zoo publishes it.
"""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.detection.boxes import check_pixels, detected_faces
from edge.detection.nearby import faces_near
from edge.detection.session import DETECTION_FLOOR, PLAIN, Running
from edge.detection.yunet_network import YunetNetwork
from edge.errors import DetectorError
from edge.samples import Box, DetectedFace, Pixels

SMALLEST_IN_NETWORK = 20
"""Pixels: the side of the smallest face box that the network finds dependably."""
OVERLAP = 0.3
"""Most intersection over union of two faces."""


class YunetDetector:
    """Finds faces with YuNet."""

    def __init__(
        self,
        files: Sequence[Path],
        *,
        smallest_face: int = 40,
        detector_score: float = DETECTION_FLOOR,
        running: Running = PLAIN,
    ) -> None:
        """
        Open the network.

        Args:
            files: The one ONNX file.
            smallest_face: Side of the smallest face box to look for, in source pixels.
            detector_score: Least score of a face, 0 to 1.
            running: What runs it; OpenCV, whose threads are shared by the whole process, where
                that is nothing but the CPU and the file takes one size only.

        Raises:
            DetectorError: The file is missing or is not this network.
            ProviderError: See `DetectorSession`.
        """
        (file,) = files
        self._smallest_face = smallest_face
        self._scale = min(1.0, SMALLEST_IN_NETWORK / smallest_face)
        self._network = _opened(file, running, detector_score)
        self.detect(np.zeros((64, 64, 3), np.uint8))

    @property
    def engine(self) -> str:
        """Return what runs the network."""
        return self._network.engine

    def detect(self, pixels: Pixels) -> tuple[DetectedFace, ...]:
        """
        Return the faces of one image, from left to right.

        Args:
            pixels: (height, width, 3) uint8 BGR.

        Raises:
            DetectorError: The image is not such an array, or the network refused it.
        """
        check_pixels(pixels)
        height, width = pixels.shape[:2]
        size = max(1, round(width * self._scale)), max(1, round(height * self._scale))
        rows = self._network.rows(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))
        enlarged = np.array([width / size[0], height / size[1]], np.float32)
        points = rows[:, :14].reshape(-1, 7, 2) * enlarged
        boxes = np.hstack([points[:, 0], points[:, 0] + points[:, 1]])
        return detected_faces(boxes, points[:, 2:], np.clip(rows[:, 14], 0, 1))

    def smallest_sought(self) -> int:
        """Return the side of the smallest face, see `LocalFaceDetector`."""
        return self._smallest_face

    def detect_near(self, pixels: Pixels, box: Box) -> tuple[DetectedFace, ...]:
        """Return the faces about a place; see `edge.detection.nearby.faces_near`."""
        return faces_near(lambda part, _: self.detect(part), pixels, box, self._smallest_face)


def _opened(file: Path, running: Running, detector_score: float) -> "YunetNetwork | _OpenCvNetwork":
    """Return the network; in ONNX Runtime, which takes half of OpenCV's time, where it can be."""
    try:
        return YunetNetwork(file, running, detector_score, OVERLAP)
    except DetectorError:
        if not running.is_plain:
            raise
        # Of one size, which OpenCV overrules; or no YuNet, and OpenCV has the words for that.
        return _OpenCvNetwork(file, running.threads, detector_score)


TRIED = (320, 320)
"""Width and height of the grey picture that a file is tried with."""


class _OpenCvNetwork:
    """The whole detector of OpenCV."""

    def __init__(self, file: Path, threads: int, detector_score: float) -> None:
        if not file.is_file():
            raise DetectorError(f"{file}: no such file: correct 'model' of the detector")
        cv2.setNumThreads(threads)
        self._file = file
        try:
            self._network = cv2.FaceDetectorYN.create(str(file), "", TRIED, detector_score, OVERLAP)
        except cv2.error as error:
            raise self._refused() from error
        self.rows(np.zeros((*TRIED, 3), np.uint8))

    def _refused(self) -> DetectorError:
        # What OpenCV says are lines of its own code.
        return DetectorError(f"{self._file}: OpenCV cannot run it: is it YuNet, and whole?")

    @property
    def engine(self) -> str:
        """Return library, version and precision."""
        return f"OpenCV {cv2.__version__}, f32"

    def rows(self, pixels: Pixels) -> NDArray[np.float32]:
        """Return (N, 15), see `YunetNetwork.rows`."""
        try:
            self._network.setInputSize(pixels.shape[1::-1])
            _, found = self._network.detect(pixels)
        except cv2.error as error:
            raise self._refused() from error
        return np.empty((0, 15), np.float32) if found is None else found
