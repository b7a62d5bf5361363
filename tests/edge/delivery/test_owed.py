import os
import shutil
import signal
import subprocess
import sys
from contextlib import closing

import pytest

from edge.config.delivery import OutboxSettings
from edge.delivery import owed
from edge.delivery.face_database import IN_MEMORY
from edge.delivery.missing_faces import note_lacking
from edge.delivery.outbox import Outbox
from edge.delivery.outbox_file import open_intact
from edge.errors import OutboxFullError
from tests.edge.deliveries import blob, waiting
from tests.edge.running_gate import ROOT

SINKS = ("http", "mqtt")
WHOLE = 4096 + 4 * owed.SLOTS


@pytest.fixture
def at(tmp_path):
    return OutboxSettings(path=tmp_path / "outbox.sqlite")


@pytest.fixture
def open_outbox(at):
    opened = []

    def opens(sinks=SINKS):
        opened.append(Outbox(at, sinks))
        return opened[-1]

    yield opens
    for outbox in opened:
        outbox.close()


def deliver(outbox, sink, faces):
    for _ in range(faces):
        outbox.delivered(outbox.due(sink).face_id, sink)


def without_log(at):
    """Cut the whole write-ahead log off, as a power loss may."""
    at.path.with_name("outbox.sqlite-wal").write_bytes(b"")


def crashed(at, tmp_path, outbox):
    """Return the parts of an open outbox as a crash leaves them, in a folder of their own."""
    folder = tmp_path / "after"
    folder.mkdir()
    for part in at.path.parent.glob("outbox.sqlite*"):
        shutil.copy(part, folder)
    outbox.close()
    return at.model_copy(update={"path": folder / "outbox.sqlite"})


def put_until_full(outbox):
    for number in range(1000):
        outbox.put(blob(number, size=20_000))


def books(outbox):
    rows = {row.sink: row for row in outbox.ledger()}
    assert [row.unexplained for row in rows.values()] == [0] * len(rows)
    return {sink: (row.queued, row.waiting, row.lost) for sink, row in rows.items()}


def test_of_the_faces_that_a_cut_took_only_those_still_owed_are_lost(at, tmp_path, open_outbox):
    outbox = open_outbox()
    for number in range(2):
        outbox.put(blob(number))
    outbox.purge(1e9, dry_run=False)  # brings both from the log into the file
    for number in range(2, 6):
        outbox.put(blob(number))
    deliver(outbox, "http", 5)
    after = crashed(at, tmp_path, outbox)
    without_log(after)
    again = Outbox(after, SINKS)
    assert books(again) == {"http": (3, 2, 1), "mqtt": (6, 2, 4)}
    assert again.put(blob(9)).kept
    again.close()
    settled = Outbox(after, SINKS)  # what was booked once is not booked again
    assert books(settled) == {"http": (4, 3, 1), "mqtt": (7, 3, 4)}
    settled.close()


def test_nothing_is_lost_by_a_crash_that_leaves_the_log(at, tmp_path, open_outbox, caplog):
    outbox = open_outbox()
    for number in range(6):
        outbox.put(blob(number))
    deliver(outbox, "http", 3)
    after = Outbox(crashed(at, tmp_path, outbox), SINKS)
    assert books(after) == {"http": (6, 3, 0), "mqtt": (6, 6, 0)}
    assert "lost" not in caplog.text
    after.close()


def test_a_face_that_was_not_kept_after_all_is_not_missed(small_file_system):
    at = OutboxSettings(path=small_file_system / "outbox.sqlite")
    outbox = Outbox(at, SINKS)
    with pytest.raises(OutboxFullError):
        put_until_full(outbox)
    kept = books(outbox)["http"][1]
    outbox.close()
    at.path.unlink()
    after = Outbox(at, SINKS)
    assert books(after) == {"http": (kept, 0, kept), "mqtt": (kept, 0, kept)}
    after.close()


def test_a_full_disk_without_room_for_the_file_can_be_emptied(small_file_system, caplog):
    at = OutboxSettings(path=small_file_system / "outbox.sqlite")
    outbox = Outbox(at, SINKS)
    outbox.put(blob(1))
    outbox.close()
    at.path.with_name("outbox.sqlite-owed").unlink()
    ballast = small_file_system / "ballast"
    with pytest.raises(OSError, match="No space left"):
        ballast.write_bytes(b"\0" * 2**20)
    os.truncate(ballast, ballast.stat().st_size - 65536)  # sqlite itself needs half of that
    outbox = Outbox(at, SINKS)
    assert waiting(outbox, "http") == [blob(1)]
    assert "would not be noticed" in caplog.text
    outbox.close()
    ballast.unlink()
    settled = Outbox(at, SINKS)
    assert books(settled) == {"http": (1, 0, 0), "mqtt": (1, 1, 0)}
    settled.close()


def test_an_outbox_deleted_between_two_runs_says_how_many_faces_it_held(open_outbox, at, caplog):
    outbox = open_outbox()
    for number in range(3):
        outbox.put(blob(number))
    waiting(outbox, "mqtt")
    deliver(outbox, "http", 1)
    outbox.close()
    at.path.unlink()
    assert books(open_outbox(("mqtt", "third", "http"))) == {"http": (2, 0, 2)}
    assert "2 faces lost, accepted" in caplog.text


