"""Tables as Parquet files with notes. The only module that imports pyarrow (extra `cluster`)."""

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

from edge.errors import ArchiveError, UsageError

NOTES = b"edge-gate"
"""Key of the notes in the file's metadata."""
Row: TypeAlias = Mapping[str, Any]
Columns: TypeAlias = Mapping[str, str]
"""Type of each column: an Arrow type's name, such as `double`, or `list<…>` of one."""

INSTALL = "Parquet needs PyArrow, and --cluster Dask too: pip install 'edge-gate[cluster]'"


def parquet_bytes(rows: Sequence[Row], columns: Columns, notes: Mapping[str, Any]) -> bytes:
    """
    Return a Parquet file.

    Args:
        rows: Values by column.
        columns: Type of each column.
        notes: What JSON can say; kept in the file's metadata.
    """
    pa = _pyarrow()
    schema = pa.schema([(name, _type(pa, words)) for name, words in columns.items()])
    table = pa.Table.from_pylist(list(rows), schema)
    table = table.replace_schema_metadata({NOTES: json.dumps(notes).encode()})
    file = io.BytesIO()
    pa.parquet.write_table(table, file, compression="zstd")
    return file.getvalue()


def read_notes(path: Path) -> dict[str, Any] | None:
    """Return the notes of a file; None when it is missing or no file of ours."""
    pa = _pyarrow()
    try:
        found = pa.parquet.read_metadata(path).metadata or {}
        return dict(json.loads(found[NOTES]))
    except (OSError, ValueError, KeyError):  # pa.ArrowInvalid is a ValueError
        return None


def read_rows(path: Path) -> list[dict[str, Any]]:
    """
    Return all rows of a file.

    Raises:
        ArchiveError: It is damaged.
    """
    pa = _pyarrow()
    try:
        return list(pa.parquet.read_table(path).to_pylist())
    except (OSError, ValueError) as error:
        raise ArchiveError(
            f"{path}: {error}; delete the file and run the same command again"
        ) from error


def _pyarrow() -> ModuleType:
    try:
        import pyarrow  # noqa: ICN001, PLC0415
        import pyarrow.parquet  # noqa: PLC0415
    except ImportError as error:
        raise UsageError(INSTALL) from error
    return pyarrow


def _type(pa: ModuleType, words: str) -> Any:
    if words.startswith("list<"):
        return pa.list_(_type(pa, words[5:-1]))
    return pa.type_for_alias(words)
