"""Disks of a real file system that are full to the last byte, and become free again."""

import random
import sqlite3
from contextlib import ExitStack, suppress

import pytest

from edge.config.delivery import OutboxSettings
from edge.delivery.outbox import Outbox
from edge.delivery.outbox_file import open_intact
from edge.delivery.room import Room
from edge.errors import OutboxError, OutboxFullError
from tests.edge.clocks import Hands
from tests.edge.deliveries import blob, waiting

SIZE = 20_000


@pytest.fixture
def at(small_file_system):
    return OutboxSettings(path=small_file_system / "outbox.sqlite")


@pytest.fixture
def open_outbox(at):
    """Open outboxes that are closed before the file system goes."""
    with ExitStack() as ending:

        def opens(clocks=None, **settings):
            outbox = Outbox(at.model_copy(update=settings), ("http",), clocks)
            ending.callback(outbox.close)
            return outbox

        yield opens


def put_until_full(outbox, first=0):
    """Return the keys of the faces that were kept."""
    kept = []
    with suppress(OutboxFullError):
        for number in range(first, first + 1000):
            outbox.put(blob(number, size=SIZE))
            kept.append(blob(number).key)
    assert len(kept) < 1000
    return kept


def fill(path):
    """Write a foreign file to the last byte of its file system."""
    with suppress(OSError), path.open("ab", buffering=0) as file:
        while file.write(bytes(4096)):
            pass


def books(outbox):
    [row] = outbox.ledger()
    assert row.unexplained == 0
    return row.queued, row.delivered, row.waiting


def test_a_disk_that_faces_have_filled_takes_faces_again_when_they_have_left(open_outbox):
    outbox = open_outbox()
    first = put_until_full(outbox)
    assert [each.key for each in waiting(outbox)] == first
    assert books(outbox) == (len(first), len(first), 0)
    for turn in range(3):
        again = put_until_full(outbox, first=1000 * (turn + 1))
        assert len(again) >= len(first) / 2
        assert [each.key for each in waiting(outbox)] == again
    outbox.close()
    reopened = open_outbox()
    assert books(reopened)[2] == 0


def test_one_face_that_left_a_full_disk_makes_room_for_another(open_outbox):
    outbox = open_outbox()
    put_until_full(outbox)
    for number in range(2000, 2020):
        for _ in range(4):
            queued = outbox.due("http")
            outbox.delivered(queued.face_id, "http")
        for each in range(3):
            assert outbox.put(blob(10 * number + each, size=SIZE)).kept


def test_deliveries_are_recorded_where_others_have_filled_the_disk(at, open_outbox):
    outbox = open_outbox()
    for number in range(5):
        outbox.put(blob(number, size=SIZE))
    fill(at.path.with_name("foreign"))
    assert len(waiting(outbox)) == 5
    with sqlite3.connect(at.path) as other:
        assert other.execute("SELECT count(*) FROM queue").fetchone() == (0,)
    other.close()


def test_failures_and_refusals_are_recorded_on_a_full_disk(at, open_outbox):
    outbox = open_outbox()
    put_until_full(outbox)
    fill(at.path.with_name("foreign"))
    first = outbox.due("http")
    outbox.refuse(first.face_id, "http", "422: no face")
    second = outbox.due("http")
    assert second.face_id != first.face_id
    outbox.postpone(second.face_id, "http", 1000.0)
    assert outbox.due("http").face_id not in (first.face_id, second.face_id)


def test_faces_expire_and_are_purged_on_a_full_disk_however_many(open_outbox):
    hands = Hands()
    outbox = open_outbox(hands.clocks(), ttl=1000.0)
    kept = put_until_full(outbox)
    hands.monotonic += 2000.0
    hands.wall += 2000.0
    assert outbox.due("http") is None
    assert outbox.stock().faces == 0
    again = put_until_full(outbox, first=5000)
    assert len(outbox.purge(0.0, dry_run=False)) == len(again)
    [row] = outbox.ledger()
    assert (row.expired, row.purged, row.waiting) == (len(kept), len(again), 0)


def test_a_full_disk_is_opened_in_the_room_that_was_kept(at, open_outbox):
    outbox = open_outbox()
    outbox.put(blob(1, size=SIZE))
    outbox.close()
    assert Room(at.path).is_held
    fill(at.path.with_name("foreign"))
    reopened = open_outbox()
    assert waiting(reopened) == [blob(1, size=SIZE)]


def test_the_file_of_an_earlier_release_gives_room_back_too(at, open_outbox):
    with sqlite3.connect(at.path) as earlier:
        earlier.execute("PRAGMA journal_mode = WAL")
        earlier.execute("CREATE TABLE a (b)")
        earlier.execute("DROP TABLE a")
    earlier.close()
    outbox = open_outbox()
    outbox.close()
    database = open_intact(at)
    assert database.execute("PRAGMA auto_vacuum").fetchone() == (2,)
    database.close()


@pytest.mark.parametrize("seed", range(4))
def test_whatever_comes_leaves_and_fills_the_disk_each_face_is_accounted_for_and_leaves_once(
    at, open_outbox, seed
):
    chance = random.Random(seed)
    outbox, foreign = open_outbox(), at.path.with_name("foreign")
    kept, left = [], []

    def put():
        face = blob(chance.randrange(10**9), size=chance.randrange(3000, 40_000))
        with suppress(OutboxError):
            outbox.put(face)
            kept.append(face.key)

    def deliver():
        if queued := outbox.due("http"):
            outbox.delivered(queued.face_id, "http")
            left.append(queued.delivery.key)

    def others_come():
        with suppress(OSError), foreign.open("ab") as file:
            file.write(bytes(chance.randrange(200_000)))

    for _ in range(600):
        chance.choice([put, put, deliver, deliver, others_come, lambda: foreign.unlink(True)])()
        if chance.random() < 0.02:
            outbox.close()
            outbox = open_outbox()
    foreign.unlink(missing_ok=True)
    while queued := outbox.due("http"):
        outbox.delivered(queued.face_id, "http")
        left.append(queued.delivery.key)
    assert sorted(left) == sorted(kept)
    assert books(outbox) == (len(kept), len(kept), 0)
    assert outbox.put(blob(1, size=SIZE)).kept
