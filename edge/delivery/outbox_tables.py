"""What the outbox's tables are asked and told, inside the caller's transaction."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from edge.delivery import outbox_ledger as books
from edge.delivery.clock import ClockReading
from edge.delivery.integrity import checksum_of, damage_of
from edge.samples import Delivery

# The planner would rather read the whole table of faces, images and all, to have it sorted.
DEAD_IN_EVERY_QUEUE = """
SELECT DISTINCT q.face_id, (SELECT bytes FROM faces WHERE id = q.face_id)
FROM queue AS q INDEXED BY queue_dead
WHERE q.refusal IS NOT NULL AND NOT EXISTS
    (SELECT 1 FROM queue AS w WHERE w.face_id = q.face_id AND w.refusal IS NULL)
ORDER BY q.face_id
"""
OF_LOWER_QUALITY = "SELECT id, bytes FROM faces WHERE quality < ? ORDER BY quality, id"
DUE = """
SELECT f.id, q.attempts, f.checksum, f.key, f.record, f.face_image, f.media_type, f.quality
FROM queue AS q JOIN faces AS f ON f.id = q.face_id
WHERE q.sink = ? AND q.refusal IS NULL AND q.due_s <= ? ORDER BY q.face_id
"""
# In the order of their ids, the planner would read the whole table to find none.
ACCEPTED_BEFORE = """
SELECT id, key, bytes, accepted_wall_s FROM faces WHERE accepted_s <= ? ORDER BY accepted_s, id
"""
WAITING = "SELECT face_id FROM queue WHERE sink = ? AND refusal IS NULL ORDER BY face_id"


@dataclass(frozen=True, slots=True)
class Queued:
    """One face due for one sink."""

    face_id: int
    attempts: int
    """Failed so far."""
    delivery: Delivery
    damage: str | None = None
    """Why it must not be sent: it is not as it was accepted."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One face, whether it is due or not."""

    face_id: int
    delivery: Delivery
    sinks: tuple[str, ...]
    """In whose queues it is."""
    damage: str | None
    """As of `Queued`."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One face in the outbox, without its bytes."""

    face_id: int
    key: str
    bytes: int
    accepted_wall_s: float
    """Seconds since 1970 by the device's clock, which may not have been set."""


@dataclass(frozen=True, slots=True)
class Stock:
    """What an outbox holds now, waiting and dead."""

    faces: int
    bytes: int
    """Of records and face images."""


def room_for(candidates: Iterable[tuple[int, int]], excess: int) -> list[int] | None:
    """
    Return which faces must go; None when all candidates together are not enough.

    Args:
        candidates: (id, bytes) of expendable faces, the most expendable first; may repeat.
        excess: Bytes over the quota.
    """
    going: set[int] = set()
    for face_id, size in candidates:
        if excess <= 0:
            break
        if face_id not in going:
            going.add(face_id)
            excess -= size
    return None if excess > 0 else sorted(going)


def expendable(database: sqlite3.Connection, quality: float) -> Iterator[tuple[int, int]]:
    """Yield (id, bytes) of dead letters, then of faces below a quality, the lowest first."""
    yield from database.execute(DEAD_IN_EVERY_QUEUE)
    yield from database.execute(OF_LOWER_QUALITY, (quality,))


def stored_bytes(database: sqlite3.Connection) -> int:
    """Return the bytes of all records and face images."""
    return int(database.execute("SELECT bytes FROM stored").fetchone()[0])


def stock(database: sqlite3.Connection) -> Stock:
    """Return how much is here."""
    faces = int(database.execute("SELECT count(*) FROM faces").fetchone()[0])
    return Stock(faces, stored_bytes(database))


def is_kept(database: sqlite3.Connection, key: str) -> bool:
    """Return whether a face of this key is here."""
    return database.execute("SELECT 1 FROM faces WHERE key = ?", (key,)).fetchone() is not None


def insert(
    database: sqlite3.Connection, delivery: Delivery, sinks: Sequence[str], now: ClockReading
) -> None:
    """Add a face and put it into the queue of each sink, due at once."""
    face_id = database.execute(
        "INSERT INTO faces (key, quality, bytes, accepted_s, accepted_wall_s, media_type, "
        "record, face_image, checksum) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            delivery.key,
            delivery.quality,
            size_of(delivery),
            now.outbox_s,
            now.wall_s,
            delivery.media_type,
            delivery.record,
            delivery.face_image,
            checksum_of(delivery),
        ),
    ).lastrowid
    database.executemany(
        "INSERT INTO queue (face_id, sink, due_s) VALUES (?, ?, ?)",
        [(face_id, sink, now.outbox_s) for sink in sinks],
    )


