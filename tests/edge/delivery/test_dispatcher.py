import logging
import os
import random
import re
import shutil
import signal
import sqlite3
import threading
from contextlib import closing

import pytest

from edge.config.delivery import (
    BackoffSettings,
    HttpSinkSettings,
    MqttSinkSettings,
    OutboxSettings,
)
from edge.delivery.dispatcher import MOST_MOVED, Dispatcher
from edge.delivery.face_database import IN_MEMORY
from edge.delivery.outbox import Outbox
from edge.delivery.outbox_access import Access
from edge.delivery.outbox_tables import Stock
from edge.errors import SinkBusyError, SinkError, SinkRefusedError
from edge.service.purge import open_for_service
from edge.sinks.http import HttpSink
from edge.sinks.mqtt import MqttSink
from tests.edge import face_server, mqtt_broker
from tests.edge.clocks import Hands
from tests.edge.deliveries import PATIENCE_S, ScriptedSink, Stuck, blob, face, keys
from tests.edge.face_server import answers

QUICK = BackoffSettings(first=0.02, at_most=0.1)


@pytest.fixture
def open_dispatcher(tmp_path):
    opened = []

    def opens(backoff=QUICK, path=None, clocks=None, **sinks):
        settings = OutboxSettings(path=path or tmp_path / "outbox.sqlite")
        opened.append(Dispatcher(sinks, settings, backoff, clocks))
        return opened[-1]

    yield opens
    for dispatcher in opened:
        dispatcher.stop()


def only_row(dispatcher):
    [row] = dispatcher.ledger()
    assert row.unexplained == 0
    return row


def test_each_sink_gets_each_face_in_order(open_dispatcher):
    one, other = ScriptedSink(), ScriptedSink()
    dispatcher = open_dispatcher(one=one, other=other)
    dispatcher.start()
    for number in range(5):
        dispatcher.accept(blob(number))
    assert one.keys(5) == keys(*range(5))
    assert other.keys(5) == keys(*range(5))


def test_one_sinks_trouble_does_not_hold_up_the_other(open_dispatcher):
    down, up = ScriptedSink(*[SinkError("down")] * 10**6), ScriptedSink()
    dispatcher = open_dispatcher(down=down, up=up)
    dispatcher.start()
    for number in range(5):
        dispatcher.accept(blob(number))
    assert up.keys(5) == keys(*range(5))


def test_what_an_earlier_process_left_is_sent_first(open_dispatcher):
    open_dispatcher(sink=ScriptedSink()).accept(blob(1))
    sink = ScriptedSink()
    open_dispatcher(sink=sink).start()
    assert sink.keys(1) == keys(1)


def test_stopping_sends_what_is_due_and_closes_the_sink(open_dispatcher):
    sink = ScriptedSink()
    dispatcher = open_dispatcher(sink=sink)
    for number in range(20):
        dispatcher.accept(blob(number))
    dispatcher.start()
    dispatcher.stop(drain_s=PATIENCE_S)
    assert sink.keys(20) == keys(*range(20))
    assert sink.closed.is_set()


@pytest.mark.parametrize(("drain", "sent"), [({}, [0]), ({"drain_s": PATIENCE_S}, [0, 1, 2])])
def test_a_stop_waits_for_the_attempt_in_hand_and_drains_only_if_it_may(
    open_dispatcher, caplog, drain, sent
):
    sink = Stuck()
    dispatcher = open_dispatcher(sink=sink)
    for number in range(3):
        dispatcher.accept(blob(number))
    dispatcher.start()
    assert sink.going.wait(PATIENCE_S)
    stopping = threading.Thread(target=dispatcher.stop, kwargs=drain)
    stopping.start()
    assert dispatcher.threads()[0].stopping.wait(PATIENCE_S)
    sink.returns.set()
    stopping.join()
    assert sink.attempts == keys(*sent)
    assert "left behind" not in caplog.text


def fill(folder):
    with pytest.raises(OSError, match="No space left"):
        (folder / "ballast").write_bytes(b"\0" * 2**21)


