"""
Values in an outbox that no gate wrote, put right when it is opened.

sqlite keeps text where numbers belong, and its own check finds nothing wrong with it. A flipped bit
must not cost the faces beside it, so what can be known from the rest is written anew. What a face
itself says is not looked at here: its checksum is, when its turn comes.
"""

# ruff: noqa: S608 -- no part of a statement comes from outside

import logging
import sqlite3
from pathlib import Path

from edge.delivery.face_database import transaction

log = logging.getLogger(__name__)

MOST = 2**53
"""More faces or seconds there never are."""


def _no_number(column: str) -> str:
    return f"(typeof({column}) NOT IN ('integer', 'real') OR abs({column}) > {MOST})"


def _no_count(column: str) -> str:
    return f"(typeof({column}) <> 'integer' OR abs({column}) > {MOST})"


def _rewritten(table: str, change: str, where: str) -> tuple[str, str, str]:
    return (
        table,
        f"SELECT 1 FROM {table} WHERE {where}",
        f"UPDATE {table} SET {change} WHERE {where}",
    )


def _only(table: str, values: str, right: str) -> tuple[str, str, str]:
    """Return the same for a table of one row: what is right of it, and what it is otherwise."""
    missing = f"WHERE NOT EXISTS (SELECT 1 FROM {table} WHERE {right})"
    return table, f"SELECT 1 {missing}", f"INSERT OR REPLACE INTO {table} SELECT {values} {missing}"


def _deleted(table: str, where: str) -> tuple[str, str, str]:
    return table, f"SELECT 1 FROM {table} WHERE {where}", f"DELETE FROM {table} WHERE {where}"


_NEWEST = "coalesce((SELECT max(accepted_s) FROM faces), 0)"
_SUM = "coalesce((SELECT sum(bytes) FROM faces), 0)"
MENDED: tuple[tuple[str, str, str], ...] = (
    _rewritten("faces", "accepted_s = 0", _no_number("accepted_s")),
    _rewritten("faces", "accepted_wall_s = 0", _no_number("accepted_wall_s")),
    _rewritten("faces", "quality = 0", _no_number("quality")),
    _rewritten(
        "faces",
        "bytes = length(record) + length(face_image)",
        f"{_no_count('bytes')} OR bytes < 0",
    ),
    _rewritten("queue", "due_s = 0", _no_number("due_s")),
    _rewritten("queue", "attempts = 0", f"{_no_count('attempts')} OR attempts < 0"),
    _rewritten("queue", "refusal = 'unreadable'", "typeof(refusal) NOT IN ('text', 'null')"),
    _deleted("queue", "typeof(sink) <> 'text' OR typeof(face_id) <> 'integer'"),
    _deleted(
        "ledger",
        f"typeof(sink) <> 'text' OR typeof(event) <> 'text' OR {_no_count('faces')}",
    ),
    _only("stored", f"1, {_SUM}", f"typeof(bytes) = 'integer' AND bytes = {_SUM}"),
    _only(
        "clock",
        f"1, {_NEWEST}, 0",
        f"NOT {_no_number('outbox_s')} AND NOT {_no_number('wall_s')}",
    ),
    _rewritten(
        "sqlite_sequence",
        "seq = coalesce((SELECT max(id) FROM faces), 0)",
        f"name = 'faces' AND ({_no_count('seq')} OR seq < 0)",
    ),
)
"""Tables, what finds strange values in them, and what writes those anew, in this order."""


def mend(database: sqlite3.Connection, path: Path) -> None:
    """
    Put strange values right, and tell of it.

    Args:
        database: Just opened.
        path: Of its file, for messages.

    Raises:
        sqlite3.Error: It cannot be written.
    """
    strange = tables_with_strange_values(database)
    if not strange:
        return  # without a write, which a full disk does not take
    with transaction(database):
        for _, _, change in MENDED:
            database.execute(change)
    log.error(
        "outbox %s held values that no gate wrote (%s); what could be known was written anew, the "
        "rest is missing in the books: the disk may be failing",
        path,
        ", ".join(strange),
    )


def tables_with_strange_values(database: sqlite3.Connection) -> list[str]:
    """Return their names; empty when all is well."""
    found = [table for table, finds, _ in MENDED if database.execute(finds).fetchone()]
    return list(dict.fromkeys(found))
