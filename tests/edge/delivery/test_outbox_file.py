import logging
import sqlite3
import subprocess
import sys

import pytest

from edge.config.delivery import OutboxSettings
from edge.delivery import outbox_ledger as books
from edge.delivery import outbox_tables as tables
from edge.delivery.outbox import Outbox
from edge.delivery.outbox_file import MIGRATIONS, open_file, open_intact
from edge.errors import OutboxError, OutboxFullError
from engines.amounts import amount
from tests.edge.deliveries import blob, waiting


@pytest.fixture
def at(tmp_path):
    return OutboxSettings(path=tmp_path / "outbox.sqlite")


def filled(at, faces=3):
    outbox = Outbox(at, ("http",))
    for number in range(faces):
        outbox.put(blob(number, size=5000))
    outbox.close()
    return at.path.read_bytes()


def reopened(at):
    outbox = Outbox(at, ("http",))
    row = next(iter(outbox.ledger()), None)
    outbox.put(blob(99))
    outbox.close()
    return row


def flip_a_bit(path, of, mask):
    """Flip bits in the first byte of a text that stands once in a file."""
    content = bytearray(path.read_bytes())
    assert content.count(of) >= 1
    content[content.index(of)] ^= mask
    path.write_bytes(content)


def put_until_full(outbox):
    for number in range(1000):
        outbox.put(blob(number, size=20_000))


@pytest.mark.parametrize("damage", ["overwritten", "cut", "torn header", "text"])
def test_a_corrupt_file_is_set_aside_and_the_gate_goes_on(at, damage, caplog):
    good = filled(at)
    middle = len(good) // 2
    broken = {
        "overwritten": good[:4096] + b"\xa5" * (len(good) - 4096),
        "cut": good[:middle],
        "torn header": b"\0" * 50 + good[50:],
        "text": b"quality: 80\n" * 100,
    }[damage]
    at.path.write_bytes(broken)
    with caplog.at_level(logging.ERROR, "edge.delivery"):
        row = reopened(at)
    assert (row.queued, row.lost, row.waiting) == (3, 3, 0)
    assert "3 faces lost, accepted" in caplog.text
    assert at.path.with_name("outbox.sqlite.corrupt-1").read_bytes() == broken
    assert "set aside as" in caplog.text
    assert ".recover" in caplog.text


@pytest.mark.parametrize("opens", [open_file, open_intact, lambda at: Outbox(at, ("http",))])
def test_a_text_that_never_was_an_outbox_is_left_alone(at, opens):
    for _ in range(2):  # what a first attempt leaves behind makes it none
        at.path.write_text("quality: 80\n" * 100)
        with pytest.raises(OutboxError, match="never was an outbox: name"):
            opens(at)
        assert at.path.read_text() == "quality: 80\n" * 100
    assert list(at.path.parent.glob("*.corrupt-*")) == []


def test_a_second_corrupt_file_does_not_replace_the_first(at):
    filled(at)
    for _ in range(2):
        at.path.write_bytes(b"no database at all" * 100)
        reopened(at)
    aside = sorted(path.name for path in at.path.parent.glob("*.corrupt-*"))
    assert aside == ["outbox.sqlite.corrupt-1", "outbox.sqlite.corrupt-2"]