def test_faces_survive_a_full_disk_in_memory_and_move_back(
    small_file_system, open_dispatcher, caplog
):
    dispatcher = open_dispatcher(path=small_file_system / "outbox.sqlite", sink=ScriptedSink())
    fill(small_file_system)
    for number in range(10):
        assert dispatcher.accept(blob(number, size=20_000)).kept
    assert "full" in dispatcher.problem
    (small_file_system / "ballast").unlink()
    dispatcher.accept(blob(10, size=20_000))
    assert dispatcher.problem is None
    assert only_row(dispatcher).waiting == 11
    dispatcher.stop()
    sink = ScriptedSink()
    open_dispatcher(path=small_file_system / "outbox.sqlite", sink=sink).start()
    assert sorted(sink.keys(11)) == sorted(keys(*range(11)))
    assert "0 faces were in memory" not in caplog.text


def test_what_waits_is_counted_on_the_disk_and_in_memory(small_file_system, open_dispatcher):
    dispatcher = open_dispatcher(path=small_file_system / "outbox.sqlite", sink=ScriptedSink())
    dispatcher.accept(blob(0, size=1000))
    fill(small_file_system)
    for number in (1, 2):
        dispatcher.accept(blob(number, size=20_000))
    assert "full" in dispatcher.problem
    assert dispatcher.stock() == Stock(faces=3, bytes=41_000)


@pytest.mark.parametrize("is_full", [True, False], ids=["in memory", "on the disk"])
def test_a_face_that_waits_anywhere_is_waited_for_until_it_was_sent(
    small_file_system, open_dispatcher, is_full
):
    sink = ScriptedSink()
    dispatcher = open_dispatcher(path=small_file_system / "outbox.sqlite", sink=sink)
    assert dispatcher.waits_for("sink") is False
    if is_full:
        fill(small_file_system)
    dispatcher.accept(blob(1, size=20_000))
    assert (dispatcher.waits_for("sink"), dispatcher.waits_for("other")) == (True, False)
    dispatcher.start()
    sink.keys(1)
    dispatcher.stop()
    row = only_row(dispatcher)
    assert (row.waiting, row.oldest_s) == (0, None)


def test_how_long_faces_wait_is_told_of_the_oldest_on_the_disk_and_in_memory(
    small_file_system, open_dispatcher
):
    hands = Hands()
    dispatcher = open_dispatcher(
        path=small_file_system / "outbox.sqlite", clocks=hands.clocks(), sink=ScriptedSink()
    )
    dispatcher.accept(blob(1, size=1000))
    fill(small_file_system)
    for number in (2, 3):
        hands.monotonic += 100
        dispatcher.accept(blob(number, size=20_000))
    assert "full" in dispatcher.problem
    assert only_row(dispatcher).oldest_s == pytest.approx(200)


def test_a_sink_that_never_returns_is_left_behind_when_its_time_is_over(
    open_dispatcher, monkeypatch, caplog
):
    monkeypatch.setattr("edge.delivery.dispatcher.STOP_GRACE_S", 0.05)
    sink, other = Stuck(), ScriptedSink()
    dispatcher = open_dispatcher(sink=sink, other=other)
    dispatcher.accept(blob(1))
    dispatcher.start()
    assert sink.going.wait(PATIENCE_S)
    assert dispatcher.stop() == 0
    assert "sink sink does not end; it is left behind" in caplog.text
    rows = {row.sink: row for row in dispatcher.ledger()}
    assert rows["sink"].waiting == 1
    sink.returns.set()


def test_trouble_of_the_disk_and_its_end_are_said_once(small_file_system, open_dispatcher, caplog):
    caplog.set_level(logging.INFO)
    dispatcher = open_dispatcher(path=small_file_system / "outbox.sqlite", sink=ScriptedSink())
    dispatcher.accept(blob(0))
    assert caplog.text == ""
    fill(small_file_system)
    for number in (1, 2, 3):
        dispatcher.accept(blob(number, size=20_000))
    assert caplog.text.count("meanwhile faces are kept in memory only") == 1
    assert "works again" not in caplog.text
    (small_file_system / "ballast").unlink()
    for number in (4, 5):
        dispatcher.accept(blob(number, size=20_000))
    assert caplog.text.count("the outbox works again") == 1


def test_each_sink_has_a_thread_whose_life_is_watched(open_dispatcher):
    dispatcher = open_dispatcher(one=ScriptedSink(), other=ScriptedSink())
    dispatcher.start()
    assert [thread.death() for thread in dispatcher.threads()] == [None, None]


def test_faces_leave_from_memory_while_the_disk_is_full(small_file_system, open_dispatcher):
    sink = ScriptedSink()
    dispatcher = open_dispatcher(path=small_file_system / "outbox.sqlite", sink=sink)
    fill(small_file_system)
    dispatcher.start()
    for number in range(10):
        dispatcher.accept(blob(number, size=20_000))
    assert sorted(sink.keys(10)) == sorted(keys(*range(10)))


