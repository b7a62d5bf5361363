"""
Frames of network and USB cameras by OpenCV, with FFmpeg and Video4Linux named explicitly.

Measured with OpenCV 5.0: FFmpeg's timeouts work only when they are given while opening; without
them a server that stops answering blocks a read for 90 s. A read may block for twice its timeout.
A capture that has failed once never recovers: it is released, and the next `frames()` opens anew.
"""

import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import cv2

from edge.errors import SourceError
from edge.samples import Frame
from edge.settings_source import SourceSettings
from edge.source_uri import SourceUri

DRAINED_S = 2.0
"""The longest time spent on frames that waited in a server or a driver; measured: about 1 s."""
USUAL_FPS = 25.0
"""For cameras that do not say."""
MOTION_JPEG = cv2.VideoWriter.fourcc(*"MJPG")


OpenCapture: TypeAlias = Callable[[str, int, Sequence[int]], cv2.VideoCapture]
"""cv2.VideoCapture: address, backend, parameters."""


class OpenCVCamera:
    """A network or USB camera; each call of `frames()` opens it anew."""

    def __init__(
        self,
        settings: SourceSettings,
        address: Callable[[], SourceUri],
        open_capture: OpenCapture = cv2.VideoCapture,
    ) -> None:
        """
        Keep the settings; nothing is opened yet.

        Args:
            settings: Of a source with one of the schemes rtsp(s), http(s), v4l2.
            address: Returns the address, with the login as it is at that moment.
            open_capture: cv2.VideoCapture, or something with its manners.
        """
        self._settings = settings
        self._address = address
        self._open_capture = open_capture

    def frames(self) -> Iterator[Frame]:
        """
        Yield fresh frames; `time_s` is the presentation time since the camera was opened.

        Raises:
            SourceError: The camera cannot be opened, ended, or gave no frame in time.
            ConfigError: Its login cannot be read.
        """
        capture = self._open()
        try:
            drain(capture, time.monotonic)
            yield from self._read(capture)
        finally:
            capture.release()

    def _open(self) -> cv2.VideoCapture:
        uri = self._address()
        try:
            if uri.scheme == "v4l2":
                capture = self._open_v4l2(str(uri.path))
            else:
                capture = self._open_ffmpeg(uri.address)
        except cv2.error as error:
            raise SourceError(f"{uri}: OpenCV refused to open it: {error.err}") from error
        if not capture.isOpened():
            capture.release()
            raise SourceError(f"{uri} cannot be opened; {_advice(uri)}")
        return capture

    def _open_ffmpeg(self, address: str) -> cv2.VideoCapture:
        settings = self._settings
        if settings.transport == "udp":
            # There is no parameter for it. An operator's own options win. Without any, OpenCV
            # tries TCP first, and UDP when the camera refuses.
            os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", "rtsp_transport;udp")
        timeouts = [
            *(cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, round(settings.open_timeout * 1000)),
            *(cv2.CAP_PROP_READ_TIMEOUT_MSEC, round(settings.read_timeout * 1000)),
        ]
        return self._open_capture(address, cv2.CAP_FFMPEG, timeouts)

    def _open_v4l2(self, device: str) -> cv2.VideoCapture:
        settings = self._settings
        # Read once in the process, whole seconds; there is no parameter for it either.
        seconds = str(math.ceil(settings.read_timeout))
        os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", seconds)
        capture = self._open_capture(device, cv2.CAP_V4L2, ())
        # Uncompressed pictures of 720p and more do not fit through USB 2 at a useful rate. A camera
        # may refuse any of these; then it gives what it has.
        for property_id, value in (
            (cv2.CAP_PROP_FOURCC, MOTION_JPEG),
            (cv2.CAP_PROP_FRAME_WIDTH, settings.width),
            (cv2.CAP_PROP_FRAME_HEIGHT, settings.height),
            (cv2.CAP_PROP_FPS, settings.fps),
        ):
            if value is not None and capture.isOpened():
                capture.set(property_id, value)
        return capture

    def _read(self, capture: cv2.VideoCapture) -> Iterator[Frame]:
        index = 0
        while True:
            more, pixels = capture.read()
            if not more:
                break
            milliseconds = capture.get(cv2.CAP_PROP_POS_MSEC)
            time_s = milliseconds / 1000 if math.isfinite(milliseconds) else None
            yield Frame(pixels, self._settings.name, index, time_s)
            index += 1
        uri = self._settings.uri
        if index == 0:
            raise SourceError(f"{uri} was opened, but gives no frame; {_advice(uri)}")
        raise SourceError(f"{uri} ended, or gave no frame for {self._settings.read_timeout:g} s")


def drain(capture: cv2.VideoCapture, clock: Callable[[], float]) -> int:
    """
    Pass over the frames that waited while the camera was being opened.

    They come at once; the first one that had to be waited for is fresh.

    Args:
        capture: Open.
        clock: Monotonic seconds.

    Returns:
        How many frames were passed over; the last of them was fresh, unless the time ran out.
    """
    fps = capture.get(cv2.CAP_PROP_FPS)
    half_interval_s = 0.5 / (fps if 1 <= fps <= 240 else USUAL_FPS)
    start_s = before_s = clock()
    passed = 0
    while capture.grab():
        passed += 1
        now_s = clock()
        if now_s - before_s > half_interval_s or now_s - start_s > DRAINED_S:
            break
        before_s = now_s
    return passed


def _advice(uri: SourceUri) -> str:
    if uri.scheme == "v4l2":
        return "see which cameras there are with: ls -l /dev/v4l/by-id"
    return f"check host, path and login; look at it with: ffplay {str(uri)!r}"
