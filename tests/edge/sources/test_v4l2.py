import math
from itertools import islice
from typing import cast

import cv2
import pytest

from edge.errors import SourceError
from edge.sources.v4l2 import MOTION_JPEG, OpenCapture, UsbCamera
from tests.edge.cameras import BY_ID, INTERVAL_S, UsbCapture, UsbDevice, camera_settings, made


def usb(camera: UsbDevice, **keys: object) -> UsbCamera:
    settings = camera_settings(f"v4l2://{BY_ID}", **keys)
    return UsbCamera(settings, cast("OpenCapture", camera.open))


def test_a_usb_camera_is_opened_by_its_lasting_name_with_the_backend_named():
    camera = UsbDevice([50])
    next(made(usb(camera)))
    assert camera.opened == [(BY_ID, cv2.CAP_V4L2, ())]


def test_motion_jpeg_is_asked_for_before_size_and_rate():
    camera = UsbDevice([50])
    next(made(usb(camera, width=1280, height=720, fps=15)))
    assert camera.asked == [
        (cv2.CAP_PROP_FOURCC, MOTION_JPEG),
        (cv2.CAP_PROP_FRAME_WIDTH, 1280),
        (cv2.CAP_PROP_FRAME_HEIGHT, 720),
        (cv2.CAP_PROP_FPS, 15),
    ]


def test_frames_are_numbered_and_timed():
    frames = list(islice(made(usb(UsbDevice([50]))), 3))
    assert [frame.index for frame in frames] == [0, 1, 2]
    assert {frame.source for frame in frames} == {"door"}
    first, second, third = (frame.time_s for frame in frames)
    assert first is not None
    assert (second, third) == pytest.approx((first + INTERVAL_S, first + 2 * INTERVAL_S))


def test_a_driver_that_tells_no_time_gives_no_photographs(monkeypatch):
    of_device = UsbCapture.get

    def untimed(capture, of):
        return math.nan if of == cv2.CAP_PROP_POS_MSEC else of_device(capture, of)

    monkeypatch.setattr(UsbCapture, "get", untimed)
    times = [frame.time_s or -1 for frame in islice(made(usb(UsbDevice([50]))), 3)]
    assert times == sorted(set(times))
    assert times[0] >= 0


def test_unplugging_is_a_loss_and_the_next_time_the_device_is_opened_anew():
    camera = UsbDevice([50, 50])
    source = usb(camera)
    frames = made(source)
    with pytest.raises(SourceError, match="was unplugged, or gave no frame"):
        list(frames)
    assert not camera.is_open
    assert next(made(source)).index == 0
    assert len(camera.opened) == 2


def test_a_device_that_is_out_cannot_be_opened():
    camera = UsbDevice([])
    with pytest.raises(SourceError, match="ls -l /dev/v4l/by-id"):
        next(made(usb(camera)))
    assert camera.asked == []


def test_dropping_the_iterator_releases_the_device():
    camera = UsbDevice([50])
    frames = made(usb(camera))
    next(frames)
    del frames
    assert not camera.is_open


def test_the_real_backend_refuses_a_device_that_does_not_exist():
    settings = camera_settings("v4l2:///dev/v4l/by-id/none")
    with pytest.raises(SourceError, match="cannot be opened"):
        next(made(UsbCamera(settings)))


def test_a_usb_camera_mounted_on_its_side_shows_upright_pictures():
    plain, turned = (next(made(usb(UsbDevice([50]), **keys))) for keys in ({}, {"rotate": 90}))
    assert turned.pixels.shape == (64, 48, 3)
    assert plain.pixels.shape == (48, 64, 3)