def test_faces_that_left_from_memory_are_in_the_books_of_the_next_process(
    small_file_system, open_dispatcher
):
    path, sink = small_file_system / "outbox.sqlite", ScriptedSink()
    dispatcher = open_dispatcher(path=path, sink=sink)
    fill(small_file_system)
    dispatcher.start()
    for number in range(10):
        dispatcher.accept(blob(number, size=20_000))
    sink.keys(10)
    (small_file_system / "ballast").unlink()
    dispatcher.accept(blob(10, size=20_000))
    sink.keys(1)
    mine = only_row(dispatcher)
    del dispatcher  # as kill -9 would: nothing more is written
    after = only_row(open_dispatcher(path=path, sink=ScriptedSink()))
    assert (mine.queued, after.queued, after.unexplained) == (11, 11, 0)


def test_a_sink_that_took_a_face_from_memory_does_not_get_it_again_from_the_disk(
    small_file_system, open_dispatcher
):
    quick, away = ScriptedSink(), ScriptedSink(SinkBusyError("later", 3600.0))
    dispatcher = open_dispatcher(path=small_file_system / "outbox.sqlite", quick=quick, away=away)
    fill(small_file_system)
    dispatcher.start()
    for number in range(5):
        dispatcher.accept(blob(number, size=20_000))
    while sum(row.delivered for row in dispatcher.ledger()) < 5:
        pass
    (small_file_system / "ballast").unlink()
    dispatcher.accept(blob(5, size=20_000))
    assert sorted(quick.keys(6)) == sorted(keys(*range(6)))
    dispatcher.stop(drain_s=1)
    rows = {row.sink: row for row in dispatcher.ledger()}
    assert (rows["quick"].queued, rows["quick"].delivered) == (6, 6)
    assert (rows["away"].queued, rows["away"].waiting) == (6, 6)
    assert len(quick.attempts) == 6


@pytest.mark.parametrize("is_full", [True, False], ids=["full disk", "no outbox"])
def test_faces_that_no_disk_keeps_at_a_stop_are_booked_as_lost(
    small_file_system, open_dispatcher, caplog, is_full
):
    down, up = ScriptedSink(*[SinkError("down")] * 10**6), ScriptedSink()
    path = small_file_system / "outbox.sqlite" if is_full else IN_MEMORY
    dispatcher = open_dispatcher(path=path, down=down, up=up)
    fill(small_file_system)
    dispatcher.start()
    for number in range(10):
        dispatcher.accept(blob(number, size=20_000))
    up.keys(10)
    assert dispatcher.stop(drain_s=1) == 10
    rows = {row.sink: row for row in dispatcher.ledger()}
    assert (rows["down"].waiting, rows["down"].lost, rows["down"].unexplained) == (0, 10, 0)
    assert (rows["up"].delivered, rows["up"].lost, rows["up"].unexplained) == (10, 0, 0)
    assert "10 faces lost: in memory only" in caplog.text
    assert dispatcher.stop() == 0


def without_room(folder):
    """Fill a disk to the last byte, also what the outbox keeps for itself."""
    (folder / "outbox.sqlite-reserve").unlink()
    fill(folder)


def counted(row):
    return row.queued, row.waiting, row.lost, row.unexplained


@pytest.mark.parametrize("is_open", [True, False], ids=["filled while open", "full at the start"])
def test_a_loss_that_a_full_disk_cannot_take_is_booked_when_it_takes_writes_again(
    small_file_system, open_dispatcher, is_open
):
    path = small_file_system / "outbox.sqlite"
    dispatcher = open_dispatcher(path=path, sink=ScriptedSink())
    dispatcher.accept(blob(0))
    if is_open:
        without_room(small_file_system)
    dispatcher.stop()
    lost = 0
    for first in (1, 11):
        if not is_open and first == 1:
            without_room(small_file_system)
        dispatcher = open_dispatcher(path=path, sink=ScriptedSink())
        for number in range(first, first + 10):
            dispatcher.accept(blob(number, size=20_000))
        assert dispatcher.stop() == 10
        lost += 10
        assert only_row(dispatcher).lost in (10, lost)
    (small_file_system / "ballast").unlink()
    with closing(open_for_service(path)) as looked_into:
        assert [counted(row) for row in looked_into.ledger()] == [(21, 1, 20, 0)]
    for _ in range(2):
        dispatcher = open_dispatcher(path=path, sink=ScriptedSink())
        assert counted(only_row(dispatcher)) == (21, 1, 20, 0)
        dispatcher.stop()
    path.with_name("outbox.sqlite-owed").unlink()
    assert counted(only_row(open_dispatcher(path=path, sink=ScriptedSink()))) == (21, 1, 20, 0)


