"""
A durable outbox: forwarded faces wait here until each sink has them.

At least once: a face is kept from the moment `put` returns until every sink took or refused it,
also over `kill -9`. After a crash a face may be sent again, always under the same idempotency key.
Each sink has its own queue, so one sink's trouble never holds up another.
"""

import math
import sqlite3
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from edge.config.delivery import OutboxSettings
from edge.delivery import outbox_ledger as books
from edge.delivery import outbox_tables as tables
from edge.delivery.clock import ClockReading, Clocks
from edge.delivery.face_database import IN_MEMORY
from edge.delivery.missing_faces import open_owed, settle
from edge.delivery.open_parts import OpenParts
from edge.delivery.outbox_access import Access
from edge.delivery.outbox_file import open_file
from edge.delivery.outbox_ledger import Counted, LedgerRow
from edge.delivery.outbox_tables import Kept, Queued, Stock, Stored
from edge.delivery.owed import note_beside
from edge.delivery.room import Room
from edge.errors import OutboxError, OutboxFullError
from edge.samples import Delivery

EXPIRE_EVERY_S = 60.0
MOST_REMOVED = 16
"""Faces in one transaction."""


@dataclass(frozen=True, slots=True)
class Placed:
    """What `put` did."""

    kept: bool
    """False when the outbox is full of faces of the same or higher quality."""
    evicted: int
    """Faces of lower quality that made room."""


