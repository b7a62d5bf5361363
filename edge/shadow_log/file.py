"""
The file of the shadow log: a database of faces in WAL mode.

Footage is kept in pieces of at most a minute, and whole pieces are deleted, so that what is left
always tells its own length.
"""

import sqlite3
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge.delivery.face_database import Format, is_marked, open_face_database, takes
from edge.errors import ShadowLogError

DAMAGED = "the file is damaged; move it away or delete it"
APPLICATION_ID = 0x4547534C
"""Marks our files (`EGSL`), so that no other program's database is ever written to."""

VERSION_1 = (
    """CREATE TABLE clock (
        one INTEGER PRIMARY KEY CHECK (one = 1), outbox_s REAL NOT NULL, wall_s REAL NOT NULL
    )""",
    "INSERT INTO clock VALUES (1, 0, 0)",
    """CREATE TABLE pieces (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        camera TEXT NOT NULL,
        run TEXT NOT NULL,
        mode TEXT NOT NULL,
        pair_id TEXT NOT NULL,
        began_s REAL NOT NULL,
        began_wall_s REAL NOT NULL,
        seen_s REAL NOT NULL,
        watched_s REAL NOT NULL,
        frames INTEGER NOT NULL,
        joins INTEGER NOT NULL
    )""",
    "CREATE INDEX pieces_camera ON pieces (camera)",
    """CREATE TABLE faces (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        piece INTEGER NOT NULL REFERENCES pieces (id) ON DELETE CASCADE,
        wall_s REAL NOT NULL,
        seen_s REAL NOT NULL,
        track INTEGER NOT NULL,
        place INTEGER NOT NULL,
        box_left REAL NOT NULL,
        box_top REAL NOT NULL,
        box_right REAL NOT NULL,
        box_bottom REAL NOT NULL,
        detector_score REAL,
        inter_eye_distance REAL,
        shift REAL,
        score REAL,
        reason TEXT NOT NULL,
        detail TEXT NOT NULL,
        picture BLOB,
        bytes INTEGER NOT NULL
    )""",
    "CREATE INDEX faces_piece ON faces (piece)",
    "CREATE TABLE stored (one INTEGER PRIMARY KEY CHECK (one = 1), bytes INTEGER NOT NULL)",
    "INSERT INTO stored VALUES (1, 0)",
    """CREATE TRIGGER stored_grows AFTER INSERT ON faces
        BEGIN UPDATE stored SET bytes = bytes + NEW.bytes; END""",
    """CREATE TRIGGER stored_shrinks AFTER DELETE ON faces
        BEGIN UPDATE stored SET bytes = bytes - OLD.bytes; END""",
)
VERSION_2 = (
    """CREATE TABLE moments (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        piece INTEGER NOT NULL REFERENCES pieces (id) ON DELETE CASCADE,
        seen_s REAL NOT NULL,
        ended TEXT NOT NULL
    )""",
    "CREATE INDEX moments_piece ON moments (piece)",
    "ALTER TABLE pieces ADD COLUMN has_moments INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE faces ADD COLUMN moment INTEGER",
    "ALTER TABLE faces ADD COLUMN embedding BLOB",
)
"""What tells repeated faces and the ends of tracks, so that decisions can be made again."""
VERSION_3 = ("ALTER TABLE faces ADD COLUMN sketch BLOB",)
"""What tells which faces a gate would have looked at."""
VERSION_4 = ("ALTER TABLE pieces ADD COLUMN conditions TEXT NOT NULL DEFAULT ''",)
"""By which settings faces were found, so that those of others are not promised by."""
MIGRATIONS = (VERSION_1, VERSION_2, VERSION_3, VERSION_4)
"""Statements; the n-th take a file from version n - 1 to n. Only ever append."""
FORMAT = Format(
    APPLICATION_ID,
    MIGRATIONS,
    (
        "auto_vacuum = FULL",  # deleted faces give their room back to the disk
        "journal_mode = WAL",
        "synchronous = NORMAL",
        "foreign_keys = ON",
        "secure_delete = ON",  # a deleted face must not stay readable in a free page
        "temp_store = MEMORY",
    ),
    ShadowLogError,
)


def is_shadow_log(path: Path) -> bool:
    """Tell by its first bytes whether a file is a shadow log; False when it cannot be read."""
    return is_marked(path, APPLICATION_ID)


def takes_shadow_log(path: Path) -> bool:
    """Tell whether a file is a shadow log or empty; False when it is damaged or unreadable."""
    return takes(path, APPLICATION_ID)


def open_shadow_log(path: Path) -> sqlite3.Connection:
    """
    Open or make the file.

    Raises:
        ShadowLogError: The folder is not writable, the file is damaged, another program's or of a
            newer release.
    """
    with translated(path):
        database = open_face_database(path, FORMAT)
        if not is_shadow_log(path):
            # So far the application id is in the write-ahead log only.
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return database


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Raise a ShadowLogError that names the next step wherever sqlite or the system complains."""
    try:
        yield
    except ShadowLogError:
        raise
    except (sqlite3.Error, OSError) as error:
        raise ShadowLogError(f"shadow log {path}: {error}: {_next_step(str(error))}") from error
    except (TypeError, ValueError, LookupError, OverflowError, struct.error) as error:
        # sqlite keeps text where numbers belong, and a flipped bit is enough for that.
        raise ShadowLogError(
            f"shadow log {path} holds values that no gate wrote ({error}): {DAMAGED}"
        ) from error


def _next_step(text: str) -> str:
    if "is full" in text or "No space left" in text:
        return "make room"
    if "malformed" in text or "not a database" in text or "quick_check" in text:
        return DAMAGED
    return "check the folder and its disk"
