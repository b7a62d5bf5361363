"""
An sqlite file of ours that holds faces: for its owner's eyes only, marked, with a schema version.

`PRAGMA user_version` counts the migrations that were applied; a file of a newer release is refused.
"""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from edge.errors import EdgeError

IN_MEMORY = Path(":memory:")
BUSY_S = 10.0
_MAGIC = b"SQLite format 3\0"
_ID_AT = 68
"""Offset of the application id in an sqlite file (sqlite.org/fileformat.html)."""


@dataclass(frozen=True, slots=True)
class Format:
    """What is in a file, and how it is used."""

    application_id: int
    """Marks our files, so that no other program's database is ever written to."""
    migrations: Sequence[Sequence[str]]
    """Statements; the n-th take a file from version n - 1 to n."""
    pragmas: Sequence[str]
    """Set at each opening, before the migrations."""
    refusal: type[EdgeError]
    """Raised for a file of another program or of a newer release."""


def open_face_database(path: Path, form: Format) -> sqlite3.Connection:
    """
    Open or make a file, and bring it to the newest version.

    Args:
        path: Of the file, or `IN_MEMORY`.
        form: What must be in it.

    Raises:
        sqlite3.Error, OSError: The file is damaged, or cannot be used.
        EdgeError: As `form.refusal` says.
    """
    if path != IN_MEMORY:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Made before sqlite does, so that nobody else on the device can read faces in it.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    database = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        _check(database, path, form)
        for pragma in form.pragmas:
            database.execute(f"PRAGMA {pragma}")
        _migrate(database, path, form)
    except BaseException:
        database.close()
        raise
    return database


@contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[None]:
    """Keep all of the block or nothing."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
        database.execute("COMMIT")
    except BaseException:
        # sqlite has already rolled back after some errors, such as a full disk.
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise


def is_marked(path: Path, application_id: int) -> bool:
    """Tell by its first bytes whether a file is of a format; False when it cannot be read."""
    try:
        if not path.is_file():  # a pipe would be waited for
            return False
        with path.open("rb") as file:
            head = file.read(_ID_AT + 4)
    except OSError:
        return False
    return head.startswith(_MAGIC) and head[_ID_AT:] == application_id.to_bytes(4, "big")


def takes(path: Path, application_id: int, *, damaged: bool = False) -> bool:
    """
    Tell whether a file that is there is of a format, or empty so that it can become of it.

    A gate that is just making the file has its mark in the write-ahead log alone, so that sqlite
    is asked.

    Args:
        path: Of the file, which is not changed.
        application_id: Marks the format.
        damaged: The answer where sqlite cannot read the file.
    """
    if is_marked(path, application_id):
        return True
    if not path.is_file():
        return False
    try:
        uri = f"{path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=BUSY_S)) as database:
            return not _belongs_to_another(database, application_id)
    except sqlite3.Error:
        return damaged


def _belongs_to_another(database: sqlite3.Connection, application_id: int) -> bool:
    """Tell whether a database holds tables that are not ours; an empty one is anybody's."""
    if _number(database, "application_id") == application_id:
        return False
    return database.execute("SELECT 1 FROM sqlite_master").fetchone() is not None


def _check(database: sqlite3.Connection, path: Path, form: Format) -> None:
    if _belongs_to_another(database, form.application_id):
        raise form.refusal(f"{path} is a database of another program: name another file")
    findings = database.execute("PRAGMA quick_check(1)").fetchone()
    if findings != ("ok",):
        raise sqlite3.DatabaseError(f"quick_check: {' '.join(findings[0].split())}")


def _migrate(database: sqlite3.Connection, path: Path, form: Format) -> None:
    if _version(database, path, form) == len(form.migrations):
        return  # without a write, so that a full disk can be opened and emptied
    with transaction(database):
        # Asked again: another process may have just migrated.
        for statements in form.migrations[_version(database, path, form) :]:
            for statement in statements:
                database.execute(statement)
        database.execute(f"PRAGMA application_id = {form.application_id}")
        database.execute(f"PRAGMA user_version = {len(form.migrations)}")


def _version(database: sqlite3.Connection, path: Path, form: Format) -> int:
    version, known = _number(database, "user_version"), len(form.migrations)
    if version > known:
        raise form.refusal(
            f"{path} has schema version {version}, this release knows {known}: "
            "install the newer release again, or move the file away"
        )
    return version


def _number(database: sqlite3.Connection, pragma: str) -> int:
    return int(database.execute(f"PRAGMA {pragma}").fetchone()[0])
