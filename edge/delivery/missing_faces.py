"""What an outbox owed and does not hold any more, booked when it is opened."""

import logging
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from edge.delivery import outbox_ledger as books
from edge.delivery import outbox_tables as tables
from edge.delivery.face_database import IN_MEMORY
from edge.delivery.outbox_access import Access
from edge.delivery.outbox_ledger import Counted
from edge.delivery.owed import NOT_NOTED, Owed
from engines.amounts import amount

log = logging.getLogger(__name__)


def open_owed(path: Path, sinks: Sequence[str]) -> Owed | None:
    """Return the file beside an outbox; None in memory, and on a disk that does not give one."""
    if path == IN_MEMORY:
        return None
    try:
        return Owed(path, sinks)
    except OSError as error:
        _warn(path, error)
        return None


def settle(access: Access, owed: Owed, path: Path) -> None:
    """
    Book what is owed and not here any more as lost, and go on from what is here.

    Args:
        access: To the outbox just opened.
        owed: The file beside it.
        path: Of the outbox, for messages.

    Raises:
        OutboxError: It could not be booked; the next opening tries again.
    """
    with access.reading() as (database, _):
        newest = tables.newest(database)
    faces, sinks = owed.missing(newest)
    if owed.newest > newest:
        access.change(lambda database, _: _book(database, sinks, owed.newest))
    if faces:
        log.error(
            "outbox %s: %s lost, accepted and not yet delivered: a crash cut off the end of the "
            "file, or it was set aside or deleted",
            path,
            amount(faces, "face"),
        )
    with access.reading() as (database, _):
        try:
            owed.begin(max(newest, owed.newest), tables.queued(database))
        except OSError as error:  # a full disk can be opened and emptied all the same
            _warn(path, error)
            owed.delete()
        else:
            owed.follow(database)
    access.record()  # what the process before could not write


def note_lacking(path: Path, sinks: Sequence[str], counted: Sequence[Counted]) -> None:
    """
    Note beside an outbox that cannot be opened what its books lack; of one in memory nobody asks.

    Args:
        path: Of the outbox.
        sinks: Those that may get faces.
        counted: What happened.
    """
    if path == IN_MEMORY:
        return
    try:
        with closing(Owed(path, sinks)) as owed:
            owed.lack_more(counted)
    except OSError as error:
        log.error(NOT_NOTED, path, error.strerror, counted)  # noqa: TRY400 -- it is the disk's


def _book(database: sqlite3.Connection, lost: Mapping[str, int], newest: int) -> None:
    for sink, faces in lost.items():
        books.count(database, [sink], "queued", faces)
        books.count(database, [sink], "lost", faces)
    tables.go_on_after(database, newest)


def _warn(path: Path, error: OSError) -> None:
    log.warning("%s: %s; a cut end of the outbox would not be noticed", path, error.strerror)
