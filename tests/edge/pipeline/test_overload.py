"""
The worker with cameras that ask for more than it can do, by a clock that a detector moves on.

No time is measured: a look takes as long as the test says.
"""

from dataclasses import dataclass, field
from datetime import datetime, timezone
from itertools import accumulate
from typing import cast

import numpy as np
import pytest

from edge.config.delivery import DeliverySettings
from edge.config.effective import CameraSettings
from edge.config.model import GateSettings, Source
from edge.config.tracks import TrackSettings
from edge.config.uri import parse_uri
from edge.gate.camera_gate import CameraGate
from edge.pipeline.forwarding import Forwarding
from edge.pipeline.pace import OLDEST, seconds_until_due
from edge.pipeline.stream import Stream
from edge.pipeline.worker import Worker
from edge.samples import Captured, Frame
from edge.sources.decoding.demand import EARLY
from edge.sources.live import LiveSource
from engines.pair.pair import EnginePair
from tests.edge.canned import BrightnessPair

RATE = 10.0
OVERLOAD = 2.5
LASTS_S = 60.0
SETTLED_S = 10.0
PIXELS = np.zeros((8, 8, 3), np.uint8)
NOW = datetime(2026, 5, 4, 12, tzinfo=timezone.utc)


@dataclass
class Clock:
    """Moved on by looks, and by waiting."""

    now_s: float = 0.0

    def monotonic(self):
        return self.now_s


@dataclass
class Camera:
    """A live source whose frames come at times known beforehand."""

    clock: Clock
    times_s: np.ndarray
    ended: bool = False
    taken: int = 0
    """Frames up to the newest one that was taken."""
    dropped: int = 0
    looked_s: list[float] = field(default_factory=list)

    @property
    def frames(self):
        return int(np.searchsorted(self.times_s, self.clock.now_s, "right"))

    def status(self):
        return self

    def take(self, is_wanted=lambda _: True):
        come = self.frames
        if come == self.taken:
            return None
        captured_s = float(self.times_s[come - 1])
        captured = Captured(Frame(PIXELS, "camera", come, captured_s), captured_s, NOW, True)
        if not is_wanted(captured):
            return None
        self.dropped += come - self.taken - 1
        self.taken = come
        self.looked_s.append(self.clock.now_s)
        return captured

    def next_look(self, due_s):
        """Take note of nothing."""

    def next_frame_s(self):
        return float(self.times_s[self.frames])


@dataclass
class SparingCamera(Camera):
    """The same of which only those pictures are made that are wanted when they come."""

    late_s: float = 0.0
    """The longest time from a picture to its frame in the gate's hands."""
    due_s: float = -np.inf
    come: int = 0
    made: list[tuple[float, int]] = field(default_factory=list)
    """Frames that are still to come or to be taken: when they are there, and their number."""

    def next_look(self, due_s):
        self.make()
        self.due_s = due_s

    def make(self):
        """Make what was wanted of what came until now."""
        come, rng = self.frames, np.random.default_rng(self.come)
        first_s = self.due_s - EARLY * float(np.diff(self.times_s[:2])[0])
        for number in range(self.come, come):
            if self.times_s[number] >= first_s:
                there_s = self.times_s[number] + rng.uniform(0, self.late_s)
                before_s = self.made[-1][0] if self.made else 0.0
                self.made.append((max(there_s, before_s), number))
        self.come = come

    def take(self, is_wanted=lambda _: True):
        self.make()
        there = [one for one in self.made if one[0] <= self.clock.now_s]
        self.made = self.made[max(0, len(there) - 1) :]
        if not there:
            return None
        captured_s, number = there[-1]
        captured = Captured(Frame(PIXELS, "camera", number, captured_s), captured_s, NOW, True)
        if not is_wanted(captured):
            return None
        self.made = self.made[1:]
        self.looked_s.append(self.clock.now_s)
        return captured

    def next_frame_s(self):
        later = (there_s for there_s, _ in self.made if there_s > self.clock.now_s)
        return min(super().next_frame_s(), next(later, np.inf))


@dataclass(frozen=True)
class Come:
    """How pictures come."""

    frames_each: float = 1.0
    """Pictures for each look that is asked for."""
    jitter: float = 0.0
    """Of the time between two pictures."""
    late: float | None = None
    """Of the time between two looks; None where each picture is there at once."""

    def camera(self, clock, rate, rng):
        fps = rate * self.frames_each
        count = int((LASTS_S + 60) * fps)
        times_s = (np.arange(count) + rng.uniform()) / fps
        late_s = rng.uniform(0, self.jitter / fps, count)
        times_s = np.fromiter(accumulate(times_s + late_s, max), float)
        if self.late is None:
            return Camera(clock, times_s)
        return SparingCamera(clock, times_s, late_s=self.late / rate)


@dataclass
class Detector:
    """Sees nobody, and takes its time: one search of several; the others take a tenth."""

    clock: Clock
    cost_s: float
    one_of: int = 1
    searches: int = 0

    def detect(self, _pixels):
        self.clock.now_s += self.cost_s if self.searches % self.one_of == 0 else self.cost_s / 10
        self.searches += 1
        return ()


