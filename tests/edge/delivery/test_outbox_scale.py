"""What a full outbox costs, counted in instructions of sqlite's machine: no clock is asked."""

from functools import partial

import pytest

from edge.config.delivery import OutboxSettings
from edge.delivery.outbox import EXPIRE_EVERY_S, Outbox
from edge.delivery.outbox_file import open_file
from tests.edge.clocks import Hands
from tests.edge.deliveries import blob

FEW, MANY = 20, 500
SIZE = 100
GROWS_LITTLE = 1.5
"""A search in 25 times as many rows is a few steps longer, and no more."""


class CountedOutbox:
    """An outbox of faces that wait for two sinks; counts what sqlite does."""

    def __init__(self, path, faces):
        self._steps = 0
        self.hands = Hands()
        settings = OutboxSettings(path=path, quota=SIZE * faces + SIZE // 2)
        self.outbox = Outbox(settings, ("http", "folder"), self.hands.clocks(), self._opened)
        for number in range(faces):
            self.outbox.put(blob(number, SIZE, quality=0.5 + number / 10_000))
        self.next = blob(faces, SIZE, quality=0.9)

    def _opened(self, settings):
        database = open_file(settings)
        database.set_progress_handler(self._step, 1)
        return database

    def _step(self):
        self._steps += 1

    def steps(self, function):
        before = self._steps
        function()
        return self._steps - before


def due(counted, sink="http"):
    queued = counted.outbox.due(sink)
    assert queued is not None
    return queued.face_id


def deliver(counted):
    counted.outbox.delivered(due(counted), "http")


def look_for_what_expires(counted):
    counted.hands.monotonic += EXPIRE_EVERY_S + 1
    counted.hands.wall += EXPIRE_EVERY_S + 1
    counted.outbox.due("http")


def put_into_a_full_one(counted):
    assert counted.outbox.put(counted.next).evicted == 1


def ask_whether_anything_waits(counted):
    assert counted.outbox.waits_for("http")


@pytest.mark.parametrize(
    "work", [deliver, look_for_what_expires, put_into_a_full_one, ask_whether_anything_waits]
)
def test_work_on_one_face_costs_as_much_among_many(tmp_path, work):
    few, many = (
        counted.steps(partial(work, counted))
        for counted in (CountedOutbox(tmp_path / str(faces), faces) for faces in (FEW, MANY))
    )
    assert many <= GROWS_LITTLE * few


def test_nothing_waits_for_a_sink_that_has_everything_or_refused_it(tmp_path):
    counted = CountedOutbox(tmp_path / "outbox", 2)
    for _ in range(2):
        deliver(counted)
    assert not counted.outbox.waits_for("http")
    counted.outbox.refuse(due(counted, "folder"), "folder", "no")
    assert counted.outbox.waits_for("folder")
    counted.outbox.refuse(due(counted, "folder"), "folder", "no")
    assert not counted.outbox.waits_for("folder")
