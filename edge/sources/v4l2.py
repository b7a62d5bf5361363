"""
Frames of USB cameras by OpenCV, with Video4Linux named explicitly.

After a camera was unplugged its buffers are void and a capture never recovers: it is released, and
the next `frames()` opens anew.
"""

import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from getpass import getuser
from pathlib import Path
from typing import TypeAlias, cast

import cv2

from edge.config.source import SourceSettings
from edge.errors import SourceError
from edge.samples import CAMERA_PIXELS, Frame, Passed, Pixels
from edge.sources.clock import stamped
from edge.sources.confined.bounds import require_pixels
from edge.sources.decoding.demand import Demand
from edge.sources.ffmpeg import drain
from edge.sources.geometry import as_seen

ADVICE = "see which cameras there are with: ls -l /dev/v4l/by-id"
MOTION_JPEG = cv2.VideoWriter.fourcc(*"MJPG")


OpenCapture: TypeAlias = Callable[[str, int, Sequence[int]], cv2.VideoCapture]
"""cv2.VideoCapture: address, backend, parameters."""


class UsbCamera:
    """A camera of Video4Linux; each call of `frames()` opens it anew."""

    def __init__(
        self,
        settings: SourceSettings,
        open_capture: OpenCapture = cv2.VideoCapture,
        demand: Demand | None = None,
    ) -> None:
        """
        Keep the settings; nothing is opened yet.

        Args:
            settings: Of a v4l2:// source.
            open_capture: cv2.VideoCapture, or something with its manners.
            demand: Which pictures are wanted; all, if not given.
        """
        self._settings = settings
        self._demand = demand or Demand()
        self._open_capture = open_capture

    def frames(self) -> Iterator[Frame | Passed]:
        """
        Yield fresh frames; `time_s` is the presentation time of the driver.

        Raises:
            SourceError: The camera cannot be opened, was unplugged, or gave no frame in time.
        """
        capture = self._open()
        try:
            drain(capture.grab, capture.get(cv2.CAP_PROP_FPS), time.monotonic)
            yield from self._read(capture)
        finally:
            capture.release()

    def _open(self) -> cv2.VideoCapture:
        uri, seconds = self._settings.uri, math.ceil(self._settings.read_timeout)
        # There is no parameter for it, and the first value in the process counts. Without it a
        # read may block for 10 s.
        os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", str(seconds))
        try:
            capture = self._open_capture(str(uri.path), cv2.CAP_V4L2, ())
        except cv2.error as error:
            raise SourceError(f"{uri}: OpenCV refused to open it: {error.err}") from error
        if not capture.isOpened():
            capture.release()
            raise SourceError(f"{uri} cannot be opened: {_cause(uri.path)}")
        self._ask(capture)
        self._require_budget(capture)
        return capture

    def _require_budget(self, capture: cv2.VideoCapture) -> None:
        sides = (capture.get(cv2.CAP_PROP_FRAME_WIDTH), capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        try:
            require_pixels(self._settings.uri, int(sides[0]), int(sides[1]), CAMERA_PIXELS)
        except SourceError:
            capture.release()
            raise

    def _ask(self, capture: cv2.VideoCapture) -> None:
        """Ask for what the settings want; a camera that cannot do it gives what it has."""
        settings = self._settings
        for property_id, value in (
            # Uncompressed pictures of 720p do not fit through USB 2 at a useful rate.
            (cv2.CAP_PROP_FOURCC, MOTION_JPEG),
            (cv2.CAP_PROP_FRAME_WIDTH, settings.width),
            (cv2.CAP_PROP_FRAME_HEIGHT, settings.height),
            (cv2.CAP_PROP_FPS, settings.fps),
        ):
            if value is not None:
                capture.set(property_id, value)

    def _read(self, capture: cv2.VideoCapture) -> Iterator[Frame | Passed]:
        index, since_s = 0, time.monotonic()
        while capture.grab():
            if not self._demand.came():
                yield Passed()
                continue
            more, pixels = capture.retrieve()
            if not more:
                break
            time_s = stamped(capture.get(cv2.CAP_PROP_POS_MSEC) / 1000, since_s)
            seen = as_seen(cast("Pixels", pixels), self._settings.geometry)
            yield Frame(seen, self._settings.name, index, time_s)
            index += 1
        uri = self._settings.uri
        if index == 0:
            raise SourceError(f"{uri} was opened, but gives no frame; {ADVICE}")
        raise SourceError(
            f"{uri} was unplugged, or gave no frame for {self._settings.read_timeout:g} s"
        )


def _cause(device: Path) -> str:
    if not device.exists():
        return f"there is no such device, is it plugged in? {ADVICE}"
    if not os.access(device, os.R_OK | os.W_OK):
        return f"this user may not use it: sudo usermod -aG video {getuser()}, and log in anew"
    return f"another program has it, or it is no camera; {ADVICE}"