def size_of(delivery: Delivery) -> int:
    """Return the bytes a delivery counts against the quota."""
    return len(delivery.record) + len(delivery.face_image)


def remove(database: sqlite3.Connection, face_ids: Iterable[int], event: str) -> None:
    """Delete faces from all queues and say in the ledger why."""
    for face_id in face_ids:
        books.count(database, _queues_of(database, face_id), event)
        database.execute("DELETE FROM faces WHERE id = ?", (face_id,))


def forget(database: sqlite3.Connection, face_id: int) -> None:
    """Delete a face as if these queues had never held it."""
    books.count(database, _queues_of(database, face_id), "queued", -1)
    database.execute("DELETE FROM faces WHERE id = ?", (face_id,))


def lose(database: sqlite3.Connection) -> int:
    """Delete what waits, and say in the ledger that it is lost; return how many faces."""
    waiting = "FROM queue WHERE refusal IS NULL"
    faces = database.execute(f"SELECT count(DISTINCT face_id) {waiting}").fetchone()[0]
    for sink, number in database.execute(f"SELECT sink, count(*) {waiting} GROUP BY sink"):
        books.count(database, [sink], "lost", number)
    database.execute(f"DELETE {waiting}")
    database.execute("DELETE FROM faces WHERE id NOT IN (SELECT face_id FROM queue)")
    return int(faces)


def _queues_of(database: sqlite3.Connection, face_id: int) -> list[str]:
    rows = database.execute("SELECT sink FROM queue WHERE face_id = ?", (face_id,))
    return [sink for (sink,) in rows]


def take_from_queue(database: sqlite3.Connection, face_id: int, sink: str) -> bool:
    """Delete a face from one queue, and wholly after its last; False when it was not in it."""
    place = (face_id, sink)
    found = database.execute("DELETE FROM queue WHERE face_id = ? AND sink = ?", place).rowcount
    database.execute(
        "DELETE FROM faces WHERE id = ? AND NOT EXISTS "
        "(SELECT 1 FROM queue WHERE face_id = faces.id)",
        (face_id,),
    )
    return found > 0


def first_due(
    database: sqlite3.Connection, sink: str, now: ClockReading, skipping: AbstractSet[int]
) -> Queued | None:
    """Return the oldest face of a queue whose next attempt is due, but none of `skipping`."""
    for row in database.execute(DUE, (sink, now.outbox_s)):
        if row[0] not in skipping:
            delivery = Delivery(*row[3:])
            return Queued(row[0], row[1], delivery, damage_of(delivery, row[2]))
    return None


def waits_for(database: sqlite3.Connection, sink: str, skipping: AbstractSet[int]) -> bool:
    """Tell whether the queue of a sink holds a face that is no dead letter, but none of these."""
    rows = database.execute(WAITING, (sink,))
    return any(face_id not in skipping for (face_id,) in rows)


def oldest(database: sqlite3.Connection) -> Kept | None:
    """Return the oldest face; None when there is none."""
    row = database.execute(
        "SELECT id, checksum, key, record, face_image, media_type, quality FROM faces "
        "ORDER BY id LIMIT 1"
    ).fetchone()
    if row is None:
        return None
    delivery = Delivery(*row[2:])
    queues = tuple(_queues_of(database, row[0]))
    return Kept(row[0], delivery, queues, damage_of(delivery, row[1]))


def newest(database: sqlite3.Connection) -> int:
    """Return the number of the newest face that was ever here; 0 when there was none."""
    row = database.execute("SELECT seq FROM sqlite_sequence WHERE name = 'faces'").fetchone()
    return 0 if row is None else int(row[0])


def go_on_after(database: sqlite3.Connection, face_id: int) -> None:
    """Give no face to come this number or a lower one."""
    database.execute("DELETE FROM sqlite_sequence WHERE name = 'faces'")
    database.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('faces', ?)", (face_id,))


def queued(database: sqlite3.Connection) -> list[tuple[int, str]]:
    """Return each face and a sink whose queue holds it."""
    return database.execute("SELECT face_id, sink FROM queue").fetchall()


def accepted_before(database: sqlite3.Connection, outbox_s: float) -> list[Stored]:
    """Return the faces accepted at or before a moment, the oldest first."""
    return [Stored(*row) for row in database.execute(ACCEPTED_BEFORE, (outbox_s,))]


def delivery_of(database: sqlite3.Connection, face_id: int) -> Delivery | None:
    """Return a face as it was accepted; None when it has gone."""
    row = database.execute(
        "SELECT key, record, face_image, media_type, quality FROM faces WHERE id = ?", (face_id,)
    ).fetchone()
    return None if row is None else Delivery(*row)
