import itertools
import threading
from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from functools import partial
from threading import Event
from typing import cast

import numpy as np
import pytest

from edge.errors import LoginRefusedError, SourceError
from edge.protocols import FrameSource
from edge.samples import Captured, Damaged, Frame, Passed
from edge.sources.clock import WallClock
from edge.sources.decoding.demand import Demand
from edge.sources.live import LiveSource
from edge.sources.state import Availability, Patience
from edge.sources.status import Limits, Surroundings, status_words
from edge.sources.v4l2 import OpenCapture, UsbCamera
from tests.edge.cameras import BY_ID, UsbDevice, camera_settings, picture
from tests.edge.watching import PATIENCE_S, Scripted, Told

SOON = Patience(stalled_after_s=0.02, first_retry_s=0.01, longest_retry_s=0.02)
LIVE = Limits(patience=SOON, check_every_s=0.01)
FILE = Limits(is_live=False, check_every_s=0.01)


def frame(number: int, width: int = 64) -> Frame:
    return Frame(np.resize(picture(number), (48, width, 3)), "door", number, number / 25)


def some(numbers: Iterable[int]) -> Iterator[Frame]:
    yield from map(frame, numbers)


def failing(message: str) -> Iterator[Frame]:
    yield frame(0)
    raise SourceError(message)


def raising(error: Exception) -> Iterator[Frame]:
    yield from ()
    raise error


def blocked(until: Event) -> Iterator[Frame]:
    """Return nothing until an event, as a native call that does not know its timeout."""
    until.wait(PATIENCE_S)
    yield frame(0)


