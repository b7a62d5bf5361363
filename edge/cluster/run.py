"""One job on a cluster: what is not there yet is computed and kept, part by part."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.progress import Progress

from edge.cluster.archive import Part, ResultFolder
from edge.cluster.client import Work, connected
from edge.cluster.parquet import read_notes
from engines.amounts import amount
from engines.whole_file import write_whole

FAILURES_FILE = "failures.txt"


@dataclass(frozen=True, slots=True)
class Where:
    """Where a job is computed and kept."""

    address: str
    """Of the scheduler."""
    folder: Path
    """Of the results."""
    part_size: int
    """Images in one part."""


@dataclass(frozen=True, slots=True)
class Finished:
    """What is in the folder after a run."""

    done: tuple[Part, ...]
    lost: tuple[Part, ...]
    """Parts that killed one worker after another; the next run tries them again."""

    def lost_words(self) -> Iterator[str]:
        """Yield what to tell about each lost part."""
        for part in self.lost:
            yield (
                f"{part.items[0]} and the {len(part.items) - 1} after it: not computed, workers "
                "died of them; look at the workers' logs and memory, then run the command again"
            )


def complete(
    address: str, work: Work, parts: Sequence[Part], folder: ResultFolder, bars: Progress
) -> Finished:
    """
    Compute the parts that are not there; with nothing to do no cluster is needed.

    Args:
        address: Of the scheduler.
        work: Computes one part on a worker.
        parts: All of them.
        folder: Where they are kept, each as soon as it arrives.
        bars: A running progress display.

    Raises:
        ArchiveError: A part cannot be written.
        ClusterError: The cluster cannot be used, or is gone; what was written stays.
    """
    missing = [part for part in parts if not folder.has(part)]
    lost: list[Part] = []
    if missing:
        total = sum(len(part.items) for part in parts)
        there = total - sum(len(part.items) for part in missing)
        task = bars.add_task(address, total=total, completed=there)
        with connected(address) as cluster:

            def idle(threads: int) -> None:
                words = (
                    f"{amount(threads, 'thread')} at work"
                    if threads
                    else "no worker: waiting for one"
                )
                bars.update(task, description=f"{address}: {words}")

            for part, content in cluster.results(work, missing, idle):
                if content is None:
                    lost.append(part)
                else:
                    folder.keep(part, content)
                    bars.advance(task, len(part.items))
    return Finished(tuple(part for part in parts if part not in lost), tuple(lost))


def notes_of(finished: Finished, folder: ResultFolder) -> Iterator[dict[str, Any]]:
    """Yield what the workers noted about each part that is there."""
    for part in finished.done:
        yield read_notes(folder.path(part)) or {}


def write_failures(folder: Path, failures: Sequence[str]) -> None:
    """Write one line for each failure; no failure leaves no file."""
    path = folder / FAILURES_FILE
    if failures:
        write_whole(path, "".join(f"{each}\n" for each in failures).encode())
    else:
        path.unlink(missing_ok=True)
