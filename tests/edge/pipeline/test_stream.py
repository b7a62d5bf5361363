"""One source between its thread and the gate, without either thread."""

import json
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import cast

import numpy as np
import pytest

from edge.config.delivery import DeliverySettings
from edge.config.effective import CameraSettings
from edge.config.model import GateSettings, Source
from edge.config.schedule import DAYS, Hours
from edge.config.tracks import TrackSettings
from edge.config.uri import parse_uri
from edge.delivery.dispatcher import Dispatcher
from edge.delivery.outbox import Placed
from edge.delivery.sender import SenderStatus
from edge.errors import DetectorError, OutboxError
from edge.gate.batch import score_pending
from edge.gate.camera_gate import CameraGate
from edge.gate.observation import Observation
from edge.pipeline.forwarding import Forwarding
from edge.pipeline.ledger import MOST_WAITING
from edge.pipeline.open_networks import Networks
from edge.pipeline.stream import Stream
from edge.samples import Captured, Delivery, Frame, Reason
from edge.sources.live import LiveSource
from engines.errors import BackendError
from engines.pair.pair import EnginePair
from tests.edge.canned import BrightnessPair, CannedDetector, upright_face

NOON = datetime(2026, 5, 4, 12, tzinfo=timezone.utc)
"""A Monday."""
CAMERA = "rtsp://camera/door"
FILE = "file:///walks.mp4"


@dataclass
class Received:
    """What is known of a source whose frames a test hands over itself."""

    frames: int = 0
    dropped: int = 0
    stopped: bool = False

    def status(self):
        return self

    def stop(self):
        self.stopped = True


class Kept:
    """A dispatcher with room for every face, or for none, or on a broken disk."""

    def __init__(self):
        self.deliveries: list[Delivery] = []
        self.room = True
        self.broken = False

    def accept(self, delivery):
        if self.broken:
            raise OutboxError("neither disk nor memory")
        if self.room:
            self.deliveries.append(delivery)
        return Placed(kept=self.room, evicted=0)

    def status(self):
        return [SenderStatus("hub", failures_in_a_row=3, last_error="away"), SenderStatus("faces")]

    @property
    def records(self):
        return [json.loads(delivery.record) for delivery in self.deliveries]


class Refusing:
    """A detector that refuses every frame."""

    def detect(self, pixels):
        raise DetectorError(f"no frame of {pixels.shape}")


class Watched:
    """A stream, and what a test does in the place of its threads."""

    def __init__(self, uri=FILE, detector=None, before=None, **settings):
        self.kept, self.pair = Kept(), BrightnessPair()
        self.seen: list[Observation] = []
        self.forwarding = Forwarding(cast("Dispatcher", self.kept), DeliverySettings())
        self.received = Received()
        self.settings = Source(name="door", uri=parse_uri(uri), **settings)
        self.faces = CameraSettings(GateSettings(), TrackSettings(gap=1), "best_shot")
        self.gate = CameraGate(detector or self.detector(), self.engine_pair(), self.faces)
        source = cast("LiveSource", self.received)
        self.stream = Stream(self.settings, source, self.gate, self.seen.append, before)
        self.now_s = 100.0

    def detector(self):
        return CannedDetector([upright_face()])

    def engine_pair(self):
        return cast("EnginePair", self.pair)

    def frame(self, value=200, time_s=None, source="walks.mp4", wall=NOON):
        """Hand over one frame with a face of a brightness; return whether it was looked at."""
        self.received.frames += 1
        pixels = np.full((400, 400, 3), value, np.uint8)
        frame = Frame(pixels, source, self.received.frames, time_s)
        captured = Captured(frame, self.now_s, wall, clock_synced=True)
        pending = self.stream.begin(captured, self.now_s, self.forwarding)
        if pending is None:
            return False
        (scored,) = score_pending([pending])
        self.stream.conclude(pending, scored, self.forwarding)
        return True

    @property
    def counts(self):
        return self.stream.counts

    def finish(self):
        self.stream.finish(self.forwarding)
        return self.kept.deliveries


def test_the_best_face_of_a_track_is_forwarded_when_it_ends_and_all_are_booked():
    watched = Watched()
    for step, value in enumerate((120, 200, 180)):
        assert watched.frame(value, step * 0.1)
    assert watched.kept.deliveries == []
    assert watched.stream.ledger().held == 1
    assert len(watched.finish()) == 1
    counts = watched.counts
    assert (counts.looked_at, counts.faces, counts.scored) == (3, 3, 3)
    assert counts.discarded == {Reason.NOT_BEST.value: 2}
    assert (counts.forwarded, counts.accepted, counts.evicted, counts.lost) == (1, 1, 0, 0)
    assert list(watched.stream.close().imbalances()) == []


