"""Progress bars, tables and the closing summary on standard error; records go to standard out."""

import sys
from collections import Counter
from collections.abc import Iterable, Mapping

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from edge.delivery.record import FaceRecord
from edge.samples import Reason

NOT_SCORED = "-"


def console() -> Console:
    """Return the console for people: standard error, so that records can be piped."""
    # A log keeps its lines whole; only a terminal has a width to break them at.
    return Console(stderr=True, highlight=False, soft_wrap=not sys.stderr.isatty())


def progress(shown_on: Console) -> Progress:
    """Return a progress display that names the step, counts it and estimates the rest."""
    return Progress(
        TextColumn("{task.description}", markup=False),  # the name of a file may hold [brackets]
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
        console=shown_on,
    )


def faces_table(records: Iterable[FaceRecord], title: str | None = None) -> Table:
    """Return one row for each face: where, shift, quality score, verdict and reason."""
    table = Table(title=title, title_justify="left")
    table.add_column("face", overflow="fold")
    for heading in ("eyes px", "shift", "score"):
        table.add_column(heading, justify="right", no_wrap=True)  # half a number misleads
    for heading in ("verdict", "reason"):
        table.add_column(heading, overflow="fold")
    for record in records:
        table.add_row(*_row(record))
    return table


def _row(record: FaceRecord) -> Iterable[str | Text]:
    forwarded = record.verdict == "forward"
    return (
        Text(place(record)),
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


def counts_words(found: Mapping[Reason, int]) -> str:
    """Return the same of faces that were counted already."""
    counts = +Counter(found)
    total = counts.total()
    forwarded = counts.pop(Reason.FORWARDED, 0)
    reasons = ", ".join(f"{reason.value} {count}" for reason, count in counts.most_common())
    discarded = f", {total - forwarded} discarded ({reasons})" if reasons else ""
    return f"{amount(total, 'face')}: {forwarded} forwarded{discarded}"


def amount(count: int, noun: str) -> str:
    """Return a count with its noun, e.g. "1 face", "2 faces"."""
    return f"{count} {noun}{'' if count == 1 else 's'}"
