"""The outbox's books: where the faces of each sink went, inside the caller's transaction."""

import sqlite3
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from edge.delivery.clock import ClockReading

Counted: TypeAlias = tuple[str, str, int]
"""Sink, event, faces."""

ADD_TO_LEDGER = """
INSERT INTO ledger (sink, event, faces) VALUES (?, ?, ?)
ON CONFLICT (sink, event) DO UPDATE SET faces = faces + excluded.faces
"""
# Each is read from an index that holds these rows alone, in its order: a third of the price of
# one look at all of them.
WAITING_NOW = """
SELECT sink, waiting, (SELECT accepted_s FROM faces WHERE id = oldest) FROM (
    SELECT sink, count(*) AS waiting, min(face_id) AS oldest
    FROM queue INDEXED BY queue_waiting WHERE refusal IS NULL GROUP BY sink)
"""
DEAD_NOW = """
SELECT sink, count(*) FROM queue INDEXED BY queue_dead WHERE refusal IS NOT NULL GROUP BY sink
"""


@dataclass(frozen=True, slots=True)
class Note:
    """What the books lack, as it is written down beside them."""

    number: int
    """No other note has it, in [0, 2 ** 53); a note to which more was added keeps its own."""
    counted: tuple[Counted, ...]


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """Where the faces of one sink went, since the outbox was made."""

    sink: str
    queued: int
    """Accepted for this sink."""
    delivered: int
    evicted: int
    """Gave way to higher quality, or came when there was only higher quality."""
    expired: int
    """Older than the time to live."""
    purged: int
    """Deleted by the operator."""
    lost: int
    """Against everybody's will: in memory only at a stop, or gone with a part of the file."""
    waiting: int
    """Now in the queue."""
    dead: int
    """Now kept as dead letters."""
    oldest_s: float | None
    """Age of the oldest waiting face in seconds; None when none waits."""

    @property
    def unexplained(self) -> int:
        """Faces that went nowhere: 0, or the outbox has a fault."""
        gone = self.delivered + self.evicted + self.expired + self.purged + self.lost
        return self.queued - gone - self.waiting - self.dead


def count(database: sqlite3.Connection, sinks: Iterable[str], event: str, faces: int = 1) -> None:
    """Add to the ledger of each sink."""
    database.executemany(ADD_TO_LEDGER, [(sink, event, faces) for sink in sinks])


def counted(database: sqlite3.Connection) -> list[Counted]:
    """Return what happened to faces so far."""
    return database.execute("SELECT sink, event, faces FROM ledger").fetchall()


def lacking(database: sqlite3.Connection, note: Note) -> list[Counted]:
    """Return what a note tells and the books do not have yet."""
    booked = "SELECT sink, event, -max(0, CAST(faces AS INTEGER)) FROM noted WHERE note = ?"
    left = summed([*note.counted, *database.execute(booked, (note.number,))])
    return [each for each in left if each[2] > 0]


def keep_note(database: sqlite3.Connection, note: Note) -> None:
    """Remember, in the transaction that books what a note tells, that it is booked."""
    database.execute("DELETE FROM noted")
    database.executemany(
        "INSERT INTO noted (note, sink, event, faces) VALUES (?, ?, ?, ?)",
        [(note.number, *each) for each in note.counted],
    )


def summed(counted: Iterable[Counted]) -> list[Counted]:
    """Return what happened to faces with one entry for each sink and event, and none of 0."""
    faces: Counter[tuple[str, str]] = Counter()
    for sink, event, number in counted:
        faces[sink, event] += number
    return [(sink, event, number) for (sink, event), number in faces.items() if number]


def ledger(
    database: sqlite3.Connection, now: ClockReading, lacking: Iterable[Counted] = ()
) -> list[LedgerRow]:
    """
    Return a row for each sink there ever was, by name.

    Args:
        database: Of the outbox.
        now: For the age of what waits.
        lacking: What happened too, and could not be written yet.
    """
    events: dict[str, dict[str, int]] = {}
    for sink, event, faces in summed([*counted(database), *lacking]):
        events.setdefault(sink, {})[event] = faces
    waiting = {row[0]: row[1:] for row in database.execute(WAITING_NOW)}
    dead = dict(database.execute(DEAD_NOW).fetchall())
    return [
        _ledger_row(sink, events[sink], (*waiting.get(sink, (0, None)), dead.get(sink, 0)), now)
        for sink in sorted(events)
    ]


def _ledger_row(
    sink: str, events: dict[str, int], present: tuple[int, float | None, int], now: ClockReading
) -> LedgerRow:
    waiting, oldest_accepted_s, dead = present
    return LedgerRow(
        sink=sink,
        queued=events.get("queued", 0),
        delivered=events.get("delivered", 0),
        evicted=events.get("evicted", 0),
        expired=events.get("expired", 0),
        purged=events.get("purged", 0),
        lost=events.get("lost", 0),
        waiting=waiting,
        dead=dead,
        oldest_s=None if oldest_accepted_s is None else now.outbox_s - oldest_accepted_s,
    )
