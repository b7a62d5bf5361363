"""Where the records of scored faces go: a table for people, JSON Lines or CSV for programs."""

import csv
import io
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TextIO

from rich.table import Table
from rich.text import Text

from edge.console import Screen, counts_words
from edge.delivery.record import FaceRecord, record_json
from edge.errors import SinkError
from edge.printable import printable
from engines.whole_file import whole_file

Form = Literal["table", "json", "array", "csv"]
Write = Callable[[FaceRecord], None]

CSV_COLUMNS = (
    "source",
    "frame",
    "time_s",
    "face_index",
    "left",
    "top",
    "right",
    "bottom",
    "detector_score",
    "inter_eye_distance",
    "shift",
    "quality",
    "score",
    "verdict",
    "reason",
    "pair_id",
)


def made_folder(path: Path) -> Path:
    """
    Make a folder for results, before the work whose results it will hold.

    Raises:
        SinkError: It cannot be made, or nothing can be written into it.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            return path
    except OSError as error:
        raise SinkError(
            f"{path}: no folder to write to: {error.strerror or error}; name another with --out"
        ) from error


@contextmanager
def whole_text(path: Path) -> Iterator[TextIO]:
    """
    Yield a text file that appears under its name when the block ends without an error.

    Raises:
        SinkError: The folder does not exist or cannot be written.
    """
    try:
        with whole_file(path) as file:
            # Names of files may hold bytes that are no UTF-8.
            text = io.TextIOWrapper(file, "utf-8", errors="backslashreplace", newline="")
            try:
                yield text
            finally:
                text.detach()
    except OSError as error:
        raise SinkError(f"{path}: cannot be written: {error.strerror or error}") from error


@contextmanager
def written(form: Form, file: TextIO, components: Sequence[str] = ()) -> Iterator[Write]:
    """
    Yield what takes one record at a time; a table is drawn when the block ends.

    Args:
        form: Table, JSON Lines (json), one JSON document (array) or CSV.
        file: To write to.
        components: Names of quality components that get columns in a CSV: quality, then value.
    """
    if form == "json":
        yield lambda record: print(record_json(record).decode(), file=file, flush=True)
    elif form == "array":
        begun: list[str] = []

        def take(record: FaceRecord) -> None:
            print("," if begun else "[", record_json(record).decode(), sep="\n", file=file)
            begun.append("")

        yield take
        print("]" if begun else "[]", file=file)
    elif form == "csv":
        more = [column for name in components for column in (f"{name}_quality", f"{name}_value")]
        columns = (*CSV_COLUMNS, *more)
        writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        yield lambda record: writer.writerow(_csv_row(record))
    else:
        records: list[FaceRecord] = []
        yield records.append
        Screen(file=file, highlight=False).print(faces_table(records))


def _csv_row(record: FaceRecord) -> dict[str, object]:
    row = record.model_dump()
    return row | row["box"] | {"reason": record.reason.value} | component_cells(record)


def component_cells(record: FaceRecord) -> dict[str, object]:
    """Return quality and value of each component that was measured, by the names of columns."""
    found = (record.components or {}).items()
    qualities: dict[str, object] = {f"{name}_quality": each.quality for name, each in found}
    return qualities | {f"{name}_value": each.value for name, each in found}


NOT_SCORED = "-"
WEAK = 50
"""Quality below which the table names a component."""


def faces_table(records: Iterable[FaceRecord], title: str | None = None) -> Table:
    """Return one row for each face: where, shift, quality score, verdict and reason."""
    table = Table(title=title, title_justify="left")
    table.add_column("face", overflow="fold")
    for heading in ("eyes px", "shift", "score"):
        table.add_column(heading, justify="right", no_wrap=True)  # half a number misleads
    for heading in ("verdict", "reason"):
        table.add_column(heading, overflow="fold")
    rows = list(records)
    told = any(record.components is not None for record in rows)
    if told:
        table.add_column(f"weak (<{WEAK})", overflow="fold")
    for record in rows:
        table.add_row(*_row(record), *([_weak(record)] if told else []))
    return table


def _weak(record: FaceRecord) -> str:
    """Return the components that are weak, the weakest first, with their quality."""
    found = (record.components or {}).items()
    weak = sorted((each.quality, name) for name, each in found if each.quality < WEAK)
    # With blanks, a narrow table breaks between words.
    return ", ".join(f"{name.replace('_', ' ')} {quality:.0f}" for quality, name in weak)


def _row(record: FaceRecord) -> Iterable[str | Text]:
    forwarded = record.verdict == "forward"
    return (
        Text(printable(place(record))),
        f"{record.inter_eye_distance:.0f}",
        NOT_SCORED if record.shift is None else f"{record.shift:.3f}",
        NOT_SCORED if record.score is None else f"{record.score:.0f}",
        Text(record.verdict, "green" if forwarded else "red"),
        record.reason.value,
    )


def place(record: FaceRecord) -> str:
    """Return a short name of one face: file, time within a video, position in its frame."""
    name = record.source.rsplit("/", 1)[-1]
    when = "" if record.time_s is None else f" {record.time_s:.2f}s"
    return f"{name}{when} #{record.face_index}"


def summary(records: Iterable[FaceRecord]) -> str:
    """Return how many faces were forwarded and discarded, by reason, in one line."""
    return counts_words(Counter(record.reason for record in records))