def test_faces_of_a_deleted_file_that_no_disk_takes_are_lost_and_booked(
    small_file_system, open_dispatcher, caplog
):
    path = small_file_system / "outbox.sqlite"
    dispatcher = open_dispatcher(path=path, sink=ScriptedSink())
    for number in range(3):
        dispatcher.accept(blob(number, size=60_000))
    for part in small_file_system.iterdir():
        part.unlink()
    fill(small_file_system)
    ballast = small_file_system / "ballast"
    os.truncate(ballast, ballast.stat().st_size - 150_000)  # enough for the books
    dispatcher.accept(blob(3, size=300_000))
    assert dispatcher.stop() == 4
    assert "3 faces lost: in a file that was deleted" in caplog.text
    assert counted(only_row(dispatcher)) == (4, 0, 4, 0)
    ballast.unlink()
    row = only_row(open_dispatcher(path=path, sink=ScriptedSink()))
    assert counted(row) == (4, 0, 4, 0)


def test_a_loss_that_cannot_even_be_noted_is_told(small_file_system, open_dispatcher, caplog):
    fill(small_file_system)
    dispatcher = open_dispatcher(path=small_file_system / "outbox.sqlite", sink=ScriptedSink())
    dispatcher.accept(blob(1))
    assert dispatcher.stop() == 1
    assert counted(only_row(dispatcher)) == (1, 0, 1, 0)
    assert "the next process will not know what its books lack" in caplog.text


def test_a_loss_is_told_and_counted_where_no_file_lies_beside_the_outbox(
    tmp_path, monkeypatch, caplog
):
    (tmp_path / "outbox.sqlite-owed").mkdir()
    with closing(Outbox(OutboxSettings(path=tmp_path / "outbox.sqlite"), ["sink"])) as outbox:
        monkeypatch.setattr(Access, "record", lambda _: None)  # the disk takes nothing
        outbox.count_when_possible([("sink", "queued", 3), ("sink", "lost", 3)])
        assert [counted(row) for row in outbox.ledger()] == [(3, 0, 3, 0)]
    assert "the next process will not know what its books lack" in caplog.text


def test_a_dead_letter_that_memory_alone_keeps_is_lost_with_it(small_file_system, open_dispatcher):
    path = small_file_system / "outbox.sqlite"
    dispatcher = open_dispatcher(path=path, sink=ScriptedSink(SinkRefusedError("422: no face")))
    fill(small_file_system)
    dispatcher.accept(blob(1, size=20_000))
    dispatcher.start()
    dispatcher.stop(drain_s=PATIENCE_S)
    (small_file_system / "ballast").unlink()
    assert counted(only_row(open_dispatcher(path=path, sink=ScriptedSink()))) == (1, 0, 1, 0)


def test_the_next_process_knows_of_faces_that_were_too_large_for_the_disk_and_are_lost(
    small_file_system, open_dispatcher
):
    path = small_file_system / "outbox.sqlite"
    dispatcher = open_dispatcher(path=path, sink=ScriptedSink())
    fill(small_file_system)
    ballast = small_file_system / "ballast"
    os.truncate(ballast, ballast.stat().st_size - 150_000)  # enough for the books
    for number in range(3):
        dispatcher.accept(blob(number, size=300_000))
    assert "full" in dispatcher.problem
    assert dispatcher.stop() == 3
    row = only_row(open_dispatcher(path=path, sink=ScriptedSink()))
    assert (row.queued, row.lost, row.waiting) == (3, 3, 0)


def delete(folder, *suffixes):
    for suffix in suffixes:
        (folder / f"outbox.sqlite{suffix}").unlink()


def restore_a_backup(folder):
    delete(folder, "", "-wal", "-shm")
    backup = Outbox(OutboxSettings(path=folder / "outbox.sqlite"), ("sink",))
    backup.put(blob(0))
    backup.put(blob(99))
    backup.close()