class Scene:
    """Cameras, and the worker that looks at them."""

    def __init__(self, cost_s, rates, one_of=1, **come):
        self.clock = Clock()
        self.worker = Worker(
            Forwarding(cast("object", None), DeliverySettings()),  # type: ignore[arg-type]
            lambda: None,
            self.clock.monotonic,
        )
        self.detector, rng = Detector(self.clock, cost_s, one_of), np.random.default_rng(3)
        for number, rate in enumerate(rates):
            camera = cast("LiveSource", Come(**come).camera(self.clock, rate, rng))
            self.add(f"camera-{number}", rate, camera)

    def add(self, name, rate, camera):
        settings = Source(name=name, uri=parse_uri("rtsp://camera/"), max_fps=rate)
        decided = CameraSettings(GateSettings(), TrackSettings(search="every"), "best_shot")
        pair = cast("EnginePair", BrightnessPair())
        gate = CameraGate(self.detector, pair, decided)
        self.worker.streams[name] = Stream(settings, camera, gate, lambda _: None)

    def run(self, until_s):
        while self.clock.now_s < until_s:
            if not self.worker.look(self.clock.now_s):
                self.wait()

    def wait(self):
        streams = self.worker.streams.values()
        turns = [stream.turn for stream in streams]
        due_s = seconds_until_due(turns, self.worker.load, self.clock.now_s)
        news = [cast("Camera", stream.source).next_frame_s() for stream in streams]
        self.clock.now_s = min([*news, *([] if due_s is None else [self.clock.now_s + due_s])])

    def ages(self):
        """Return p99 of each camera's age of frames, in its frame intervals."""
        found = []
        for stream in self.worker.streams.values():
            ages = stream.latency.percentiles_ms()
            assert ages is not None
            found.append(ages[-1] / 1000 * stream.settings.max_fps)
        return found

    def looks(self, since_s=SETTLED_S):
        return [
            sum(looked_s > since_s for looked_s in cast("Camera", stream.source).looked_s)
            for stream in self.worker.streams.values()
        ]


def overloaded(cameras, rate=RATE, **how):
    """Return what became of cameras that ask for 2.5 times what there is time for."""
    scene = Scene(OVERLOAD / cameras / rate, [rate] * cameras, **how)
    scene.run(LASTS_S)
    return scene


@pytest.mark.parametrize("cameras", [2, 3, 8])
@pytest.mark.parametrize("how", [{}, {"frames_each": 2.5}, {"jitter": 0.3}])
def test_under_overload_no_more_than_one_frame_of_a_hundred_is_older_than_two_intervals(
    cameras, how
):
    assert max(overloaded(cameras, **how).ages()) <= OLDEST


@pytest.mark.parametrize(("cameras", "one_of"), [(8, 2), (8, 4), (16, 4), (16, 7)])
def test_so_it_is_when_few_looks_take_much_longer_than_the_others(cameras, one_of):
    cost_s = OVERLOAD / cameras / RATE / ((one_of + 9) / one_of / 10)
    scene = Scene(cost_s, [RATE] * cameras, one_of=one_of)
    scene.run(LASTS_S)
    assert max(scene.ages()) <= OLDEST


@pytest.mark.parametrize("late", [0.0, 0.5, 1.5])
def test_so_it_is_where_only_pictures_before_a_look_are_made_and_some_of_them_come_late(late):
    scene = overloaded(4, frames_each=1.2, late=late)
    assert max(scene.ages()) <= OLDEST
    looks = scene.looks()
    assert max(looks) - min(looks) <= 0.02 * max(looks) + 1
    assert sum(looks) * scene.detector.cost_s > 0.7 * (LASTS_S - SETTLED_S)


@pytest.mark.parametrize("rate", [1.0, 30.0])
def test_so_it_is_for_cameras_that_are_looked_at_seldom_and_often(rate):
    scene = overloaded(4, rate=rate)
    assert max(scene.ages()) <= OLDEST
    assert scene.worker.load.is_over


@pytest.mark.parametrize("cameras", [2, 3, 8])
def test_under_overload_every_camera_is_looked_at_as_often(cameras):
    looks = overloaded(cameras, frames_each=1.7).looks()
    assert max(looks) - min(looks) <= 0.02 * max(looks) + 1


def test_cameras_of_different_rates_give_up_the_same_share():
    rates = [20.0, 10.0, 5.0, 1.0]
    scene = Scene(OVERLOAD / sum(rates), rates, frames_each=3)
    scene.run(LASTS_S)
    shares = np.array(scene.looks()) / np.array(rates)
    assert shares.min() > 0.85 * shares.max()


@pytest.mark.parametrize("cameras", [1, 2, 4])
def test_under_overload_the_time_there_is_goes_into_looks(cameras):
    scene = overloaded(cameras)
    spent_s = sum(scene.looks()) * scene.detector.cost_s
    assert spent_s > 0.8 * (LASTS_S - SETTLED_S)
    assert scene.worker.load.stretch == pytest.approx(OVERLOAD / 0.9, rel=0.12)


def test_a_look_of_more_than_half_a_second_alone_is_no_overload():
    scene = Scene(cost_s=0.7, rates=[1.0])
    scene.run(LASTS_S)
    assert not scene.worker.load.is_over
    assert scene.looks()[0] == pytest.approx(LASTS_S - SETTLED_S, abs=2)


def test_when_cameras_fall_silent_the_overload_is_over(caplog):
    caplog.set_level("INFO")
    scene = overloaded(4)
    for name in list(scene.worker.streams)[1:]:
        del scene.worker.streams[name]
    scene.run(LASTS_S + 20)
    assert not scene.worker.load.is_over
    told = [record.message.partition(":")[0] for record in caplog.records]
    assert told == ["overloaded", "no longer overloaded"]


def test_the_last_frame_of_a_camera_that_stalls_is_looked_at_all_the_same():
    scene = overloaded(2)
    stalled, other = (cast("Camera", each.source) for each in scene.worker.streams.values())
    last_s = scene.clock.now_s + 5
    stalled.times_s = np.append(stalled.times_s[stalled.times_s < last_s], np.inf)
    scene.run(last_s + 5)
    assert stalled.taken == stalled.frames == len(stalled.times_s) - 1
    assert other.looked_s[-1] > last_s + 4