class HurryingClock:
    """Stands still; in a hurry a minute passes from each look at it to the next."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._minutes = self._left = 0

    def __call__(self) -> float:
        with self._changed:
            if self._left:
                self._left -= 1
                self._minutes += 1
                self._changed.notify_all()
            return self._minutes * 60.0

    def hurry(self, looks: int) -> None:
        """Return after so many looks."""
        with self._changed:
            self._left = looks
            assert self._changed.wait_for(lambda: not self._left, PATIENCE_S)


@pytest.fixture
def told():
    return Told()


@pytest.fixture
def started(told):
    running: list[LiveSource] = []

    def start(source: FrameSource, limits: Limits = LIVE, **around: object) -> LiveSource:
        around.setdefault("on_change", told)
        live = LiveSource("door", source, limits, Surroundings(**around))  # type: ignore[arg-type]
        running.append(live)
        live.start()
        return live

    yield start
    for live in running:
        live.stop()


@pytest.fixture
def release():
    event = Event()
    yield event
    event.set()


def test_every_frame_of_a_file_is_taken_in_order_and_then_it_ends(told, started):
    source = started(Scripted(partial(some, range(200))), FILE)
    taken = list(source.frames())
    assert [captured.frame.time_s for captured in taken] == [n / 25 for n in range(200)]
    told.until_state("disabled")
    assert told.states == ["starting", "streaming", "disabled"]
    assert (source.ended, source.status().dropped, source.status().error) == (True, 0, None)


def test_a_file_nobody_takes_from_is_neither_stalled_nor_stuck(told, started):
    def resized() -> Iterator[Frame]:
        yield frame(0)
        yield frame(1, width=128)
        yield frame(2, width=128)

    clock = HurryingClock()
    limits = Limits(is_live=False, patience=SOON, check_every_s=0.001)
    source = started(Scripted(resized), limits, monotonic=clock)
    # From here the second frame waits for the first to be taken.
    told.until(lambda status: status.picture.size_changes == 1)
    clock.hurry(looks=9)
    assert len(list(source.frames())) == 3
    told.until_state("disabled")
    assert "stalled" not in told.states
    assert source.status().abandoned == 0


def test_a_broken_file_ends_with_its_error(told, started):
    source = started(Scripted(partial(failing, "cut short")), FILE)
    assert len(list(source.frames())) == 1
    assert told.until_state("disabled").error == "cut short"


def test_a_live_source_hands_over_the_newest_frame_and_counts_the_rest(started, release):
    def fast() -> Iterator[Frame]:
        yield from some(range(100))
        handed_over.set()
        release.wait(PATIENCE_S)

    handed_over = Event()
    source = started(Scripted(fast))
    assert handed_over.wait(PATIENCE_S)
    captured = source.take()
    assert captured is not None
    assert captured.frame.index == 99
    assert source.take() is None
    status = source.status()
    assert (status.frames, status.dropped) == (100, 99)


def test_a_lost_source_is_opened_again_and_its_frames_are_numbered_on(told, started, release):
    def last() -> Iterator[Frame]:
        yield frame(7)
        release.wait(PATIENCE_S)

    source = started(Scripted(partial(failing, "unplugged"), partial(some, [1]), last))
    indexes = [captured.frame.index for captured, _ in zip(source.frames(), range(1), strict=False)]
    told.until(lambda status: status.openings == 3 and status.state == "streaming")
    errors = [status.error for status in told.statuses if status.state == "lost"]
    assert errors == ["unplugged", "the source has ended"]
    newest = source.take()
    assert newest is None or newest.frame.index > max(indexes)
    assert source.status().frames == 3


def test_a_source_that_cannot_be_opened_is_tried_again_and_again(told, started):
    started(Scripted(*[partial(raising, SourceError("connection refused"))] * 1000))
    status = told.until(lambda status: status.openings == 5)
    assert status.camera.failures >= 4
    assert set(told.states) == {"starting", "lost"}


def test_a_stall_shows_and_ends_with_the_next_frame(told, started, release):
    resume = Event()

    def stalling() -> Iterator[Frame]:
        yield frame(0)
        resume.wait(PATIENCE_S)
        yield frame(1)
        release.wait(PATIENCE_S)

    started(Scripted(stalling))
    told.until_state("stalled")
    resume.set()
    told.until_state("streaming")
    assert told.states == ["starting", "streaming", "stalled", "streaming"]


def test_a_stuck_native_call_is_abandoned_and_a_late_frame_of_it_is_ignored(told, started, release):
    stay = Event()

    def healthy() -> Iterator[Frame]:
        yield frame(5)
        stay.wait(PATIENCE_S)

    limits = Limits(open_stuck_s=0.5, patience=SOON, check_every_s=0.01)
    source = started(Scripted(partial(blocked, release), healthy), limits)
    status = told.until_state("lost")
    assert (status.abandoned, status.stuck, status.exhausted) == (1, 1, False)
    assert "has not returned" in str(status.error)
    told.until_state("streaming")
    (late,) = (thread for thread in threading.enumerate() if thread.name == "grab-door-1")
    release.set()
    late.join(PATIENCE_S)
    assert (source.status().frames, source.status().stuck) == (1, 0)
    stay.set()


def test_too_many_stuck_calls_ask_for_the_end_of_the_process(told, started, release):
    limits = Limits(open_stuck_s=0.02, stuck_limit=3, patience=SOON, check_every_s=0.01)
    source = started(Scripted(*[partial(blocked, release)] * 9), limits)
    status = told.until(lambda status: status.exhausted)
    assert (status.abandoned, status.stuck, status.openings) == (3, 3, 3)
    source.stop()
    assert source.status().openings == 3


def test_a_call_that_returns_after_all_makes_room_again(told, started, release):
    limits = Limits(open_stuck_s=0.5, stuck_limit=1, patience=SOON, check_every_s=0.01)
    stay = Event()

    def healthy() -> Iterator[Frame]:
        yield frame(5)
        stay.wait(PATIENCE_S)

    source = started(Scripted(partial(blocked, release), healthy), limits)
    told.until(lambda status: status.exhausted)
    release.set()
    told.until_state("streaming")
    assert (source.status().stuck, source.status().abandoned) == (0, 1)
    stay.set()


def test_a_defect_in_a_source_is_a_loss_like_any_other(told, started, caplog):
    started(Scripted(*[partial(raising, ZeroDivisionError())] * 1000))
    assert "ZeroDivisionError" in str(told.until_state("lost").error)
    assert "nobody foresaw" in caplog.text


def test_a_refused_login_is_tried_again_after_minutes_and_that_is_said(told, started):
    refused = partial(raising, LoginRefusedError("door refuses the login"))
    source = started(Scripted(*[refused] * 1000), chance=lambda: 0.0, monotonic=lambda: 50.0)
    status = told.until_state("lost")
    assert status.camera.retry_at_s == 50.0 + Patience().login_retry_s / 2
    assert "tried again in 8 min, since cameras lock accounts" in status_words(status)
    assert source.status().openings == 1


def test_a_lost_camera_is_opened_at_once_when_somebody_asks_for_it(told, started, release):
    def healthy() -> Iterator[Frame]:
        yield frame(0)
        release.wait(PATIENCE_S)

    refused = partial(raising, LoginRefusedError("door refuses the login"))
    source = started(Scripted(refused, healthy))
    told.until_state("lost")
    source.try_again()
    told.until_state("streaming")
    source.try_again()  # means nothing to one that streams
    assert source.status().openings == 2


def test_a_changed_resolution_is_told(told, started, release):
    def resized() -> Iterator[Frame]:
        yield frame(0)
        yield frame(1, width=128)
        release.wait(PATIENCE_S)

    started(Scripted(resized))
    status = told.until(lambda status: status.picture.size_changes == 1)
    assert status.picture.size == (128, 48)
    assert status.state == "streaming"


@pytest.mark.parametrize(("seed", "trouble"), [(None, "black"), (1, "frozen")])
def test_a_black_or_frozen_picture_is_told_and_so_is_its_end(started, told, seed, trouble):
    fixed = np.zeros((48, 64, 3), np.uint8) if seed is None else picture(seed)
    minutes = itertools.count(step=30.0)  # half a minute passes with each look at the clock

    def frames() -> Iterator[Frame]:
        for index in range(20):
            yield Frame(fixed, "door", index, None)
        for index in range(10**6):
            yield Frame(picture(index), "door", index, None)

    limits = Limits(patience=Patience(stalled_after_s=1e9), read_stuck_s=1e9, open_stuck_s=1e9)
    started(Scripted(frames), limits, monotonic=minutes.__next__)
    told.until(lambda status: status.picture.trouble == trouble)
    told.until(lambda status: status.picture.trouble is None)


def test_offline_is_announced_when_it_lasts(told, started):
    patience = Patience(0.02, 0.01, 0.02, announce_after_s=0.05)
    limits = Limits(patience=patience, check_every_s=0.01)
    refused = partial(raising, SourceError("no route"))
    started(Scripted(partial(some, [1]), *[refused] * 1000), limits)
    told.until(lambda status: status.availability is Availability.ONLINE)
    told.until(lambda status: status.availability is Availability.OFFLINE)


def test_the_moment_of_capture_comes_with_the_frame(started, tmp_path):
    wall = WallClock(lambda: 1_800_000_000.0, tmp_path / "none")
    source = started(Scripted(partial(some, [3])), FILE, monotonic=lambda: 42.0, wall=wall)
    (captured,) = source.frames()
    assert isinstance(captured, Captured)
    assert captured.monotonic_s == 42.0
    assert captured.wall == datetime.fromtimestamp(1_800_000_000, timezone.utc)
    assert captured.clock_synced


def test_stopping_ends_the_iterator_and_is_told(told, started, release):
    def endless() -> Iterator[Frame]:
        yield frame(0)
        release.wait(PATIENCE_S)

    source = started(Scripted(endless))
    told.until_state("streaming")
    release.set()
    source.stop()
    source.stop()
    assert len(list(source.frames())) <= 1
    status = told.until_state("disabled")
    assert status.availability is Availability.DISABLED


def test_a_source_that_was_never_started_can_be_stopped():
    source = LiveSource("door", Scripted(), LIVE, Surroundings())
    source.stop()
    assert list(source.frames()) == []


def usb(camera: UsbDevice) -> UsbCamera:
    settings = camera_settings(f"v4l2://{BY_ID}")
    return UsbCamera(settings, cast("OpenCapture", camera.open))


def test_a_usb_camera_that_is_plugged_out_and_in_streams_again(told, started):
    camera = UsbDevice([50, 0, 50])
    started(usb(camera))
    told.until_state("streaming")
    told.until_state("lost")
    told.until_state("streaming")
    assert told.statuses[-1].openings == 3
    assert "cannot be opened" in str(told.statuses[-1].error)


def test_a_usb_camera_whose_driver_repeats_old_buffers_is_opened_anew(told, started):
    limits = Limits(patience=SOON, check_every_s=0.01, frozen_after_s=0.1)
    started(usb(UsbDevice([50, 5000], repeats=True)), limits)
    assert "over and over" in str(told.until_state("lost").error)
    told.until_state("streaming")


class Damaging:
    """Two pictures come whole, and two between them damaged."""

    def __init__(self, release: Event) -> None:
        self._release = release

    def frames(self) -> Iterator[Frame | Damaged]:
        yield from (frame(0), Damaged(), Damaged(), frame(1))
        self._release.wait(PATIENCE_S)


def test_damaged_pictures_are_counted_and_told_and_no_frames(told, started, release):
    source = started(Damaging(release))
    status = told.until(lambda status: status.picture.trouble == "damaged")
    assert status.state == "streaming"
    assert "picture damaged" in status_words(status)
    told.until_state("stalled")
    assert (source.status().frames, source.status().picture.damaged) == (2, 2)


class Passing:
    """Yields a frame, then what is not wanted."""

    def __init__(self, demand: Demand, release: Event) -> None:
        self._demand, self._release = demand, release

    def frames(self) -> Iterator[Frame | Passed]:
        yield frame(0)
        while self._demand.came():
            Event().wait(0.001)
        yield from (Passed(), Passed())
        self._release.wait(PATIENCE_S)


def test_pictures_that_nobody_was_about_to_look_at_count_as_frames_that_were_dropped(told, release):
    demand = Demand()
    source = LiveSource(
        "door", Passing(demand, release), LIVE, Surroundings(on_change=told), demand
    )
    source.start()
    try:
        next(source.frames())
        source.next_look(float("inf"))
        told.until_state("stalled")
        status = source.status()
        assert (status.frames, status.dropped) == (3, 2)
    finally:
        release.set()
        source.stop()
