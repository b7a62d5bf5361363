"""The thread that writes the shadow log: small pictures, pieces of footage, and what is too old."""

import logging
import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from edge.config.model import ShadowLogSettings
from edge.delivery.clock import ClockReading, Clocks, OutboxClock
from edge.delivery.face_database import transaction
from edge.errors import ShadowLogError
from edge.samples import Pixels
from edge.shadow_log.file import open_shadow_log, translated
from edge.shadow_log.pieces import Pieces
from edge.shadow_log.tables import (
    Kind,
    LoggedFace,
    Moment,
    keep_time,
    last_time,
    put_moment,
    put_piece,
    remove_before,
    remove_over,
    stored_bytes,
)
from edge.sources.images import picture_of
from edge.watched_thread import WatchedThread
from engines.amounts import amount

log = logging.getLogger(__name__)

MOST_WAITING = 500
"""Faces in memory, at 40 kB: while the disk is slow, later ones are left out."""
BATCH_S = 1.0
"""Between two transactions, so that a memory card is not worn."""
TIDY_EVERY_S = 60.0
STOP_S = 10.0


@dataclass(frozen=True, slots=True)
class Noted:
    """One frame of one camera."""

    kind: Kind
    seen_s: float
    """By the camera's own clock."""
    is_still: bool
    """A still image lasts no time."""
    faces: Sequence[tuple[LoggedFace, Pixels | None]]
    """With the aligned face that the picture is made of."""
    ended: tuple[int, ...] = ()
    """Tracks that ended before the faces were looked at."""
    following: int = 0
    """Tracks that were alive."""
    is_frame: bool = True
    """False when tracks ended without a frame."""


class ShadowLogWriter:
    """Takes notes from one thread, and writes them in its own; trouble with the disk stays here."""

    def __init__(self, settings: ShadowLogSettings, clocks: Clocks | None = None) -> None:
        """
        Begin.

        Args:
            settings: Where, and how much.
            clocks: The system's, unless a test brings its own.
        """
        self.settings = settings
        self._clocks = clocks or Clocks()
        self._lock = threading.Lock()
        self._waiting: list[Noted] = []
        self._waiting_faces = 0
        self._left_out = 0
        self._arrived, self._hurry = threading.Event(), threading.Event()
        self._database: sqlite3.Connection | None = None
        self._clock = OutboxClock(ClockReading(0.0, 0.0), self._clocks)
        self._tidy_at_s = self._open_at_s = float("-inf")
        self._problem: str | None = None
        self._pieces = Pieces()
        self.thread = WatchedThread("shadow-log", self._run)
        self.thread.start()

    def put(self, noted: Noted) -> None:
        """Write a frame soon; never waits, and leaves it out when too much is waiting."""
        with self._lock:
            if self._waiting_faces + len(noted.faces) > MOST_WAITING:
                self._left_out += len(noted.faces)
                return
            self._waiting.append(noted)
            self._waiting_faces += len(noted.faces)
            if self._waiting_faces > MOST_WAITING / 2:
                self._hurry.set()
        self._arrived.set()

    def stop(self) -> None:
        """Write what is waiting, and close; safe to call twice."""
        self.thread.stop()
        self._arrived.set()
        self._hurry.set()
        self.thread.join(STOP_S)

    def _run(self) -> None:
        while not self.thread.stopping.is_set():
            self.thread.beat()
            self._arrived.wait(TIDY_EVERY_S)
            self._hurry.wait(BATCH_S)
            self._write(self._taken())
        self._write(self._taken())
        if self._database is not None:
            self._database.close()

    def _taken(self) -> Sequence[Noted]:
        with self._lock:
            taken, self._waiting, self._waiting_faces = self._waiting, [], 0
            self._arrived.clear()
            self._hurry.clear()
            return taken

    def _write(self, batch: Sequence[Noted]) -> None:
        try:
            database = self._opened()
            with translated(self.settings.path), transaction(database):
                for noted in batch:
                    self._write_frame(database, noted)
                self._tidy(database)
                keep_time(database, self._clock.now())
        except ShadowLogError as error:
            self._failed(error, batch)
            return
        except Exception as error:
            self._failed(ShadowLogError(f"{self.settings.path}: {error!r}"), batch)
            raise
        self._recovered()

    def _recovered(self) -> None:
        with self._lock:
            left_out, self._left_out = self._left_out, 0
        if self._problem is not None or left_out:
            log.info("the shadow log works again; it lacks %s", amount(left_out, "face"))
        self._problem = None

    def _write_frame(self, database: sqlite3.Connection, noted: Noted) -> None:
        if noted.is_frame:
            piece = self._pieces.take(noted.kind, noted.seen_s, is_still=noted.is_still)
        elif (newest := self._pieces.newest(noted.kind)) is None:
            return  # its frames were forgotten, and its tracks with them
        else:
            piece = newest
        piece.piece_id = put_piece(database, piece, self._clock.now())
        if noted.faces or noted.following:
            put_moment(database, piece.piece_id, _moment_of(noted))

    def _tidy(self, database: sqlite3.Connection) -> None:
        now = self._clock.now()
        removed = 0
        if now.outbox_s >= self._tidy_at_s:
            self._tidy_at_s = now.outbox_s + TIDY_EVERY_S
            removed = remove_before(database, now.outbox_s - self.settings.keep_for)
        if stored_bytes(database) > self.settings.at_most:
            removed += remove_over(database, self.settings.at_most)
        if removed:
            self._pieces.close_all()

    def _opened(self) -> sqlite3.Connection:
        if self._database is None:
            now_s = self._clocks.monotonic()
            if self._problem is not None and now_s < self._open_at_s:
                raise ShadowLogError(self._problem)
            self._open_at_s = now_s + TIDY_EVERY_S
            self._database = open_shadow_log(self.settings.path)
            self._clock = OutboxClock(last_time(self._database), self._clocks)
            self._tidy_at_s = float("-inf")
        return self._database

    def _failed(self, error: ShadowLogError, batch: Sequence[Noted]) -> None:
        with self._lock:
            self._left_out += sum(len(noted.faces) for noted in batch)
        if self._problem is None:
            log.error("%s; the gate goes on without it", error)
        self._problem = str(error)
        self._pieces.close_all()
        database, self._database = self._database, None
        if database is not None:
            database.close()


def _moment_of(noted: Noted) -> Moment:
    faces = [(face, None if image is None else picture_of(image)) for face, image in noted.faces]
    return Moment(noted.seen_s, noted.ended, faces)
