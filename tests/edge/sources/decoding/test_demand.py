"""Pictures that nobody is about to look at are counted, and not made."""

from collections.abc import Generator
from itertools import dropwhile, islice
from typing import cast

import av
import numpy as np
import pytest

from edge.samples import Damaged, Frame, Passed
from edge.sources.decoding.demand import Demand
from edge.sources.ffmpeg import Received
from edge.sources.open import frame_source
from edge.sources.v4l2 import OpenCapture, UsbCamera
from tests.edge.cameras import BY_ID, UsbDevice, camera_settings
from tests.edge.motion_jpeg import motion_jpeg
from tests.edge.rtsp import RtspCamera
from tests.edge.sent_video import decoded, moving_pictures, write_video
from tests.edge.system_gstreamer import need_gstreamer
from tests.edge.watching import PATIENCE_S

NEVER = float("inf")
RATE = 25


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def wanted(looks_s, seconds=4, after_s=0.0):
    """
    Return the times of the pictures that are wanted.

    Args:
        looks_s: Between two looks.
        seconds: Of pictures.
        after_s: From a picture to the look at it.
    """
    clock, times = Clock(), []
    demand = Demand(clock=clock)
    for number in range(seconds * RATE):
        clock.now_s = 100 + number / RATE
        if demand.came():
            times.append(clock.now_s - 100)
        if number * 1000 // RATE % (looks_s * 1000) == 0:
            demand.look_at(clock.now_s + after_s + looks_s)
    return times


def test_every_picture_is_wanted_until_somebody_says_when_the_next_look_is():
    demand = Demand()
    assert all(demand.came() for _ in range(10))


def test_of_a_camera_that_is_looked_at_each_second_the_pictures_before_a_look_are_wanted():
    times = wanted(1.0)
    assert {1.0, 2.0, 3.0} < {round(time, 2) for time in times}
    late = [time for time in times if time > 1.5]
    assert len(late) <= 2 * 3
    assert {round(time % 1, 2) for time in late} <= {0.0, 0.96}


def test_before_a_look_one_picture_is_made_and_no_other():
    assert [time for time in wanted(1.0, after_s=0.01) if time > 1.5] == pytest.approx([2.0, 3.0])


def test_of_a_camera_that_is_looked_at_as_often_as_it_sends_all_are_wanted():
    assert len(wanted(1 / RATE, seconds=1)) == RATE


def test_a_picture_that_was_not_in_time_is_wanted_until_the_look():
    clock = Clock()
    demand = Demand(clock=clock)
    demand.look_at(clock.now_s + 1)
    clock.now_s += 5
    assert demand.came()
    assert demand.is_due()


def test_another_process_reads_the_time_of_the_next_look():
    cell, clock = np.zeros(1), Clock()
    ours, theirs = Demand(clock=clock), Demand(cell, clock)
    with ours.told_in(cell):
        assert theirs.came()
        ours.look_at(NEVER)
        assert not theirs.came()
    ours.look_at(0)
    assert not theirs.came()


def received(settings, first=5, later=40):
    """Return what a source yields before and after nothing is wanted any more."""
    demand = Demand()
    frames = cast(
        "Generator[Frame | Damaged | Passed, None, None]",
        frame_source(settings, print, demand).frames(),
    )
    before = list(islice(frames, first))
    demand.look_at(NEVER)
    after = list(islice(frames, later))
    frames.close()
    return before, after


def only_passed(before, after):
    """Tell it; those that were on their way when nothing was wanted any more may still come."""
    passed = list(dropwhile(lambda each: isinstance(each, Frame), after))
    return (
        all(isinstance(each, Frame) for each in before)
        and len(passed) > 1
        and all(isinstance(each, Passed) for each in passed)
    )


SECONDS = {"open_timeout": PATIENCE_S, "read_timeout": PATIENCE_S}


@pytest.mark.parametrize("isolate", [True, False])
def test_pictures_of_motion_jpeg_are_passed(isolate):
    with motion_jpeg() as port:
        uri = f"http://127.0.0.1:{port}/"
        assert only_passed(*received(camera_settings(uri, isolate=isolate, **SECONDS)))


@pytest.mark.parametrize("isolate", [True, False])
def test_pictures_of_a_network_camera_are_passed(isolate):
    need_gstreamer()
    camera = RtspCamera()
    camera.start()
    try:
        assert only_passed(*received(camera_settings(camera.uri, isolate=isolate, **SECONDS)))
    finally:
        camera.kill()


def test_pictures_of_a_usb_camera_are_not_even_decoded():
    camera, demand = UsbDevice([10]), Demand()
    settings = camera_settings(f"v4l2://{BY_ID}")
    frames = UsbCamera(settings, cast("OpenCapture", camera.open), demand).frames()
    next(frames)
    demand.look_at(NEVER)
    assert all(isinstance(each, Passed) for each in islice(frames, 5))
    assert camera.retrieved == 1


def test_a_picture_of_a_camera_that_none_refers_to_is_decoded_when_it_is_wanted(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("edge.sources.ffmpeg.comes_in_order", lambda _: True)
    leaves = {"tune": "", "bf": "1", "x264-params": "b-adapt=0:scenecut=0"}
    path = tmp_path / "video.ts"
    write_video(path, "h264", moving_pictures(40), 0, **leaves)
    pictures = {picture.tobytes() for picture in decoded(path)}

    def shown(due_s):
        demand = Demand()
        demand.look_at(due_s)
        with av.open(str(path)) as container:
            track = container.streams.video[0]
            got = list(Received(container, track, lambda: False, demand))
        made = [each for each in got if isinstance(each, av.VideoFrame)]
        assert {each.to_ndarray(format="bgr24").tobytes() for each in made} <= pictures
        return len(made), sum(isinstance(each, Passed) for each in got)

    assert shown(0) == (40, 0)
    made, passed = shown(NEVER)
    assert made + passed == 40
    assert passed > 15