def test_what_the_outbox_does_not_keep_is_booked_as_evicted_and_what_nobody_keeps_as_lost():
    watched = Watched()
    watched.frame(time_s=0.0)
    watched.kept.room = False
    watched.finish()
    watched.frame(250, time_s=0.1)
    watched.kept.broken = True
    watched.finish()
    counts = watched.counts
    assert (counts.forwarded, counts.accepted, counts.evicted, counts.lost) == (2, 0, 1, 1)
    assert list(watched.stream.ledger().imbalances()) == []


def test_the_log_tells_where_each_face_went_and_what_it_waits_for(caplog):
    caplog.set_level(logging.INFO)
    for room, broken in [(True, False), (False, False), (False, True)]:
        watched = Watched()
        watched.kept.room, watched.kept.broken = room, broken
        watched.frame(time_s=0.0)
        watched.finish()
    told = [line.message.split("forwarded to ")[-1] for line in caplog.records if not line.exc_info]
    assert told == [
        "hub (waits: away), faces",
        "nobody: the outbox holds better",
        "nobody: it is lost",
    ]


def test_a_record_tells_of_the_camera_and_a_file_gives_the_same_record_each_time():
    records = []
    for uri in (FILE, FILE, CAMERA, CAMERA):
        watched = Watched(uri)
        watched.frame(time_s=0.0)
        watched.finish()
        records += watched.kept.records
    assert records[0] == records[1]
    assert records[0]["track_id"] is None
    assert [record["camera"] for record in records] == [None, None, "door", "door"]
    assert records[2]["track_id"] != records[3]["track_id"]


def test_outside_the_schedule_a_frame_is_not_looked_at_and_who_was_there_has_left():
    local = NOON.astimezone()
    today, tomorrow = DAYS[local.weekday()], local + timedelta(days=1)
    watched = Watched(schedule=(Hours(days=(today,)),))
    assert watched.frame(time_s=0.0)
    assert not watched.frame(time_s=0.1, wall=tomorrow)
    assert len(watched.kept.deliveries) == 1
    assert (watched.counts.unscheduled, watched.counts.looked_at) == (1, 1)


@pytest.mark.parametrize(
    ("time_s", "source", "sent"),
    [(0.1, "walks.mp4", 0), (0.1, "more.mp4", 1), (-0.1, "walks.mp4", 1)],
    ids=["goes on", "another file", "from the start again"],
)
def test_a_cut_ends_every_track(time_s, source, sent):
    watched = Watched()
    watched.frame(time_s=0.0)
    watched.frame(time_s=time_s, source=source)
    assert len(watched.kept.deliveries) == sent


def test_a_refused_frame_is_counted_and_told():
    watched = Watched(detector=Refusing())
    with pytest.raises(DetectorError):
        watched.frame(time_s=0.0)
    assert (watched.counts.failed, watched.counts.looked_at) == (1, 0)
    assert list(watched.stream.ledger().imbalances()) == []


def test_faces_that_cannot_be_scored_are_discarded_and_their_frame_is_counted():
    watched = Watched()

    def refuse(_):
        raise BackendError("out of memory")

    watched.pair.assess = refuse  # type: ignore[method-assign]
    watched.frame(time_s=0.0)
    assert (watched.counts.unscorable, watched.counts.scored) == (1, 0)
    assert watched.counts.discarded == {Reason.ASSESSMENT_FAILED.value: 1}


def test_dropped_frames_of_a_camera_are_late_only_where_the_gate_came_late():
    watched = Watched(CAMERA, max_fps=10)
    watched.frame()
    watched.received.frames, watched.received.dropped = 5, 4
    watched.now_s += 0.1
    watched.frame()
    assert (watched.counts.replaced, watched.counts.late) == (4, 0)
    watched.received.frames, watched.received.dropped = 9, 7
    watched.now_s += 0.2
    watched.frame()
    assert (watched.counts.replaced, watched.counts.late) == (4, 3)
    assert list(watched.stream.ledger().imbalances()) == []


def test_frames_dropped_since_the_last_look_are_in_the_books():
    watched = Watched(CAMERA)
    watched.frame()
    watched.received.frames, watched.received.dropped = 4, 3
    assert watched.stream.ledger().counts.replaced == 3