@pytest.mark.parametrize(
    ("vanish", "others"),
    [
        (lambda folder: delete(folder, "", "-wal", "-shm"), ()),
        (lambda folder: delete(folder, ""), ()),
        (lambda folder: delete(folder, "-wal"), ()),
        (lambda folder: delete(folder, "-shm"), ()),
        (lambda folder: delete(folder, "-wal", "-shm"), ()),
        (shutil.rmtree, ()),
        (restore_a_backup, (99,)),
    ],
    ids=["all parts", "file", "log", "index", "log and index", "folder", "replaced"],
)
def test_an_outbox_that_vanishes_while_open_is_noticed_and_costs_no_face(
    open_dispatcher, tmp_path, caplog, vanish, others
):
    folder = tmp_path / "state"
    dispatcher = open_dispatcher(path=folder / "outbox.sqlite", sink=ScriptedSink())
    for number in range(20):
        dispatcher.accept(blob(number, size=5000))
    assert dispatcher.problem is None
    vanish(folder)
    assert "was deleted or replaced while it was open" in str(dispatcher.problem)
    dispatcher.accept(blob(20, size=5000))
    assert dispatcher.problem is None
    assert "was deleted or replaced while it was open; another one is begun" in caplog.text
    row = only_row(dispatcher)
    assert row.waiting == 21 + len(others)
    assert row.lost == 0 or others  # whoever opens another file beside the old books counts by them
    del dispatcher  # as kill -9 would: nothing more is written
    sink = ScriptedSink()
    again = open_dispatcher(path=folder / "outbox.sqlite", sink=sink)
    again.start()
    expected = keys(*range(21), *others)
    assert sorted(sink.keys(len(expected))) == sorted(expected)


def test_an_outbox_that_vanished_is_saved_at_the_stop_at_the_latest(open_dispatcher, tmp_path):
    folder = tmp_path / "state"
    dispatcher = open_dispatcher(path=folder / "outbox.sqlite", sink=ScriptedSink())
    for number in range(MOST_MOVED + 20):
        dispatcher.accept(blob(number))
    shutil.rmtree(folder)
    assert dispatcher.stop() == 0
    assert dispatcher.problem is None  # its parts are gone because it was closed
    row = only_row(open_dispatcher(path=folder / "outbox.sqlite", sink=ScriptedSink()))
    assert (row.queued, row.waiting) == (MOST_MOVED + 20, MOST_MOVED + 20)


def test_while_no_other_outbox_can_be_made_faces_leave_from_the_one_that_vanished(
    open_dispatcher, tmp_path
):
    sink, folder = ScriptedSink(), tmp_path / "state"
    dispatcher = open_dispatcher(path=folder / "outbox.sqlite", sink=sink)
    for number in range(3):
        dispatcher.accept(blob(number))
    shutil.rmtree(folder)
    folder.write_text("a file in its place")
    dispatcher.accept(blob(3))
    assert "cannot be used" in str(dispatcher.problem)
    dispatcher.start()
    assert sink.keys(4) == keys(*range(4))


def test_a_damaged_face_is_not_made_whole_by_moving(open_dispatcher, tmp_path, caplog):
    folder = tmp_path / "state"
    dispatcher = open_dispatcher(path=folder / "outbox.sqlite", sink=ScriptedSink())
    for number in range(3):
        dispatcher.accept(blob(number))
    with closing(sqlite3.connect(folder / "outbox.sqlite")) as other, other:
        other.execute("UPDATE faces SET quality = 0.75 WHERE id = 2")
    shutil.rmtree(folder)
    dispatcher.accept(blob(3))
    row = only_row(dispatcher)
    assert (row.waiting, row.lost) == (3, 1)
    assert f"face {blob(1).key} is lost" in caplog.text


def test_the_gate_starts_on_a_full_disk(small_file_system, open_dispatcher):
    fill(small_file_system)
    sink = ScriptedSink()
    dispatcher = open_dispatcher(path=small_file_system / "outbox.sqlite", sink=sink)
    dispatcher.start()
    dispatcher.accept(blob(1))
    assert sink.keys(1) == keys(1)
    assert "full" in dispatcher.problem


def test_a_disk_that_fails_is_left_alone_for_ten_seconds(small_file_system, open_dispatcher):
    fill(small_file_system)
    hands = Hands()
    dispatcher = open_dispatcher(
        path=small_file_system / "outbox.sqlite", clocks=hands.clocks(), sink=ScriptedSink()
    )
    (small_file_system / "ballast").unlink()
    hands.monotonic += 9.9
    dispatcher.accept(blob(1))
    assert "full" in dispatcher.problem
    hands.monotonic += 0.1
    dispatcher.accept(blob(2))
    assert dispatcher.problem is None