def test_more_faces_than_there_are_places_are_followed_in_turns(monkeypatch, open_outbox, at):
    monkeypatch.setattr(owed, "SLOTS", 8)
    outbox = open_outbox()
    for number in range(20):
        outbox.put(blob(number))
    deliver(outbox, "http", 15)
    outbox.close()
    at.path.unlink()
    assert books(open_outbox()) == {"http": (5, 0, 5), "mqtt": (8, 0, 8)}


@pytest.mark.parametrize(
    "content",
    [b"", owed.MAGIC, b"\0" * WHOLE, owed.MAGIC.ljust(WHOLE, b"\xff"), owed.MAGIC + b"\1" * 16],
)
def test_a_file_of_another_form_is_begun_anew(open_outbox, at, content, caplog):
    outbox = open_outbox()
    outbox.put(blob(1))
    outbox.close()
    at.path.with_name("outbox.sqlite-owed").write_bytes(content)
    assert books(open_outbox()) == {"http": (1, 1, 0), "mqtt": (1, 1, 0)}
    assert "lost" not in caplog.text


def test_a_flipped_bit_in_the_number_of_the_newest_face_counts_for_nothing(open_outbox, at):
    outbox = open_outbox()
    outbox.put(blob(1))
    outbox.close()
    file = at.path.with_name("outbox.sqlite-owed")
    content = bytearray(file.read_bytes())
    content[15] ^= 0x40
    file.write_bytes(content)
    assert books(open_outbox()) == {"http": (1, 1, 0), "mqtt": (1, 1, 0)}


MANY = tuple(f"{'sink' * 7}-{number:03d}" for number in range(32))
"""Sinks, with the longest names."""
EVENTS = ("queued", "delivered", "evicted", "expired", "purged", "lost")


def noted(at, counted, sinks=MANY):
    with closing(owed.Owed(at.path, sinks)) as file:
        file.lack(counted)


def test_what_the_books_lack_of_all_sinks_is_read_again(at):
    counted = [(sink, event, 2**40 + n) for n, sink in enumerate(MANY) for event in EVENTS]
    noted(at, counted)
    assert owed.note_beside(at.path).counted == tuple(counted)
    noted(at, [])
    assert owed.note_beside(at.path).counted == ()


@pytest.mark.parametrize(
    "place", [0, 9, 26, 2048, 2058], ids=["magic", "newest", "names", "size", "note"]
)
def test_a_damaged_note_of_what_the_books_lack_counts_for_nothing(at, place):
    noted(at, [("http", "lost", 3)], SINKS)
    beside = at.path.with_name("outbox.sqlite-owed")
    content = bytearray(beside.read_bytes())
    content[place] ^= 1
    beside.write_bytes(content)
    assert owed.note_beside(at.path).counted == ()
    outbox = Outbox(at, SINKS)
    assert outbox.ledger() == []
    outbox.close()


LOST = [("http", "queued", 3), ("http", "lost", 3)]


def test_a_note_that_tells_its_number_no_more_is_booked_all_the_same(at):
    noted(at, LOST, SINKS)
    beside = at.path.with_name("outbox.sqlite-owed")
    content = bytearray(beside.read_bytes())
    content[2048 + 8 + 20] ^= 1
    beside.write_bytes(content)
    with closing(Outbox(at, SINKS)) as outbox:
        assert books(outbox) == {"http": (3, 0, 3)}


KILLED = """
import os, signal, sys
from pathlib import Path
from edge.config.delivery import OutboxSettings
from edge.delivery import owed
from edge.delivery.outbox import Outbox

owed.Owed.lack = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
Outbox(OutboxSettings(path=Path(sys.argv[1])), ("http", "mqtt"))
"""


def killed_before_the_note_is_cleared(at):
    done = subprocess.run([sys.executable, "-c", KILLED, str(at.path)], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL


def test_what_a_process_books_that_is_killed_before_it_clears_the_note_is_booked_once(at):
    noted(at, LOST, SINKS)
    killed_before_the_note_is_cleared(at)
    with closing(Outbox(at, SINKS, opened=open_intact)) as looked_into:
        assert books(looked_into) == {"http": (3, 0, 3)}
    for _ in range(2):
        with closing(Outbox(at, SINKS)) as outbox:
            assert books(outbox) == {"http": (3, 0, 3)}


def test_what_is_noted_after_such_a_kill_is_all_that_is_booked(at):
    """The processes after it cannot open the outbox, and do not know whether it is booked."""
    noted(at, LOST, SINKS)
    killed_before_the_note_is_cleared(at)
    for sink in SINKS:
        note_lacking(at.path, SINKS, [(sink, "queued", 2), (sink, "lost", 2)])
    killed_before_the_note_is_cleared(at)
    note_lacking(at.path, SINKS, LOST)
    for _ in range(2):
        with closing(Outbox(at, SINKS)) as outbox:
            assert books(outbox) == {"http": (8, 0, 8), "mqtt": (2, 0, 2)}


def test_what_an_outbox_in_memory_lacks_is_noted_in_no_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    note_lacking(IN_MEMORY, SINKS, LOST)
    assert list(tmp_path.iterdir()) == []


def test_a_note_like_one_before_is_another_loss(at):
    for times in (1, 2):
        noted(at, LOST, SINKS)
        with closing(Outbox(at, SINKS)) as outbox:
            assert books(outbox) == {"http": (3 * times, 0, 3 * times)}


def test_a_file_of_the_release_before_lacks_nothing(at):
    with closing(owed.Owed(at.path, SINKS)) as file:
        file.begin(3, [(3, "http")])
        assert file.note.counted == ()
    assert owed.note_beside(at.path).counted == ()