def test_tracks_of_a_camera_end_while_no_frames_come_and_those_of_a_file_do_not():
    for uri, sent in ((CAMERA, 1), (FILE, 0)):
        watched = Watched(uri)
        watched.frame(time_s=0.0)
        watched.stream.pass_time(watched.now_s + 0.9, watched.forwarding)
        assert watched.kept.deliveries == []
        watched.stream.pass_time(watched.now_s + 1.1, watched.forwarding)
        assert len(watched.kept.deliveries) == sent


class Local(CannedDetector):
    """Finds where it is asked what it finds in the whole."""

    def detect_near(self, pixels, _box):
        return self.detect(pixels)

    def smallest_sought(self):
        return 40


def test_frames_are_booked_by_where_faces_were_sought_in_them():
    watched = Watched(detector=Local([upright_face()]))
    for step in range(5):
        watched.frame(time_s=step * 0.1)
    assert (watched.counts.looked_at, watched.counts.followed, watched.counts.rested) == (3, 2, 0)
    empty = Watched(detector=Local([]))
    for step in range(5):
        empty.frame(time_s=step * 0.1)
    assert (empty.counts.looked_at, empty.counts.followed, empty.counts.rested) == (1, 0, 4)
    for each in (watched, empty):
        each.finish()
        assert list(each.stream.close().imbalances()) == []


def test_a_frame_in_which_no_face_was_sought_is_shown_to_those_who_look_on():
    watched = Watched(detector=Local([]))
    for step in range(5):
        watched.frame(time_s=step * 0.1)
    assert watched.counts.rested == 4
    assert [seen.captured and seen.captured.frame.index for seen in watched.seen] == [1, 2, 3, 4, 5]
    assert [round(seen.seen_s, 1) for seen in watched.seen] == [0.0, 0.1, 0.2, 0.3, 0.4]


def test_a_frame_that_nobody_looked_at_is_unread_when_the_source_ends():
    watched = Watched()
    watched.frame(time_s=0.0)
    watched.received.frames += 2
    watched.finish()
    ledger = watched.stream.close()
    assert watched.received.stopped
    assert (ledger.counts.unread, ledger.waiting) == (2, 0)


def test_frames_beyond_those_that_may_wait_are_not_explained_away():
    watched = Watched()
    watched.received.frames = MOST_WAITING + 1
    ledger = watched.stream.close()
    assert ledger.counts.unread == MOST_WAITING
    watched.received.frames += MOST_WAITING
    assert "frames went nowhere" in next(watched.stream.ledger().imbalances())


def test_the_books_of_an_earlier_stream_go_on():
    first = Watched()
    first.frame(time_s=0.0)
    first.finish()
    second = Watched(before=first.stream.close())
    second.frame(time_s=0.0)
    second.finish()
    ledger = second.stream.close()
    assert (ledger.frames, ledger.counts.looked_at, ledger.counts.forwarded) == (2, 2, 2)
    assert list(ledger.imbalances()) == []


def test_retuning_forwards_what_was_kept_and_looks_as_often_as_is_asked_from_now_on():
    watched = Watched(CAMERA, max_fps=10)
    watched.frame(time_s=0.0)
    settings = watched.settings.model_copy(update={"max_fps": 2.0})
    strict = CameraSettings(GateSettings(shift_at_most=0), watched.faces.tracks, "best_shot")
    networks = Networks(watched.detector(), watched.engine_pair())
    watched.stream.retune(settings, networks, strict, watched.forwarding)
    assert len(watched.kept.deliveries) == 1
    assert (watched.stream.turn.interval_s, watched.stream.settings) == (0.5, settings)
    watched.frame(time_s=0.0)
    assert watched.counts.discarded[Reason.LOW_QUALITY.value] == 1


def test_a_file_is_looked_at_without_a_pause():
    assert Watched(FILE, max_fps=10).stream.turn.interval_s == 0
    assert Watched(CAMERA, max_fps=10).stream.turn.interval_s == 0.1


def test_who_looks_on_is_shown_each_frame_and_the_end_of_tracks():
    watched = Watched()
    for step in range(2):
        watched.frame(time_s=step * 0.5)
    watched.finish()
    seen = watched.seen
    assert [one.camera for one in seen] == ["door"] * 3
    assert [one.captured is None for one in seen] == [False, False, True]
    assert [one.seen_s for one in seen] == [0.0, 0.5, 0.5]
    assert [len(one.outcome.forwarded) for one in seen] == [0, 0, 1]
    assert len({one.run for one in seen}) == 1
    assert len({one.run for one in (*seen, *_of_another_run())}) == 2


def _of_another_run():
    other = Watched()
    other.finish()
    return other.seen
