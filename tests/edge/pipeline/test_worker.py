"""The worker with real sources of several pictures, and a gate whose parts are told what to do."""

import threading
from datetime import datetime, timezone
from typing import cast

import numpy as np
import pytest

from edge.config.delivery import BackoffSettings, DeliverySettings, OutboxSettings
from edge.config.effective import CameraSettings
from edge.config.model import GateSettings, Source
from edge.config.schedule import DAYS, Hours
from edge.config.tracks import TrackSettings
from edge.config.uri import parse_uri
from edge.delivery.dispatcher import Dispatcher
from edge.errors import DetectorError
from edge.gate.camera_gate import CameraGate
from edge.gate.observation import Observation, Observers
from edge.gate.outcome import Outcome
from edge.pipeline.forwarding import Forwarding
from edge.pipeline.stream import Stream
from edge.pipeline.worker import MOST_FAILURES, Worker
from edge.samples import Frame
from edge.sources.live import LiveSource
from edge.sources.status import Limits, Surroundings
from engines.errors import BackendError
from engines.pair.pair import EnginePair
from tests.edge.canned import BrightnessPair, CannedDetector, upright_face
from tests.edge.watching import until

PATIENCE_S = 30
TOGETHER = 3


class Pictures:
    """A frame source of pictures with one bright face, or of one that never comes."""

    def __init__(self, name, count, failure=None):
        self.name, self.count, self.failure = name, count, failure

    def frames(self):
        for index in range(self.count):
            yield Frame(np.full((400, 400, 3), 200, np.uint8), self.name, index, index / 10)
        if self.failure is not None:
            raise self.failure


class MoodyDetector:
    """Refuses the frames whose turn it is."""

    def __init__(self, refusing):
        self.refusing = list(refusing)
        self.asked = 0

    def detect(self, pixels):
        self.asked += 1
        if self.refusing and self.refusing.pop(0):
            raise DetectorError("out of sorts")
        return CannedDetector([upright_face()]).detect(pixels)


class Taken:
    """A sink that keeps what it gets."""

    def __init__(self):
        self.keys = []

    def send(self, delivery):
        self.keys.append(delivery.key)

    def idle(self):
        pass

    def close(self):
        pass


class Bench:
    """A worker, its dispatcher, and as many sources as a test likes."""

    def __init__(self, tmp_path):
        self.sink, self.ended = Taken(), threading.Event()
        self.observations, self.pair = [], BrightnessPair()
        outbox = OutboxSettings(path=tmp_path / "outbox.sqlite")
        self.dispatcher = Dispatcher({"kept": self.sink}, outbox, BackoffSettings())
        self.dispatcher.start()
        self.worker = Worker(Forwarding(self.dispatcher, DeliverySettings()), self.ended.set)
        self.worker.together = TOGETHER

    def add(self, name, count, detector=None, **settings):
        source = Source(name=name, uri=parse_uri(f"file:///{name}.mp4"), **settings)
        around = Surroundings(arrived=self.worker.wake)
        live = LiveSource(name, Pictures(name, count), Limits(is_live=False), around)
        pair = cast("EnginePair", self.pair)
        decided = CameraSettings(GateSettings(), TrackSettings(), "best_shot")
        gate = CameraGate(detector or CannedDetector([upright_face()]), pair, decided)
        self.worker.streams[name] = Stream(source, live, gate, self.observations.append)
        live.start()
        return self.worker.streams[name]

    def run(self):
        sources = [stream.source for stream in self.worker.streams.values()]
        until(lambda: all(source.status().frames for source in sources))
        self.worker.start()
        assert self.ended.wait(PATIENCE_S)
        books = {name: stream.close() for name, stream in self.worker.streams.items()}
        self.dispatcher.stop(drain_s=PATIENCE_S)
        return books


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path)
    yield made
    made.worker.stop(PATIENCE_S)
    made.dispatcher.stop()


def test_no_frame_of_a_file_is_lost_and_every_face_is_accounted_for(bench):
    bench.add("one", 9)
    bench.add("two", 30)
    books = bench.run()
    assert [books[name].counts.looked_at for name in ("one", "two")] == [9, 30]
    assert [list(each.imbalances()) for each in books.values()] == [[], []]
    assert [each.counts.forwarded for each in books.values()] == [1, 1]
    assert len(set(bench.sink.keys)) == 2


def test_a_refused_frame_is_counted_and_the_next_one_is_looked_at(bench):
    bench.add("one", 5, MoodyDetector([False, True, False]))
    books = bench.run()["one"]
    assert (books.counts.failed, books.counts.looked_at) == (1, 4)
    assert bench.worker.failure is None
    assert list(books.imbalances()) == []


def test_a_detector_that_refuses_again_and_again_ends_the_worker(bench):
    detector = MoodyDetector([True] * 100)
    bench.add("one", 50, detector)
    bench.run()
    assert isinstance(bench.worker.failure, DetectorError)
    assert detector.asked == MOST_FAILURES


