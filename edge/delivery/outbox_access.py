"""Transactions on the outbox's file: one thread at a time, and what could not be written yet."""

import logging
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge.delivery import outbox_tables as tables
from edge.delivery.clock import ClockReading, Clocks, OutboxClock
from edge.delivery.face_database import transaction
from edge.delivery.outbox_file import translated
from edge.delivery.owed import Owed
from edge.errors import OutboxCorruptError, OutboxError

log = logging.getLogger(__name__)


class Access:
    """Safe to use from several threads; other processes may have the file open too."""

    def __init__(
        self,
        database: sqlite3.Connection,
        path: Path,
        clocks: Clocks,
        owed: Owed | None = None,
    ) -> None:
        """
        Go on with the clock that the file holds.

        Args:
            database: Opened by `edge.delivery.outbox_file`; closed by `close`.
            path: Of its file, for messages.
            clocks: The system's, unless a test brings its own.
            owed: Is told which transactions were kept; closed by `close`.
        """
        self._owed = owed
        self._database, self._path = database, path
        self._lock = threading.Lock()
        last = database.execute("SELECT outbox_s, wall_s FROM clock").fetchone()
        self._clock = OutboxClock(ClockReading(*last), clocks)
        self._damage: str | None = None
        self._unrecorded: set[tuple[int, str]] = set()

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
        self, *, keep_time: bool = True
    ) -> Iterator[tuple[sqlite3.Connection, ClockReading]]:
        """
        Yield the same within a transaction, which also records the deliveries made before.

        Args:
            keep_time: Store the clock: by the one process that delivers.

        Raises:
            OutboxError: Nothing was changed.
        """
        with self.reading() as (database, now):
            with self._told(), transaction(database):
                for face_id, sink in self._unrecorded:
                    if tables.take_from_queue(database, face_id, sink):
                        tables.count(database, [sink], "delivered")
                yield database, now
                if keep_time:
                    database.execute(
                        "UPDATE clock SET outbox_s = ?, wall_s = ?", (now.outbox_s, now.wall_s)
                    )
            self._unrecorded.clear()

    def delivered(self, face_id: int, sink: str) -> None:
        """Record a delivery, now or with the next write that succeeds."""
        with self._lock:
            self._unrecorded.add((face_id, sink))
        self._record()

    def unrecorded(self, sink: str) -> set[int]:
        """Return, within `reading`, the faces that a sink has though its queue still holds them."""
        return {face_id for face_id, name in self._unrecorded if name == sink}

    def close(self) -> None:
        """Close the file; safe to call twice."""
        if self._unrecorded:
            self._record()
        with self._lock:
            self._database.close()
            if self._owed is not None:
                self._owed.close()
                self._owed = None

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

    def _record(self) -> None:
        try:
            with self.writing():
                pass
        except OutboxError as error:
            log.debug("%s; %d deliveries are recorded later", error, len(self._unrecorded))
