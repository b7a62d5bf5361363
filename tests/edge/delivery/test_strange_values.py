"""What a flipped bit or a stranger may leave in the tables around the faces."""

import logging
import sqlite3

import pytest

from edge.config.delivery import OutboxSettings
from edge.delivery.outbox import Outbox
from edge.delivery.outbox_file import open_intact
from edge.errors import OutboxCorruptError
from tests.edge.deliveries import blob, waiting

KNOWN = {
    "no clock": "DELETE FROM clock",
    "a clock of text": "UPDATE clock SET outbox_s = 'noon', wall_s = x'ff'",
    "a clock without end": "UPDATE clock SET outbox_s = 9e999, wall_s = -9e999",
    "no sum": "DELETE FROM stored",
    "a sum of text": "UPDATE stored SET bytes = 'many'",
    "a sum that is not true": "UPDATE stored SET bytes = -5",
    "due at text": "UPDATE queue SET due_s = 'soon'",
    "due never": "UPDATE queue SET due_s = 9e999",
    "attempts of text": "UPDATE queue SET attempts = 'x'",
    "attempts beyond reason": "UPDATE queue SET attempts = 9223372036854775807",
    "accepted at text": "UPDATE faces SET accepted_s = 'x', accepted_wall_s = x'00'",
    "bytes of text": "UPDATE faces SET bytes = 'x'",
    "a last number of text": "UPDATE sqlite_sequence SET seq = 'x' WHERE name = 'faces'",
    "a last number without end": "UPDATE sqlite_sequence SET seq = 9223372036854775807",
}
"""What the rest of the file tells anew."""
UNKNOWN = {
    "a ledger of text": "UPDATE ledger SET faces = 'many'",
    "a ledger without end": "UPDATE ledger SET faces = 9223372036854775807",
    "a sink that is no text": "UPDATE queue SET sink = x'ff00' WHERE face_id = 2",
}


@pytest.fixture
def at(tmp_path):
    settings = OutboxSettings(path=tmp_path / "outbox.sqlite")
    outbox = Outbox(settings, ("http",))
    for number in range(4):
        outbox.put(blob(number))
    outbox.close()
    return settings


def spoil(at, statement):
    with sqlite3.connect(at.path) as database:
        database.execute(statement)
    database.close()


@pytest.mark.parametrize("what", KNOWN)
def test_strange_values_around_the_faces_are_written_anew_and_cost_none(at, what, caplog):
    spoil(at, KNOWN[what])
    outbox = Outbox(at, ("http",))
    assert waiting(outbox) == [blob(number) for number in range(4)]
    assert outbox.put(blob(9)).kept
    [row] = outbox.ledger()
    outbox.close()
    assert (row.queued, row.delivered, row.waiting, row.unexplained) == (5, 4, 1, 0)
    assert "no gate wrote" in caplog.text
    caplog.clear()
    Outbox(at, ("http",)).close()
    assert "no gate wrote" not in caplog.text


@pytest.mark.parametrize("what", UNKNOWN)
def test_strange_values_that_nothing_else_tells_are_missing_in_the_books(at, what, caplog):
    spoil(at, UNKNOWN[what])
    outbox = Outbox(at, ("http",))
    left = waiting(outbox)
    assert len(left) >= 3
    assert outbox.put(blob(9)).kept
    [row] = outbox.ledger()
    outbox.close()
    assert row.unexplained != 0
    assert "missing in the books" in caplog.text


def test_a_command_beside_the_gate_refuses_strange_values_and_changes_nothing(at):
    spoil(at, KNOWN["a clock of text"])
    before = at.path.read_bytes()
    with pytest.raises(OutboxCorruptError, match="clock"):
        open_intact(at)
    assert at.path.read_bytes() == before


def test_values_that_become_strange_while_it_is_open_are_told_as_damage(at, caplog):
    outbox = Outbox(at, ("http",))
    spoil(at, KNOWN["due at text"])
    with pytest.raises(OutboxCorruptError, match="no gate wrote"):
        outbox.seconds_until_due("http")
    outbox.close()
    with caplog.at_level(logging.ERROR):
        again = Outbox(at, ("http",))
    assert len(waiting(again)) == 4
    again.close()
