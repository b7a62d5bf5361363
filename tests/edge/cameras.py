"""A USB camera for tests: obeys what was measured of cv2.VideoCapture with CAP_V4L2."""

from collections.abc import Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from threading import Event
from typing import cast

import cv2
import numpy as np

from edge.config.source import SourceSettings
from edge.protocols import FrameSource
from edge.samples import Damaged, Frame, Passed, Pixels

BY_ID = "/dev/v4l/by-id/usb-046d_HD_Pro_Webcam_C920_2F8A1B0F-video-index0"
INTERVAL_S = 0.005


def camera_settings(uri: str, **keys: object) -> SourceSettings:
    return SourceSettings.model_validate({"name": "door", "uri": uri, **keys})


def made(source: FrameSource) -> Generator[Frame, None, None]:
    """Yield the frames of a source whose every picture is wanted, and whole."""
    frames = cast("Generator[Frame | Damaged | Passed, None, None]", source.frames())
    with closing(frames) as left:
        for frame in left:
            assert isinstance(frame, Frame)
            yield frame


@dataclass
class UsbDevice:
    """
    The device: one at a time may have it open, and it can be plugged out and in.

    After it was plugged out an open capture gives False for ever, also when it is in again: its
    buffers are void. Opening a device that is out gives a capture that is not open.
    """

    frames_until_unplugged: Iterable[int] = ()
    """For each time it is opened: frames until it is plugged out (and in again at once)."""
    accepts: frozenset[int] = frozenset({cv2.CAP_PROP_FOURCC, cv2.CAP_PROP_FPS})
    repeats: bool = False
    """After it was plugged out, some drivers hand out the old buffers instead of False."""
    opened: list[tuple[str, int, tuple[int, ...]]] = field(default_factory=list)
    asked: list[tuple[int, float]] = field(default_factory=list)
    is_open: bool = False
    size: tuple[int, int] = (64, 48)
    shown: int = 0
    retrieved: int = 0
    """Pictures that were decoded."""

    def __post_init__(self) -> None:
        self._lives = iter(self.frames_until_unplugged)

    def open(self, address: str, backend: int, parameters: Sequence[int]) -> "UsbCapture":
        self.opened.append((address, backend, tuple(parameters)))
        left = next(self._lives, 0)
        is_opened = left > 0 and not self.is_open
        self.is_open = self.is_open or is_opened
        return UsbCapture(self, left, is_opened)


@dataclass
class UsbCapture:
    """One opening of the device."""

    camera: UsbDevice
    left: int
    opened: bool
    newest: int = 0

    def isOpened(self) -> bool:  # noqa: N802
        return self.opened

    def set(self, property_id: int, value: float) -> bool:
        self.camera.asked.append((property_id, value))
        return property_id in self.camera.accepts

    def get(self, property_id: int) -> float:
        return {
            cv2.CAP_PROP_FPS: 1 / INTERVAL_S,
            cv2.CAP_PROP_POS_MSEC: self.newest * 5.0,
            cv2.CAP_PROP_FRAME_WIDTH: float(self.camera.size[0]),
            cv2.CAP_PROP_FRAME_HEIGHT: float(self.camera.size[1]),
        }[property_id]

    def grab(self) -> bool:
        if not self.opened:
            return False
        Event().wait(INTERVAL_S)  # as the sensor does
        if self.left:
            self.left -= 1
            self.camera.shown += 1
            self.newest = self.camera.shown
            return True
        return self.camera.repeats

    def retrieve(self) -> tuple[bool, Pixels | None]:
        self.camera.retrieved += 1
        # A repeating driver goes around the 4 buffers it has.
        seed = self.newest if self.left else self.newest + np.random.default_rng().integers(4)
        return True, picture(int(seed))

    def release(self) -> None:
        self.camera.is_open = self.camera.is_open and not self.opened
        self.opened = False


def picture(number: int) -> Pixels:
    """Return a picture with the noise of a sensor; equal for equal numbers."""
    return np.random.default_rng(number).integers(40, 200, (48, 64, 3), dtype=np.uint8)
