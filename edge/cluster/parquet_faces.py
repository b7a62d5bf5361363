"""Scored faces as one Parquet file, with the columns that a cluster's parts have."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from edge.cluster.parquet import parquet_bytes
from edge.cluster.score_part import COLUMNS, record_row
from edge.delivery.face_output import Write, component_cells
from edge.delivery.record import FaceRecord
from edge.errors import SinkError
from engines.whole_file import write_whole


@contextmanager
def parquet_faces(path: Path, components: Sequence[str] = ()) -> Iterator[Write]:
    """
    Yield what takes one record at a time; the file is written when the block ends.

    Args:
        path: Of the file.
        components: Names of quality components that get columns: quality, then value.

    Raises:
        UsageError: PyArrow is not installed; raised before anything is taken.
        SinkError: The folder does not exist or cannot be written.
    """
    more = {f"{name}_{kind}": "double" for name in components for kind in ("quality", "value")}
    columns, rows = COLUMNS | more, list[dict[str, Any]]()
    parquet_bytes((), columns, {})

    def take(record: FaceRecord) -> None:
        rows.append(record_row(record) | component_cells(record))

    yield take
    try:
        write_whole(path, parquet_bytes(rows, columns, {}))
    except OSError as error:
        raise SinkError(f"{path}: cannot be written: {error.strerror or error}") from error
