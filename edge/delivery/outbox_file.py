"""
The file of the outbox: a database of faces in WAL mode.

A corrupt file is set aside and replaced by an empty one, because a gate that does not start loses
every face to come. One that never was an outbox is left alone.
"""

import logging
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from edge.config.delivery import OutboxSettings
from edge.delivery.face_database import Format, open_face_database, takes
from edge.delivery.owed import SUFFIX as OWED
from edge.delivery.room import MOST_BYTES, PAGE, Room, free_bytes
from edge.delivery.room import SUFFIX as RESERVE
from edge.delivery.strange_values import mend, tables_with_strange_values
from edge.errors import OutboxCorruptError, OutboxError, OutboxFullError

log = logging.getLogger(__name__)

APPLICATION_ID = 0x45474F42
"""Marks our files (`EGOB`), so that no other program's database is ever written to."""
SET_ASIDE = ".corrupt-"
INCREMENTAL = 2
INDEX_BYTES = 64 * 1024
"""What sqlite's index of the log needs; without that much it tells of an I/O error."""
FULL = "outbox {}: the file system is full: make room"
SYNCHRONOUS = {"process": "NORMAL", "power_loss": "FULL"}

VERSION_1 = """
CREATE TABLE clock (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    outbox_s REAL NOT NULL,
    wall_s REAL NOT NULL
);
INSERT INTO clock VALUES (1, 0, 0);
CREATE TABLE faces (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    quality REAL NOT NULL,
    bytes INTEGER NOT NULL,
    accepted_s REAL NOT NULL,
    accepted_wall_s REAL NOT NULL,
    media_type TEXT NOT NULL,
    record BLOB NOT NULL,
    face_image BLOB NOT NULL
);
CREATE INDEX faces_quality ON faces (quality, id);
CREATE INDEX faces_accepted ON faces (accepted_s);
CREATE TABLE queue (
    face_id INTEGER NOT NULL REFERENCES faces (id) ON DELETE CASCADE,
    sink TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    due_s REAL NOT NULL,
    refusal TEXT,
    PRIMARY KEY (face_id, sink)
) WITHOUT ROWID;
CREATE INDEX queue_waiting ON queue (sink, face_id, due_s) WHERE refusal IS NULL;
CREATE INDEX queue_dead ON queue (face_id) WHERE refusal IS NOT NULL;
CREATE TABLE stored (one INTEGER PRIMARY KEY CHECK (one = 1), bytes INTEGER NOT NULL);
INSERT INTO stored VALUES (1, 0);
CREATE TRIGGER stored_grows AFTER INSERT ON faces
    BEGIN UPDATE stored SET bytes = bytes + NEW.bytes; END;
CREATE TRIGGER stored_shrinks AFTER DELETE ON faces
    BEGIN UPDATE stored SET bytes = bytes - OLD.bytes; END;
CREATE TABLE ledger (
    sink TEXT NOT NULL,
    event TEXT NOT NULL,
    faces INTEGER NOT NULL,
    PRIMARY KEY (sink, event)
) WITHOUT ROWID;
"""

VERSION_2 = """
ALTER TABLE faces ADD COLUMN checksum INTEGER;
"""
"""Tells a face that is not as it was accepted; NULL for those of the first release."""

VERSION_3 = """
CREATE TABLE noted (
    note INTEGER NOT NULL,
    sink TEXT NOT NULL,
    event TEXT NOT NULL,
    faces INTEGER NOT NULL
);
"""
"""What is in the ledger of the note beside the file: a kill may leave both."""

MIGRATIONS: tuple[str, ...] = (VERSION_1, VERSION_2, VERSION_3)
"""Statement scripts; the n-th takes a file from version n - 1 to n. Only ever append."""


def open_file(
    settings: OutboxSettings, migrations: Sequence[str] = MIGRATIONS
) -> sqlite3.Connection:
    """
    Open or make the file; a corrupt one is set aside beside it and logged as an error.

    Raises:
        OutboxFullError: The file system is full.
        OutboxError: The folder is not writable, or the file is another program's, of a newer
            release, or text that somebody wrote.
    """
    try:
        database = _opened(settings, migrations)
    except OutboxCorruptError as error:
        aside = _set_aside(settings.path)
        log.error(  # noqa: TRY400 - the traceback would say less than this sentence
            "%s; it was set aside as %s and an empty outbox was begun. "
            "Faces not yet delivered may be recovered with: sqlite3 %s .recover",
            error,
            aside,
            aside,
        )
        database = _opened(settings, migrations)
    with translated(settings.path):
        mend(database, settings.path)
        _let_shrink(database)
    return database