def test_a_log_cut_by_a_power_loss_loses_only_its_tail_and_says_how_much(at, caplog):
    """The write-ahead log is copied away while open, and its second half overwritten."""
    outbox = Outbox(at, ("http",))
    for number in range(20):
        outbox.put(blob(number, size=5000))
    log = at.path.with_name("outbox.sqlite-wal")
    base, tail = at.path.read_bytes(), log.read_bytes()
    outbox.close()
    at.path.write_bytes(base)
    log.write_bytes(tail[: len(tail) // 2] + b"\xff" * (len(tail) // 2))
    row = reopened(at)
    assert 0 < row.waiting < 20
    assert (row.queued, row.waiting + row.lost, row.unexplained) == (20, 20, 0)
    assert f"{amount(row.lost, 'face')} lost, accepted and not yet delivered" in caplog.text


def test_a_database_of_another_program_is_left_alone(at):
    with sqlite3.connect(at.path) as other:
        other.execute("CREATE TABLE recipes (name TEXT)")
    other.close()
    before = at.path.read_bytes()
    with pytest.raises(OutboxError, match="another program"):
        open_file(at)
    assert at.path.read_bytes() == before


def test_a_file_of_a_newer_release_is_refused_and_left_alone(at):
    open_file(at, (*MIGRATIONS, "CREATE TABLE of_tomorrow (name TEXT);")).close()
    before = at.path.read_bytes()
    with pytest.raises(OutboxError, match=r"schema version 4, this release knows 3"):
        open_file(at)
    assert at.path.read_bytes() == before


def test_faces_survive_a_migration(at):
    filled(at)
    script = "ALTER TABLE faces ADD COLUMN track TEXT;\nUPDATE faces SET track = key;\n"
    database = open_file(at, (*MIGRATIONS, script))
    assert database.execute("PRAGMA user_version").fetchone() == (4,)
    rows = database.execute("SELECT count(*) FROM faces WHERE track = key").fetchone()
    database.close()
    assert rows == (3,)


def test_a_migration_that_fails_half_way_changes_nothing(at):
    filled(at)
    with pytest.raises(OutboxError, match="no such table"):
        open_file(at, (*MIGRATIONS, "DELETE FROM faces;\nDELETE FROM tables_of_nobody;\n"))
    assert reopened(at).waiting == 3


def test_a_folder_that_cannot_be_made_is_an_error_with_the_next_step(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutboxError, match="check the folder"):
        open_file(OutboxSettings(path=tmp_path / "file" / "outbox.sqlite"))


def test_a_full_file_system_refuses_new_faces_and_keeps_the_old(small_file_system):
    outbox = Outbox(OutboxSettings(path=small_file_system / "outbox.sqlite"), ("http",))
    with pytest.raises(OutboxFullError, match="make room"):
        put_until_full(outbox)
    [row] = outbox.ledger()
    assert row.waiting > 5
    assert (row.queued, row.unexplained) == (row.waiting, 0)
    outbox.close()


def test_faces_still_leave_a_full_file_system_and_each_leaves_once(small_file_system):
    outbox = Outbox(OutboxSettings(path=small_file_system / "outbox.sqlite"), ("http",))
    for number in range(5):
        outbox.put(blob(number, size=20_000))
    ballast = small_file_system / "ballast"
    with pytest.raises(OSError, match="No space left"):
        ballast.write_bytes(b"\0" * 2**20)
    left = [blob(number, size=20_000) for number in range(5)]
    assert waiting(outbox) == left
    ballast.unlink()
    outbox.close()
    outbox = Outbox(OutboxSettings(path=small_file_system / "outbox.sqlite"), ("http",))
    [row] = outbox.ledger()
    outbox.close()
    assert (row.delivered, row.waiting) == (5, 0)


def test_another_process_may_purge_while_this_one_delivers(at):
    outbox = Outbox(at, ("http",))
    outbox.put(blob(1))
    [face_id] = [face.face_id for face in outbox.purge(0.0, dry_run=True)]
    purge = (
        "import sys; from pathlib import Path; from edge.delivery.outbox import Outbox;"
        "from edge.config.delivery import OutboxSettings;"
        "Outbox(OutboxSettings(path=Path(sys.argv[1])), ()).purge(0.0, dry_run=False)"
    )
    subprocess.run([sys.executable, "-c", purge, at.path], check=True)
    outbox.delivered(face_id, "http")
    [row] = outbox.ledger()
    outbox.close()
    assert (row.purged, row.delivered, row.unexplained) == (1, 0, 0)


@pytest.mark.parametrize(
    ("query", "values"),
    [
        (tables.DEAD_IN_EVERY_QUEUE, ()),
        (tables.OF_LOWER_QUALITY, (0.5,)),
        (tables.DUE, ("http", 0.0)),
        (tables.ACCEPTED_BEFORE, (0.0,)),
        (tables.WAITING, ("http",)),
        (books.WAITING_NOW, ()),
        (books.DEAD_NOW, ()),
    ],
)
def test_no_query_reads_through_all_faces(at, query, values):
    database = open_file(at)
    plan = [row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {query}", values)]
    database.close()
    assert not [step for step in plan if step in ("SCAN f", "SCAN faces")]


KEY_IN_ITS_ROW = blob(1).key.encode() + b"\x3f\xe0"
"""Its quality of 0.5 follows; in the index the number of the row does."""


@pytest.mark.parametrize(
    ("of", "mask"),
    [
        (KEY_IN_ITS_ROW, 0x80),
        (KEY_IN_ITS_ROW, 0x40),
        (KEY_IN_ITS_ROW, 0x01),
        (b"image/png", 0x80),
        (b"image/png", 0x02),
        (b"\1" * 64, 0x01),
    ],
    ids=["key no text", "key no digit", "key", "type no text", "type", "face image"],
)
def test_a_face_with_a_flipped_bit_is_a_dead_letter_and_costs_no_other_face(at, of, mask):
    filled(at)
    flip_a_bit(at.path, of, mask)
    outbox, found = Outbox(at, ("http",)), []
    while (queued := outbox.due("http")) is not None:
        found.append(queued)
        if queued.damage is None:
            outbox.delivered(queued.face_id, "http")
        else:
            outbox.refuse(queued.face_id, "http", queued.damage, is_damaged=True)
    [bad] = [queued for queued in found if queued.damage is not None]
    assert "the disk may be failing" in str(bad.damage)
    assert len(found) == 3
    assert all(each.delivery == blob(each.face_id - 1, size=5000) for each in found if each != bad)
    [kept] = outbox.purge(0.0, dry_run=False)  # deleting it does not count as a corrupt file
    [row] = outbox.ledger()
    outbox.close()
    assert (kept.face_id, kept.bytes) == (bad.face_id, 5000)
    assert (row.delivered, row.purged, row.unexplained) == (2, 1, 0)


@pytest.mark.parametrize("mask", [0x80, 0x40, 0x01])
def test_a_damaged_face_is_given_up_without_the_file_being_taken_for_corrupt(at, mask):
    filled(at)
    flip_a_bit(at.path, KEY_IN_ITS_ROW, mask)
    outbox = Outbox(at, ("http",))
    bad = None
    while (queued := outbox.due("http")) is not None:
        if queued.damage is None:
            outbox.delivered(queued.face_id, "http")
        else:
            bad = queued.face_id
            outbox.lose_damaged(bad)
    [row] = outbox.ledger()
    outbox.close()
    assert bad is not None
    assert (row.delivered, row.lost, row.unexplained) == (2, 1, 0)


def test_faces_of_the_first_release_have_no_checksum_and_are_sent(at):
    database = open_file(at, MIGRATIONS[:1])
    database.execute(
        "INSERT INTO faces VALUES (1, ?, 0.5, 7, 0, 0, 'image/png', ?, ?)",
        (blob(1).key, blob(1).record, blob(1).face_image),
    )
    database.execute("INSERT INTO queue (face_id, sink, due_s) VALUES (1, 'http', 0)")
    database.close()
    outbox = Outbox(at, ("http",))
    assert waiting(outbox) == [blob(1)]
    outbox.close()
