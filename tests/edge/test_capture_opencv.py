from itertools import islice
from typing import cast

import cv2
import pytest

from edge.capture_opencv import MOTION_JPEG, OpenCapture, OpenCVCamera, drain
from edge.errors import SourceError
from edge.source_uri import parse_uri
from tests.edge.cameras import BY_ID, INTERVAL_S, UsbCamera, camera_settings


def usb(camera: UsbCamera, **keys: object) -> OpenCVCamera:
    settings = camera_settings(f"v4l2://{BY_ID}", **keys)
    return OpenCVCamera(settings, lambda: settings.uri, cast("OpenCapture", camera.open))


def test_a_usb_camera_is_opened_by_its_lasting_name_with_the_backend_named():
    camera = UsbCamera([50])
    next(usb(camera).frames())
    assert camera.opened == [(BY_ID, cv2.CAP_V4L2, ())]


def test_motion_jpeg_is_asked_for_before_size_and_rate():
    camera = UsbCamera([50])
    next(usb(camera, width=1280, height=720, fps=15).frames())
    assert camera.asked == [
        (cv2.CAP_PROP_FOURCC, MOTION_JPEG),
        (cv2.CAP_PROP_FRAME_WIDTH, 1280),
        (cv2.CAP_PROP_FRAME_HEIGHT, 720),
        (cv2.CAP_PROP_FPS, 15),
    ]


def test_frames_are_numbered_and_timed():
    frames = list(islice(usb(UsbCamera([50])).frames(), 3))
    assert [frame.index for frame in frames] == [0, 1, 2]
    assert {frame.source for frame in frames} == {"door"}
    first, second, third = (frame.time_s for frame in frames)
    assert first is not None
    assert (second, third) == pytest.approx((first + INTERVAL_S, first + 2 * INTERVAL_S))


def test_unplugging_is_a_loss_and_the_next_time_the_device_is_opened_anew():
    camera = UsbCamera([50, 50])
    source = usb(camera)
    frames = source.frames()
    with pytest.raises(SourceError, match="ended, or gave no frame"):
        list(frames)
    assert not camera.is_open
    assert next(source.frames()).index == 0
    assert len(camera.opened) == 2


def test_a_device_that_is_out_cannot_be_opened():
    camera = UsbCamera([])
    with pytest.raises(SourceError, match="ls -l /dev/v4l/by-id"):
        next(usb(camera).frames())
    assert camera.asked == []


def test_dropping_the_iterator_releases_the_device():
    camera = UsbCamera([50])
    frames = usb(camera).frames()
    next(frames)
    del frames
    assert not camera.is_open


def test_the_real_backend_refuses_a_device_that_does_not_exist():
    settings = camera_settings("v4l2:///dev/v4l/by-id/none")
    with pytest.raises(SourceError, match="cannot be opened"):
        next(OpenCVCamera(settings, lambda: settings.uri).frames())


def test_no_error_holds_the_password():
    settings = camera_settings("rtsp://127.0.0.1:1/live", open_timeout=2)
    address = parse_uri("rtsp://127.0.0.1:1/live").with_login("admin:hunter2")
    with pytest.raises(SourceError, match="cannot be opened") as caught:
        next(OpenCVCamera(settings, lambda: address).frames())
    assert "rtsp://…@127.0.0.1:1/live" in str(caught.value)
    assert "hunter2" not in str(caught.value)


class Delayed:
    """A capture whose grabs take given seconds of a clock."""

    def __init__(self, fps: float, seconds: list[float]) -> None:
        self.now_s, self.fps, self.seconds = 0.0, fps, iter(seconds)

    def clock(self) -> float:
        return self.now_s

    def get(self, _: int) -> float:
        return self.fps

    def grab(self) -> bool:
        seconds = next(self.seconds, None)
        self.now_s += seconds or 0
        return seconds is not None


@pytest.mark.parametrize(
    ("fps", "seconds", "passed"),
    [
        (25, [0.002] * 28 + [0.03] + [0.04] * 9, 29),
        (25, [0.04] * 9, 1),
        (25, [1 / 64] * 999, 129),
        (0, [0.002] * 5 + [0.04] * 9, 6),
        (90000, [0.002] * 5 + [0.04] * 9, 6),
        (5, [0.002] * 5 + [0.08] * 3 + [0.2] * 9, 9),
        (25, [0.002] * 3, 3),
    ],
    ids=["backlog", "none", "too slow to catch up", "rate unknown", "absurd rate", "5 fps", "dies"],
)
def test_frames_that_waited_are_passed_over(fps, seconds, passed):
    capture = Delayed(fps, seconds)
    assert drain(cast("cv2.VideoCapture", capture), capture.clock) == passed