class Outbox:
    """One file, several queues; safe to use from several threads and processes."""

    def __init__(
        self,
        settings: OutboxSettings,
        sinks: Sequence[str],
        clocks: Clocks | None = None,
        opened: Callable[[OutboxSettings], sqlite3.Connection] = open_file,
    ) -> None:
        """
        Open or make the file.

        Args:
            settings: Path, quota, time to live, durability.
            sinks: Names of the sinks that get each face from now on.
            clocks: The system's, unless a test brings its own.
            opened: `open_file`, or `open_intact` for those who must not set a damaged file aside.

        Raises:
            OutboxFullError: The file system is full.
            OutboxError: The file cannot be used.
        """
        self._settings = settings
        self._sinks = tuple(sinks)
        room = None if settings.path == IN_MEMORY else Room(settings.path)
        database = _opened(settings, opened, room)
        # Only the gate accepts and delivers; its books are not those of a command beside it.
        self._is_ours = opened is open_file
        self._owed = open_owed(settings.path, sinks) if self._is_ours else None
        self._access = Access(database, settings.path, clocks or Clocks(), self._owed, room)
        self._parts = OpenParts(settings.path)
        if self._owed is not None:
            settle(self._access, self._owed, settings.path)
        self._next_expiry_s = 0.0
        self._shrink_to_quota()

    @property
    def is_in_place(self) -> bool:
        """False when the file was deleted or replaced: what is in it goes with this process."""
        return self._parts.are_in_place

    def leave_place(self) -> bool:
        """
        Let the file be opened anew, when it is no longer in place.

        Returns:
            True when it goes on without a name: its faces can still be taken out, until `close`.
        """
        if self._parts.is_file_in_place:
            self.close()
            return False
        self._parts.delete_left()
        if self._owed is not None:
            self._owed.delete()
        return True

    def put(self, delivery: Delivery, sinks: Sequence[str] | None = None) -> Placed:
        """
        Keep one face; a key that is already kept changes nothing.

        Args:
            delivery: The face.
            sinks: Those that do not have it yet; None for all.

        Raises:
            OutboxFullError: The file system is full; nothing was changed.
            OutboxError: The face was not kept.
        """
        sinks = self._sinks if sinks is None else sinks
        if not sinks:
            raise OutboxError("the outbox serves no sink: nothing would ever take this face out")
        return self._access.change(partial(self._put, delivery, sinks), grows=True)

    def _put(
        self,
        delivery: Delivery,
        sinks: Sequence[str],
        database: sqlite3.Connection,
        now: ClockReading,
    ) -> Placed:
        if tables.is_kept(database, delivery.key):
            return Placed(kept=True, evicted=0)
        books.count(database, sinks, "queued")
        size = tables.size_of(delivery)
        excess = tables.stored_bytes(database) + size - self._settings.quota
        victims = tables.room_for(tables.expendable(database, delivery.quality), excess)
        if victims is None:
            books.count(database, sinks, "evicted")
            return Placed(kept=False, evicted=0)
        tables.remove(database, victims, "evicted")
        tables.insert(database, delivery, sinks, now)
        return Placed(kept=True, evicted=len(victims))

    def due(self, sink: str) -> Queued | None:
        """
        Return the oldest face whose next attempt for this sink is due.

        Raises:
            OutboxError: The file cannot be read.
        """
        self._expire_now_and_then()
        with self._access.reading() as (database, now):
            unrecorded = self._access.unrecorded(sink)
            return tables.first_due(database, sink, now, skipping=unrecorded)

    def seconds_until_due(self, sink: str) -> float | None:
        """
        Return how long until `due` gives a face again; None when its queue is empty.

        Raises:
            OutboxError: The file cannot be read.
        """
        earliest = "SELECT min(due_s) FROM queue WHERE sink = ? AND refusal IS NULL"
        with self._access.reading() as (database, now):
            due_s = database.execute(earliest, (sink,)).fetchone()[0]
            return None if due_s is None else max(0.0, due_s - now.outbox_s)

    def waits_for(self, sink: str) -> bool:
        """
        Tell whether a face waits for this sink, due or not; whatever is here, it is a short look.

        Raises:
            OutboxError: The file cannot be read.
        """
        with self._access.reading() as (database, _):
            return tables.waits_for(database, sink, skipping=self._access.unrecorded(sink))

    def delivered(self, face_id: int, sink: str) -> None:
        """
        Forget a face for a sink that has it, and the face itself after its last sink.

        When the file cannot be written this is remembered and recorded with the next write that
        succeeds: deliveries go on, and only a crash before then sends the face again.
        """
        self._access.delivered(face_id, sink)

    def postpone(self, face_id: int, sink: str, delay_s: float) -> None:
        """
        Record a failed attempt; the next is due after a delay.

        Raises:
            OutboxError: Not recorded.
        """
        statement = (
            "UPDATE queue SET attempts = attempts + 1, due_s = ? WHERE face_id = ? AND sink = ?"
        )
        self._access.change(
            lambda database, now: database.execute(
                statement, (now.outbox_s + delay_s, face_id, sink)
            )
        )

    def refuse(self, face_id: int, sink: str, refusal: str, *, is_damaged: bool = False) -> None:
        """
        Make a dead letter: kept with the receiver's reason until it expires or is purged.

        Args:
            face_id: Of the face.
            sink: Whose queue it is in.
            refusal: The reason.
            is_damaged: Its row is not as it was written, and may be at odds with the indexes.

        Raises:
            OutboxError: Not recorded.
        """
        statement = (
            "UPDATE queue SET attempts = attempts + 1, refusal = ? WHERE face_id = ? AND sink = ?"
        )

        def write(database: sqlite3.Connection, _: ClockReading) -> None:
            database.execute(statement, (refusal, face_id, sink))
            if is_damaged:  # else sqlite takes the whole file for damaged when the row is deleted
                database.execute("REINDEX faces")

        self._access.change(write)

    def requeue(self, sink: str) -> int:
        """
        Give the dead letters of a sink another chance, as after a wrong token; return how many.

        Raises:
            OutboxError: Nothing was changed.
        """
        # Due since ever: this may be another process, whose seconds are not those of the gate.
        statement = (
            "UPDATE queue SET refusal = NULL, due_s = 0 WHERE sink = ? AND refusal IS NOT NULL"
        )
        return self._access.change(
            lambda database, _: database.execute(statement, (sink,)).rowcount, keep_time=False
        )

    def oldest(self) -> Kept | None:
        """
        Return the oldest face and in whose queues it is; None when there is none.

        Raises:
            OutboxError: The file cannot be read.
        """
        with self._access.reading() as (database, _):
            return tables.oldest(database)

    def forget(self, face_id: int) -> None:
        """
        Delete a face that was moved to another outbox; the ledger forgets it too.

        Raises:
            OutboxError: Nothing was changed.
        """
        self._access.change(lambda database, _: tables.forget(database, face_id))

    def lose_damaged(self, face_id: int) -> None:
        """
        Delete a face that is not as it was accepted.

        Raises:
            OutboxError: Nothing was changed.
        """

        def write(database: sqlite3.Connection, _: ClockReading) -> None:
            database.execute("REINDEX faces")
            tables.remove(database, [face_id], "lost")

        self._access.change(write)

    def lose(self) -> int:
        """
        Give up the faces that wait: nobody will ever have them; return how many.

        Raises:
            OutboxError: Nothing was changed.
        """
        return self._access.change(lambda database, _: tables.lose(database))

    def face(self, face_id: int) -> Delivery | None:
        """
        Return a face as it was accepted; None when it has gone.

        Raises:
            OutboxError: The file cannot be read.
        """
        with self._access.reading() as (database, _):
            return tables.delivery_of(database, face_id)

    def purge(
        self, older_than_s: float, *, dry_run: bool, only: Container[int] | None = None
    ) -> list[Stored]:
        """
        Delete the faces accepted longer ago than this, whatever their state; return them.

        Their bytes are overwritten, in the file and in its write-ahead log.

        Args:
            older_than_s: Seconds; minus infinity for all.
            dry_run: Only return them.
            only: Numbers of faces, of which alone any is deleted; None for all.

        Raises:
            OutboxError: Some may still be here.
        """
        # The clock is not stored: this may be another process beside the one that delivers,
        # and only that one has been counting seconds without a gap.
        with self._access.reading() as (database, now):
            old = tables.accepted_before(database, now.outbox_s - older_than_s)
            faces = [face for face in old if only is None or face.face_id in only]
        if not dry_run:
            self._remove([face.face_id for face in faces], "purged", keep_time=False)
            with self._access.reading() as (database, _):
                database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return faces

    def ledger(self) -> list[LedgerRow]:
        """
        Return where the faces of each sink went.

        Raises:
            OutboxError: The file cannot be read.
        """
        with self._access.reading() as (database, now):
            return books.ledger(database, now, self._lacking(database))

    def _lacking(self, database: sqlite3.Connection) -> list[Counted]:
        if self._is_ours:
            return self._access.lacking()
        note = note_beside(self._settings.path)  # as the gate left it, for a command
        return books.lacking(database, note)

    def stock(self) -> Stock:
        """
        Return how much is here.

        Raises:
            OutboxError: The file cannot be read.
        """
        with self._access.reading() as (database, _):
            return tables.stock(database)

    def counted(self) -> list[Counted]:
        """
        Return the ledger as it is stored, without what is in the queues now.

        Raises:
            OutboxError: The file cannot be read.
        """
        with self._access.reading() as (database, _):
            return books.counted(database)

    def count(self, ledger: Iterable[Counted]) -> None:
        """
        Add to the ledger what was counted elsewhere.

        Raises:
            OutboxError: Nothing was changed.
        """
        counted = list(ledger)
        self._access.change(lambda database, _: database.executemany(books.ADD_TO_LEDGER, counted))

    def count_when_possible(self, ledger: Iterable[Counted]) -> None:
        """Do what `count` does now or with the next write that succeeds, of a later process too."""
        self._access.count(ledger)

    def close(self) -> None:
        """Close the file; safe to call twice."""
        self._access.close()

    def _expire_now_and_then(self) -> None:
        with self._access.reading() as (database, now):
            if now.outbox_s < self._next_expiry_s:
                return
            self._next_expiry_s = now.outbox_s + EXPIRE_EVERY_S
            # Looking costs no write, and almost always there is nothing to expire.
            old = tables.accepted_before(database, now.outbox_s - self._settings.ttl)
        self._remove([face.face_id for face in old], "expired")

    def _shrink_to_quota(self) -> None:
        with self._access.reading() as (database, _):
            excess = tables.stored_bytes(database) - self._settings.quota
            everything = tables.expendable(database, quality=math.inf)
            victims = tables.room_for(everything, excess) or []
        self._remove(victims, "evicted")

    def _remove(self, face_ids: Sequence[int], event: str, *, keep_time: bool = True) -> None:
        """Delete a few at a time: what is deleted is overwritten, and the disk may be full."""
        portions = [
            face_ids[first : first + MOST_REMOVED]
            for first in range(0, len(face_ids), MOST_REMOVED)
        ]
        while portions:
            portion = portions.pop()
            try:
                self._access.change(partial(_removed, portion, event), keep_time=keep_time)
            except OutboxFullError:
                if len(portion) == 1:
                    raise
                portions += [portion[:1], portion[1:]]


def _removed(
    face_ids: Sequence[int], event: str, database: sqlite3.Connection, _: ClockReading
) -> None:
    tables.remove(database, face_ids, event)


def _opened(
    settings: OutboxSettings,
    opened: Callable[[OutboxSettings], sqlite3.Connection],
    room: Room | None,
) -> sqlite3.Connection:
    """Open the file, on a disk that is full in the room that was kept there."""
    try:
        return opened(settings)
    except OutboxFullError:
        if room is None or not room.give_up():
            raise
        return opened(settings)
