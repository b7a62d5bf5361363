"""The file of the history: a small database without a face, for many threads."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from edge.delivery.face_database import Format, open_face_database, takes, transaction
from edge.errors import ConfigError

APPLICATION_ID = 0x45474849
"""Marks our files (`EGHI`), so that no other program's database is ever written to."""
MIGRATIONS = (
    (
        """CREATE TABLE hours (
            camera TEXT NOT NULL, hour INTEGER NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,
            amount REAL NOT NULL, PRIMARY KEY (camera, hour, kind, name)
        ) WITHOUT ROWID""",
        """CREATE TABLE events (
            id INTEGER PRIMARY KEY AUTOINCREMENT, wall_s REAL NOT NULL, camera TEXT NOT NULL,
            reason TEXT NOT NULL, score REAL, words TEXT NOT NULL
        )""",
        "CREATE INDEX events_camera ON events (camera, reason)",
        """CREATE TABLE marks (
            id INTEGER PRIMARY KEY AUTOINCREMENT, camera TEXT NOT NULL, pair_id TEXT NOT NULL,
            track TEXT NOT NULL, score REAL NOT NULL, wanted INTEGER NOT NULL, wall_s REAL NOT NULL,
            UNIQUE (camera, track)
        )""",
    ),
)
"""Statements; the n-th take a file from version n - 1 to n. Only ever append."""
FORMAT = Format(
    APPLICATION_ID,
    MIGRATIONS,
    ("journal_mode = WAL", "synchronous = NORMAL", "temp_store = MEMORY"),
    ConfigError,
)
RETRY_S = 60.0
"""Between two attempts to open a file that failed."""


def takes_history(path: Path) -> bool:
    """Tell whether a file is a history or empty; False when it is damaged or unreadable."""
    return takes(path, APPLICATION_ID)


class HistoryFile:
    """Opened when it is first asked; a file that failed is tried again after a while."""

    def __init__(self, path: Path, monotonic: Callable[[], float]) -> None:
        """
        Name the file.

        Args:
            path: Of the file, or `edge.delivery.face_database.IN_MEMORY`.
            monotonic: Clock of the attempts.
        """
        self.path = path
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._database: sqlite3.Connection | None = None
        self._open_at_s = float("-inf")
        self._problem = ""

    @contextmanager
    def changed(self) -> Iterator[sqlite3.Connection]:
        """
        Keep all that the block does, or nothing.

        Raises:
            ConfigError: The file cannot be used; the words name it.
        """
        with self._lock, self._translated():
            database = self._opened()
            with transaction(database):
                yield database

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """
        Yield the database; errors as of `changed`.

        Raises:
            ConfigError: The file cannot be used; the words name it.
        """
        with self._lock, self._translated():
            yield self._opened()

    def close(self) -> None:
        """Close; it is opened again when it is asked again."""
        with self._lock:
            self._drop()

    def _opened(self) -> sqlite3.Connection:
        if self._database is None:
            if self._problem and self._monotonic() < self._open_at_s:
                raise ConfigError(self._problem)
            self._open_at_s = self._monotonic() + RETRY_S
            self._database = open_face_database(self.path, FORMAT)
            self._problem = ""
        return self._database

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except ConfigError as error:
            self._problem = str(error)
            raise
        except (sqlite3.Error, OSError) as error:
            self._drop()
            self._problem = f"history {self.path}: {error}: check page.history, its folder and disk"
            raise ConfigError(self._problem) from error

    def _drop(self) -> None:
        database, self._database = self._database, None
        if database is not None:
            database.close()
