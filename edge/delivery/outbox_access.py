"""Transactions on the outbox's file: one thread at a time, and what could not be written yet."""

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from edge.delivery import outbox_ledger as books
from edge.delivery import outbox_tables as tables
from edge.delivery.clock import ClockReading, Clocks, OutboxClock
from edge.delivery.face_database import transaction
from edge.delivery.outbox_file import FULL, is_full, translated
from edge.delivery.outbox_ledger import Counted
from edge.delivery.owed import NOT_NOTED, Owed
from edge.delivery.room import Room
from edge.errors import OutboxCorruptError, OutboxError, OutboxFullError
from engines.amounts import amount

log = logging.getLogger(__name__)

Change = TypeVar("Change")
MOST_RECORDED = 4
"""Deliveries at once: each needs room in the log. On a full disk it is one."""
GIVEN_BACK = 128
"""Pages at once that go back to a full disk."""


class Access:
    """Safe to use from several threads; other processes may have the file open too."""

    def __init__(
        self,
        database: sqlite3.Connection,
        path: Path,
        clocks: Clocks,
        owed: Owed | None = None,
        room: Room | None = None,
    ) -> None:
        """
        Go on with the clock that the file holds.

        Args:
            database: Opened by `edge.delivery.outbox_file`; closed by `close`.
            path: Of its file, for messages.
            clocks: The system's, unless a test brings its own.
            owed: Is told which transactions were kept; closed by `close`.
            room: What is kept on the disk for deletions.
        """
        self._owed, self._room = owed, room
        self._database, self._path = database, path
        self._lock = threading.Lock()
        last = database.execute("SELECT outbox_s, wall_s FROM clock").fetchone()
        self._clock = OutboxClock(ClockReading(*last), clocks)
        self._damage: str | None = None
        self._unrecorded: set[tuple[int, str]] = set()
        self._lacking = [] if owed is None else books.lacking(database, owed.note)

    @contextmanager
    def reading(self) -> Iterator[tuple[sqlite3.Connection, ClockReading]]:
        """
        Yield the database and the time.

        Raises:
            OutboxError: sqlite or the system complained, now or about a damage earlier.
        """
        with self._lock:
            if self._damage is not None:
                raise OutboxCorruptError(self._damage)
            try:
                with translated(self._path):
                    yield self._database, self._clock.now()
            except OutboxCorruptError as error:
                # Whoever writes next must learn it too: faces would go in and never come out.
                # Only its text: the traceback would keep a statement, and so the file, open.
                self._damage = str(error)
                raise

    @contextmanager
    def writing(
        self, *, keep_time: bool = True, grows: bool = False
    ) -> Iterator[tuple[sqlite3.Connection, ClockReading]]:
        """
        Yield the same within a transaction, which also records a few deliveries made before.

        Args:
            keep_time: Store the clock: by the one process that delivers.
            grows: Leave alone what is kept of the disk for deletions.

        Raises:
            OutboxFullError: The disk is full; nothing was changed, and what was kept of it is there
                for those who delete.
            OutboxError: Nothing was changed.
        """
        with self.reading() as (database, now):
            if grows and not self._has_room(database):
                raise OutboxFullError(FULL.format(self._path))
            recorded = sorted(self._unrecorded)[: self._at_once()]
            try:
                with self._told(), transaction(database):
                    _record(database, recorded)
                    self._book_lacking(database)
                    yield database, now
                    if keep_time:
                        _keep_time(database, now)
            except sqlite3.OperationalError as error:
                if is_full(error):
                    self._make_room(database)
                    if grows:  # nobody else may take it meanwhile
                        self._has_room(database)
                raise
            self._unrecorded.difference_update(recorded)
            if self._lacking:
                self._lacking = []
                self._note_lacking()
            self._has_room(database)

    def change(
        self,
        write: Callable[[sqlite3.Connection, ClockReading], Change],
        *,
        keep_time: bool = True,
        grows: bool = False,
    ) -> Change:
        """
        Record what is delivered, then do something within `writing`.

        It is done once more when the disk is full, in the room that was kept for this.

        Args:
            write: Called again when the disk was full; what it did before was undone.
            keep_time: As for `writing`.
            grows: As for `writing`.

        Raises:
            OutboxError: As for `writing`.
        """
        self.record()
        return self._changed(write, keep_time=keep_time, grows=grows)

    def _changed(
        self,
        write: Callable[[sqlite3.Connection, ClockReading], Change],
        *,
        keep_time: bool = True,
        grows: bool = False,
    ) -> Change:
        try:
            with self.writing(keep_time=keep_time, grows=grows) as (database, now):
                return write(database, now)
        except OutboxFullError:
            with self.writing(keep_time=keep_time, grows=grows) as (database, now):
                return write(database, now)

    def delivered(self, face_id: int, sink: str) -> None:
        """Record a delivery, now or with the next write that succeeds."""
        with self._lock:
            self._unrecorded.add((face_id, sink))
        self.record()

    def record(self) -> None:
        """Record what is delivered and could not be written yet, as far as that is possible now."""
        try:
            while self._unrecorded or self._lacking:
                self._changed(_nothing)
        except OutboxError as error:
            later = amount(len(self._unrecorded), "delivery", "deliveries")
            log.debug("%s; to be recorded later: %s", error, later)

    def count(self, counted: Iterable[Counted]) -> None:
        """Add to the books, now or with the next write that succeeds, also of another process."""
        with self._lock:
            self._lacking = books.summed([*self._lacking, *counted])
        self.record()
        with self._lock:
            if self._lacking:
                self._note_lacking()

    def lacking(self) -> list[Counted]:
        """Return, within `reading`, what is not in the books yet."""
        return self._lacking

    def unrecorded(self, sink: str) -> set[int]:
        """Return, within `reading`, the faces that a sink has though its queue still holds them."""
        return {face_id for face_id, name in self._unrecorded if name == sink}

    def close(self) -> None:
        """Close the file; safe to call twice."""
        self.record()
        with self._lock:
            self._database.close()
            if self._owed is not None:
                self._owed.close()
                self._owed = None

    def _book_lacking(self, database: sqlite3.Connection) -> None:
        database.executemany(books.ADD_TO_LEDGER, self._lacking)
        if self._lacking and self._owed is not None and self._owed.note.counted:
            books.keep_note(database, self._owed.note)

    @contextmanager
    def _told(self) -> Iterator[None]:
        if self._owed is None:
            yield
            return
        try:
            yield
        except BaseException:
            self._owed.roll_back()
            raise
        self._owed.commit()

    def _note_lacking(self) -> None:
        if self._owed is None:
            if self._lacking:
                log.error(NOT_NOTED, self._path, "no file beside it", self._lacking)
            return
        try:
            self._owed.lack(self._lacking)
        except OSError as error:
            log.error(NOT_NOTED, self._path, error.strerror, self._lacking)  # noqa: TRY400

    def _at_once(self) -> int:
        return MOST_RECORDED if self._room is None or self._room.is_held else 1

    def _has_room(self, database: sqlite3.Connection) -> bool:
        """Take back what was given up, once the file has shrunk or others have left."""
        if self._room is None or self._room.is_held:
            return True
        for statement in (_EMPTY_LOG, f"PRAGMA incremental_vacuum({GIVEN_BACK})", _EMPTY_LOG):
            with suppress(sqlite3.OperationalError):
                database.execute(statement).fetchall()  # a page is given back for each row asked
        return self._room.take()

    def _make_room(self, database: sqlite3.Connection) -> None:
        if self._room is not None and self._room.give_up():
            with suppress(sqlite3.OperationalError):
                database.execute(_EMPTY_LOG)


_EMPTY_LOG = "PRAGMA wal_checkpoint(TRUNCATE)"


def _nothing(_database: sqlite3.Connection, _now: ClockReading) -> None:
    pass


def _record(database: sqlite3.Connection, delivered: Iterable[tuple[int, str]]) -> None:
    for face_id, sink in delivered:
        if tables.take_from_queue(database, face_id, sink):
            books.count(database, [sink], "delivered")


def _keep_time(database: sqlite3.Connection, now: ClockReading) -> None:
    database.execute("UPDATE clock SET outbox_s = ?, wall_s = ?", (now.outbox_s, now.wall_s))
