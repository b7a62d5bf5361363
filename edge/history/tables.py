"""What the history's tables are asked and told, inside the caller's transaction."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

HOUR_S = 3600
KEPT_HOURS = 7 * 24
MOST_EVENTS = 20_000
"""The newest; 2 MB."""
MOST_MARKS = 5_000
MOST_READ = 40
"""Events of one answer."""
MOST_WORDS = 300
"""Characters kept of an event's words."""

Key: TypeAlias = tuple[str, int, str, str]
"""
Camera, hour (since 1970), kind and name of an amount. Kinds: `reason` (faces that ended there),
`score` (scored faces, by the lower end of ten points), `state` (seconds).
"""


@dataclass(frozen=True, slots=True)
class Event:
    """Somebody walked by, or a camera changed its state."""

    wall_s: float
    """Seconds since 1970 by the device's clock."""
    camera: str
    reason: str
    """The gate's reason, or the new state of the camera."""
    score: float | None
    """The best of somebody's faces, in [0, 100]."""
    words: str
    event_id: int = 0
    """Counts up; given by the file."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What a person said about a face."""

    camera: str
    pair_id: str
    """Of the engine pair that scored: scores of others cannot be compared."""
    track: str
    """Unique for a camera, also after a new start."""
    score: float
    """Quality score in [0, 100]."""
    wanted: bool
    """Whether it should be forwarded."""
    wall_s: float
    """When it was marked, seconds since 1970."""


@dataclass(frozen=True, slots=True)
class Told:
    """One count, event or mark, for who deletes it."""

    kind: str
    """`count`, `event` or `mark`."""
    camera: str
    words: str
    wall_s: float
    """Seconds since 1970; of a count the beginning of its hour."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which events."""

    camera: str = ""
    """Empty for all."""
    reason: str = ""
    """Empty for all."""
    before: int = 0
    """Only those with a lower id; 0 for the newest."""


def add_amounts(database: sqlite3.Connection, amounts: Mapping[Key, float]) -> None:
    """Add to the amounts of hours."""
    database.executemany(
        "INSERT INTO hours VALUES (?, ?, ?, ?, ?) ON CONFLICT (camera, hour, kind, name) "
        "DO UPDATE SET amount = amount + excluded.amount",
        [(*key, amount) for key, amount in amounts.items()],
    )


def add_events(database: sqlite3.Connection, events: Iterable[Event]) -> None:
    """Append events."""
    database.executemany(
        "INSERT INTO events (wall_s, camera, reason, score, words) VALUES (?, ?, ?, ?, ?)",
        [(one.wall_s, one.camera, one.reason, one.score, one.words[:MOST_WORDS]) for one in events],
    )


def tidy(database: sqlite3.Connection, hour: int) -> None:
    """Forget what is older than a week before an hour, and what is too much."""
    oldest = hour - KEPT_HOURS
    database.execute("DELETE FROM hours WHERE hour <= ?", (oldest,))
    database.execute("DELETE FROM events WHERE wall_s < ?", (oldest * HOUR_S,))
    for table, most in (("events", MOST_EVENTS), ("marks", MOST_MARKS)):
        newest = f"SELECT coalesce(max(id), 0) - ? FROM {table}"  # noqa: S608 -- our own names
        database.execute(f"DELETE FROM {table} WHERE id <= ({newest})", (most,))  # noqa: S608


def amounts_of(
    database: sqlite3.Connection, camera: str, hour: int
) -> list[tuple[int, str, str, float]]:
    """Return hour, kind, name and amount of a camera's last week up to an hour."""
    rows = database.execute(
        "SELECT hour, kind, name, amount FROM hours WHERE camera = ? AND hour > ? AND hour <= ? "
        "ORDER BY hour",
        (camera, hour - KEPT_HOURS, hour),
    )
    return [tuple(row) for row in rows]


def events_of(database: sqlite3.Connection, asked: Asked) -> list[Event]:
    """Return the newest events, at most 40, newest first."""
    rows = database.execute(
        "SELECT wall_s, camera, reason, score, words, id FROM events WHERE "
        "(?1 = '' OR camera = ?1) AND (?2 = '' OR reason = ?2) AND (?3 = 0 OR id < ?3) "
        "ORDER BY id DESC LIMIT ?4",
        (asked.camera, asked.reason, asked.before, MOST_READ),
    )
    return [Event(*row) for row in rows]


def reasons_of(database: sqlite3.Connection) -> list[str]:
    """Return the reasons that occur in events."""
    return [row[0] for row in database.execute("SELECT DISTINCT reason FROM events ORDER BY 1")]


def put_mark(database: sqlite3.Connection, mark: Mark) -> None:
    """Mark a face, or mark it otherwise."""
    database.execute(
        "INSERT OR REPLACE INTO marks (camera, pair_id, track, score, wanted, wall_s) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        (mark.camera, mark.pair_id, mark.track, mark.score, mark.wanted, mark.wall_s),
    )


def remove_mark(database: sqlite3.Connection, camera: str, track: str) -> None:
    """Take a mark back."""
    database.execute("DELETE FROM marks WHERE camera = ? AND track = ?", (camera, track))


def marks_of(database: sqlite3.Connection, camera: str) -> Sequence[Mark]:
    """Return the marks of a camera, oldest first."""
    rows = database.execute(
        "SELECT camera, pair_id, track, score, wanted, wall_s FROM marks WHERE camera = ? "
        "ORDER BY id",
        (camera,),
    )
    return [
        Mark(name, pair_id, track, score, bool(wanted), wall_s)
        for name, pair_id, track, score, wanted, wall_s in rows
    ]


def told_before(database: sqlite3.Connection, until_s: float, camera: str | None) -> list[Told]:
    """
    Return the counts, events and marks up to a time, of each kind the oldest first.

    Args:
        database: Of the history.
        until_s: Seconds since 1970.
        camera: Name; None for all.
    """
    rows = database.execute(
        "SELECT 'count', camera, kind || ' ' || name, hour * ?3 FROM hours "
        "WHERE hour * ?3 <= ?1 AND (?2 IS NULL OR camera = ?2) UNION ALL "
        "SELECT 'event', camera, reason, wall_s FROM events "
        "WHERE wall_s <= ?1 AND (?2 IS NULL OR camera = ?2) UNION ALL "
        "SELECT 'mark', camera, track, wall_s FROM marks "
        "WHERE wall_s <= ?1 AND (?2 IS NULL OR camera = ?2) ORDER BY 1, 4",
        (until_s, camera, HOUR_S),
    )
    return [Told(*row) for row in rows]


def remove_told(database: sqlite3.Connection, until_s: float, camera: str | None) -> None:
    """Delete what `told_before` returns."""
    for table, time in (("hours", f"hour * {HOUR_S}"), ("events", "wall_s"), ("marks", "wall_s")):
        database.execute(
            f"DELETE FROM {table} WHERE {time} <= ? AND camera = coalesce(?, camera)",  # noqa: S608
            (until_s, camera),
        )