def open_intact(
    settings: OutboxSettings, migrations: Sequence[str] = MIGRATIONS
) -> sqlite3.Connection:
    """
    Open or make the file; a corrupt one is left where it is.

    Raises:
        OutboxCorruptError: The file is damaged.
        OutboxFullError: The file system is full.
        OutboxError: As for `open_file`.
    """
    database = _opened(settings, migrations)
    with translated(settings.path):
        strange = tables_with_strange_values(database)
    if strange:
        database.close()
        raise _outbox_error(settings.path, ValueError(f"strange values in: {', '.join(strange)}"))
    return database


def _opened(settings: OutboxSettings, migrations: Sequence[str]) -> sqlite3.Connection:
    log_pages = Room(settings.path).log_pages
    # To set it again would write, which a full disk does not take.
    at_first = () if _is_begun(settings.path) else ("auto_vacuum = INCREMENTAL",)
    form = Format(
        APPLICATION_ID,
        [tuple(_statements(script)) for script in migrations],
        (
            *at_first,
            "journal_mode = WAL",
            f"wal_autocheckpoint = {log_pages}",
            f"journal_size_limit = {log_pages * PAGE}",
            f"synchronous = {SYNCHRONOUS[settings.durability]}",
            "foreign_keys = ON",
            # A delivered face must not stay readable in a free page of the file.
            "secure_delete = ON",
            "temp_store = MEMORY",
        ),
        OutboxError,
    )
    with translated(settings.path):
        database = open_face_database(settings.path, form)
    # One flipped bit in a text must not keep the rows behind it from being read.
    database.text_factory = _readable
    return database


def _let_shrink(database: sqlite3.Connection) -> None:
    """Write a small file of an earlier release anew, so that it can give room back."""
    [mode], [pages] = (
        database.execute(f"PRAGMA {what}").fetchone() for what in ("auto_vacuum", "page_count")
    )
    if mode != INCREMENTAL and pages * PAGE <= MOST_BYTES:
        with suppress(sqlite3.OperationalError):  # in use, or no room: at another start
            database.execute("PRAGMA auto_vacuum = INCREMENTAL")
            database.execute("VACUUM")


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Raise an OutboxError that names the next step wherever sqlite or the system complains."""
    try:
        yield
    except OutboxError:
        raise
    except (sqlite3.Error, OSError, ValueError, TypeError, OverflowError) as error:
        raise _outbox_error(path, error) from error


def _outbox_error(path: Path, error: Exception) -> OutboxError:
    text = str(error)
    # sqlite's error codes reach Python only from 3.11 on; these texts have not changed in years.
    if is_full(error) or ("disk I/O error" in text and free_bytes(path) < INDEX_BYTES):
        return OutboxFullError(FULL.format(path))
    if isinstance(error, ValueError | TypeError | OverflowError):
        return OutboxCorruptError(f"outbox {path} holds values that no gate wrote ({text})")
    if "not a database" in text and _was_none(path):
        return OutboxError(f"{path} never was an outbox: name another file")
    if "malformed" in text or "not a database" in text or text.startswith("quick_check"):
        return OutboxCorruptError(f"outbox {path} is corrupt ({text})")
    if "locked" in text:
        return OutboxError(f"outbox {path} is held by another process: stop it first")
    return OutboxError(f"outbox {path} cannot be used ({text}): check the folder and its disk")


def is_full(error: Exception) -> bool:
    """Tell whether sqlite or the system means that the disk is full."""
    return any(words in str(error) for words in ("is full", "No space left", "quota exceeded"))


def takes_outbox(path: Path) -> bool:
    """Tell whether a file can become an outbox, or is one, damaged or not, as far as one sees."""
    if not _is_begun(path):
        return True
    return not _was_none(path) and takes(path, APPLICATION_ID, damaged=True)


def _was_none(path: Path) -> bool:
    """Tell whether a file is text and nothing lies beside it that an outbox leaves there."""
    if any(path.with_name(path.name + suffix).exists() for suffix in (OWED, RESERVE)):
        return False
    with path.open("rb") as file:
        return b"\0" not in file.read(PAGE)


def _is_begun(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except OSError:
        return False


def _readable(text: bytes) -> str:
    return text.decode("utf-8", "backslashreplace")


def _statements(script: str) -> Iterator[str]:
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""


def _set_aside(path: Path) -> Path:
    number = 1
    while (aside := path.with_name(f"{path.name}{SET_ASIDE}{number}")).exists():
        number += 1
    for suffix in ("", "-wal", "-shm"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.replace(aside.with_name(aside.name + suffix))
    return aside
