import sqlite3

import pytest

from edge.config.delivery import OutboxSettings
from edge.delivery import outbox_ledger as books
from edge.delivery import outbox_tables as tables
from edge.delivery.outbox_access import Access
from edge.delivery.outbox_file import open_file
from edge.errors import OutboxCorruptError
from tests.edge.clocks import Hands
from tests.edge.deliveries import blob


@pytest.fixture
def access(tmp_path):
    path = tmp_path / "outbox.sqlite"
    opened = Access(open_file(OutboxSettings(path=path)), path, Hands().clocks())
    with opened.writing() as (database, now):
        tables.insert(database, blob(1), ["http"], now)
    yield opened
    opened.close()


def refuse_writing(access, refuse):
    with access.reading() as (database, _):
        database.execute(f"PRAGMA query_only = {refuse}")


def held_by_queues(access):
    with access.reading() as (database, _):
        return database.execute("SELECT face_id, sink FROM queue").fetchall()


def test_a_recorded_delivery_is_forgotten(access):
    access.delivered(1, "http")
    assert held_by_queues(access) == []
    assert access.unrecorded("http") == set()


def test_a_delivery_that_could_not_be_recorded_is_remembered_for_its_sink_only(access):
    refuse_writing(access, "ON")
    access.delivered(1, "http")
    assert (access.unrecorded("http"), access.unrecorded("mqtt")) == ({1}, set())
    assert held_by_queues(access) == [(1, "http")]


def test_the_next_write_records_what_could_not_be_recorded(access):
    refuse_writing(access, "ON")
    access.delivered(1, "http")
    refuse_writing(access, "OFF")
    with access.writing() as (database, _):
        assert books.counted(database) == [("http", "delivered", 1)]
    assert held_by_queues(access) == []
    assert access.unrecorded("http") == set()


def test_a_write_that_fails_changes_nothing_and_forgets_nothing(access):
    refuse_writing(access, "ON")
    access.delivered(1, "http")
    refuse_writing(access, "OFF")
    with pytest.raises(ZeroDivisionError), access.writing():
        raise ZeroDivisionError
    assert held_by_queues(access) == [(1, "http")]
    assert access.unrecorded("http") == {1}


def test_closing_records_what_could_not_be_recorded(access, tmp_path):
    refuse_writing(access, "ON")
    access.delivered(1, "http")
    refuse_writing(access, "OFF")
    access.close()
    database = open_file(OutboxSettings(path=tmp_path / "outbox.sqlite"))
    assert books.counted(database) == [("http", "delivered", 1)]
    database.close()


def test_a_damage_found_by_one_is_known_to_all(access):
    with pytest.raises(OutboxCorruptError), access.reading():
        raise sqlite3.DatabaseError("database disk image is malformed")
    with pytest.raises(OutboxCorruptError, match="malformed"), access.writing():
        pytest.fail("a damaged file was written to")