def test_a_corrupt_file_is_replaced_by_the_next_face_at_the_latest(open_dispatcher, tmp_path):
    dispatcher = open_dispatcher(clocks=Hands().clocks(), sink=ScriptedSink())
    for number in range(30):
        dispatcher.accept(blob(number, size=200_000))
    rotting = tmp_path / "outbox.sqlite"
    rotting.write_bytes(rotting.read_bytes()[:4096] + b"\xa5" * (rotting.stat().st_size - 4096))
    dispatcher.start()
    while not dispatcher.status()[0].failures_in_a_row:
        threading.Event().wait(0.01)
    dispatcher.accept(blob(30))
    assert "corrupt" in dispatcher.problem
    dispatcher.accept(blob(31))
    assert dispatcher.problem is None
    assert [path.name for path in tmp_path.glob("*.corrupt-?")] == ["outbox.sqlite.corrupt-1"]


def test_a_file_that_rots_while_open_is_set_aside_and_new_faces_are_kept(open_dispatcher, tmp_path):
    sink = ScriptedSink(*[SinkError("down")] * 10**6)
    dispatcher = open_dispatcher(BackoffSettings(first=0.001, at_most=0.001), sink=sink)
    for number in range(300):
        dispatcher.accept(blob(number, size=20_000))
    rotting = tmp_path / "outbox.sqlite"
    size = rotting.stat().st_size
    with rotting.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (size - 4096))
    dispatcher.start()
    number = 300
    while not list(tmp_path.glob("outbox.sqlite.corrupt-*")):
        assert dispatcher.accept(blob(number)).kept
        number += 1
    assert dispatcher.problem is None or "corrupt" in dispatcher.problem
    assert only_row(dispatcher).waiting > 0


@pytest.mark.parametrize("seed", range(3))
def test_every_face_reaches_a_server_in_constant_trouble(open_dispatcher, seed):
    chance = random.Random(seed)
    troubles = [
        face_server.hangs,
        face_server.hangs_up,
        face_server.cuts_its_answer,
        face_server.drips_its_headers,
        face_server.talks_nonsense,
        answers(500),
        answers(503),
        answers(201),
        answers(201),
        answers(201),
    ]
    with face_server.serving() as server:
        server.behaviours.extend(chance.choices(troubles, k=40))
        sink = HttpSink(HttpSinkSettings(url=server.url, timeout=0.2))
        dispatcher = open_dispatcher(http=sink)
        dispatcher.start()
        faces = [face(number) for number in range(40)]
        for delivery in faces:
            dispatcher.accept(delivery)
        dispatcher.stop(drain_s=0)
        dispatcher = open_dispatcher(http=HttpSink(HttpSinkSettings(url=server.url, timeout=0.2)))
        dispatcher.start()
        while only_row(dispatcher).waiting:
            dispatcher.accept(
                faces[0]
            )  # the same key again and again is one more duplicate at most
            threading.Event().wait(0.05)
        dispatcher.stop()
    received = {posted.headers["idempotency-key"]: posted for posted in server.posted}
    assert received.keys() == {delivery.key for delivery in faces}
    assert all(received[each.key].part("record")[1] == each.record for each in faces)


def test_every_face_reaches_a_broker_that_is_killed_again_and_again(open_dispatcher, tmp_path):
    """The broker's own log is the witness: a subscriber would miss what came while it was away."""
    with mqtt_broker.running(tmp_path, "log_type all") as broker:
        settings = MqttSinkSettings(
            host="localhost", port=broker.port, tls=False, device="pole", timeout=1.0
        )
        dispatcher = open_dispatcher(mqtt=MqttSink(settings))
        dispatcher.start()
        for number in range(60):
            dispatcher.accept(face(number))
            if number in (10, 25, 45):
                broker.stop(signal.SIGKILL)
            if number in (15, 30, 50):
                broker.start()
        while only_row(dispatcher).waiting:
            threading.Event().wait(0.05)
        dispatcher.stop()
        assert published(broker.log) == {str(number) for number in range(60)}


def published(lines):
    found = (re.search(r"Received PUBLISH .*'edge-gate/pole/(\d+)/face'", line) for line in lines)
    return {match[1] for match in found if match}
