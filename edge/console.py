"""Progress bars, tables and the closing summary on standard error; records go to standard out."""

import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TimeRemainingColumn,
)
from rich.segment import Segment
from rich.text import Text

from edge.printable import printable
from edge.samples import Reason
from engines.amounts import amount

REFRESHED = 4
"""Times a second that progress is drawn."""


class Screen(Console):
    """
    A console on which names of files and words of others are text, whatever they hold.

    A `Text` that goes into a table is spelled out by who makes it: what is measured there has no
    way past the console.
    """

    def render_str(self, text: str, **how: Any) -> Text:
        """Return a text as it will be shown, so that a table is as wide as that."""
        return super().render_str(printable(text), **how)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Yield the pieces of what is shown; the console's own orders are none of others."""
        for piece in super().render(renderable, options):
            own = piece.control is not None
            yield piece if own else piece._replace(text=printable(piece.text))


def console() -> Console:
    """Return the console for people: standard error, so that records can be piped."""
    # A log keeps its lines whole; only a terminal has a width to break them at.
    return Screen(stderr=True, highlight=False, soft_wrap=not sys.stderr.isatty())


class Step(ProgressColumn):
    """What is being done; the name of a file in it may hold [brackets], and anything else."""

    def render(self, task: Task) -> Text:
        """Return it as it will be shown."""
        return Text(printable(task.description))


def progress(shown_on: Console) -> Progress:
    """
    Return a progress display that names the step, counts it and estimates the rest.

    It is drawn now and then by a thread of its own, which takes 2 to 4 ms each time; where there is
    no terminal it would draw for nobody, and is written once, at the end.
    """
    return Progress(
        Step(),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
        console=shown_on,
        auto_refresh=shown_on.is_terminal,
        refresh_per_second=REFRESHED,
    )


def counts_words(found: Mapping[Reason, int]) -> str:
    """Return the same of faces that were counted already."""
    counts = +Counter(found)
    total = counts.total()
    low = counts.pop(Reason.BEST_OF_TRACK, 0)
    forwarded = counts.pop(Reason.FORWARDED, 0) + low
    reasons = ", ".join(f"{reason.value} {count}" for reason, count in counts.most_common())
    discarded = f", {total - forwarded} discarded ({reasons})" if reasons else ""
    below = f" ({low} below the threshold, the best of their people)" if low else ""
    return f"{amount(total, 'face')}: {forwarded} forwarded{below}{discarded}"


def note(shown_on: Console, words: str | None) -> None:
    """Say what is no failure and yet worth knowing, if there is anything."""
    if words is not None:
        shown_on.print(words, markup=False, style="yellow")


def people_words(count: int) -> str:
    """Return a count of people: "1 person", "2 people"."""
    return amount(count, "person", "people")