def test_refusals_in_one_source_do_not_stop_another(bench):
    bench.add("bad", 8, MoodyDetector([True] * 8))
    bench.add("good", 8)
    books = bench.run()
    assert books["bad"].counts.failed == 8
    assert books["good"].counts.looked_at == 8


def test_faces_of_several_sources_are_scored_in_one_batch(bench):
    for name in ("one", "two", "three"):
        bench.add(name, 1)
    books = bench.run()
    assert bench.pair.batches == [3]
    assert [each.counts.forwarded for each in books.values()] == [1, 1, 1]


def test_one_batch_holds_the_faces_of_a_few_sources_only(bench):
    for name in ("one", "two", "three", "four"):
        bench.add(name, 1)
    bench.run()
    assert sorted(bench.pair.batches) == [1, TOGETHER]


def test_by_itself_a_source_waits_for_no_other(bench):
    bench.worker.together = 1
    for name in ("one", "two", "three"):
        bench.add(name, 1)
    bench.run()
    assert bench.pair.batches == [1, 1, 1]


def test_a_source_whose_frame_is_refused_does_not_hold_up_the_batch(bench):
    bench.add("bad", 1, MoodyDetector([True]))
    bench.add("good", 1)
    books = bench.run()
    assert (books["bad"].counts.failed, books["good"].counts.forwarded) == (1, 1)


def test_a_refused_batch_is_scored_source_by_source(bench):
    score = bench.pair.assess

    def one_at_a_time(images):
        if len(images) > 1:
            raise BackendError("a batch of this size does not fit")
        return score(images)

    bench.pair.assess = one_at_a_time
    bench.add("one", 1)
    bench.add("two", 1)
    books = bench.run()
    assert [each.counts.unscorable for each in books.values()] == [0, 0]
    assert [each.counts.forwarded for each in books.values()] == [1, 1]


def test_who_looks_on_sees_every_frame_and_what_became_of_it(bench):
    bench.add("one", 3)
    bench.run()
    frames = [each for each in bench.observations if each.captured is not None]
    assert [each.captured.frame.index for each in frames] == [0, 1, 2]
    assert [face.track_id for each in frames for face in each.outcome.seen] == [1, 1, 1]
    assert all(each.captured.frame.pixels.size for each in frames)
    sent = [shot for each in bench.observations for shot in each.outcome.forwarded]
    assert [shot.track_id for shot in sent] == [1]


def test_an_observer_that_fails_is_told_of_once_and_stops_nobody(caplog):
    def failing(observation):
        raise ValueError(observation)

    seen: list[Observation] = []
    observers = Observers((failing, seen.append))
    for _ in range(3):
        observers(Observation("door", None, Outcome()))
    assert len(seen) == 3
    assert [record.message for record in caplog.records] == ["an observer failed; the gate goes on"]


def test_outside_the_schedule_frames_are_counted_and_not_looked_at(bench):
    today = datetime.now(timezone.utc).astimezone().weekday()
    never_today = tuple(day for number, day in enumerate(DAYS) if (number - today) % 7 in (3, 4))
    detector = MoodyDetector([])
    bench.add("one", 6, detector, schedule=(Hours(days=never_today),))
    books = bench.run()["one"]
    assert (books.counts.unscheduled, books.counts.looked_at, detector.asked) == (6, 0, 0)
    assert list(books.imbalances()) == []


def test_what_is_asked_of_the_worker_is_done_by_its_thread(bench):
    bench.worker.start()
    name = bench.worker.call(lambda: threading.current_thread().name).result(PATIENCE_S)
    assert name == "worker"


def test_what_goes_wrong_belongs_to_the_one_who_asked(bench):
    bench.worker.start()
    with pytest.raises(ZeroDivisionError):
        bench.worker.call(lambda: 1 // 0).result(PATIENCE_S)
    assert bench.worker.call(lambda: 3).result(PATIENCE_S) == 3


def test_being_stopped_forwards_what_tracks_have_kept(bench):
    stream = bench.add("one", 3)
    bench.worker.start()
    while bench.worker.call(lambda: stream.counts.looked_at).result(PATIENCE_S) < 1:
        pass
    assert bench.worker.stop(PATIENCE_S)
    assert stream.counts.accepted == 1


def test_what_is_asked_of_a_worker_that_has_ended_is_answered_all_the_same(bench):
    bench.add("one", 3)
    bench.run()
    asked = bench.worker.call(lambda: threading.current_thread().name)
    assert asked.result(0) == threading.current_thread().name


def test_before_each_look_a_source_hears_from_when_on_the_next_picture_is_wanted(
    bench, monkeypatch
):
    stream, told = bench.add("one", 5), []

    def hear(_, due_s):
        told.append((due_s, stream.turn.looked_s))

    monkeypatch.setattr(LiveSource, "next_look", hear)
    bench.run()
    assert len(told) == 5
    assert all(due_s > looked_before_s for due_s, looked_before_s in told)
    assert told[-1][0] == stream.turn.due_s(bench.worker.load)
