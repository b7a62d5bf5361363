"""`edge score --cluster`: the same faces and figures as on one machine, in a folder of Parquet."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from rich.console import Console

from edge.cluster.archive import JobFacts, Part, ResultFolder, list_digest, parts_of
from edge.cluster.run import (
    FAILURES_FILE,
    Finished,
    Where,
    complete,
    notes_of,
    write_failures,
)
from edge.cluster.score_part import ScoreJob, score_part
from edge.console import counts_words, note, progress
from edge.samples import Reason
from edge.sources.files import left_out, listed
from engines.amounts import amount

SHOWN = 20
"""Failures printed; all of them are in the folder's file."""


def score_on_cluster(where: Where, paths: Sequence[Path], job: ScoreJob, shown_on: Console) -> int:
    """
    Score the faces of images, folders and videos; 1 when something failed.

    Args:
        where: The cluster, and the folder of the results.
        paths: Images, folders and videos, as every worker sees them.
        job: How to score.
        shown_on: For people.

    Raises:
        SourceError: A folder holds no image.
        UsageError: The extra `cluster` is not installed.
        ArchiveError: The folder is of another job, or cannot be written.
        ClusterError: The cluster cannot be used; what was computed is kept.
    """
    images, videos = (
        list(map(str, found))
        for found in listed([Path(os.path.abspath(path)) for path in paths])  # noqa: PTH100
    )
    parts = tuple(_parts(images, videos, where.part_size))
    folder = ResultFolder(where.folder, _facts(job, [*images, *videos], where.part_size))
    with progress(shown_on) as bars:
        finished = complete(where.address, partial(score_part, job), parts, folder, bars)
    note(shown_on, left_out(paths))
    return _report(finished, folder, shown_on)


def _parts(images: Sequence[str], videos: Sequence[str], size: int) -> Iterator[Part]:
    of_images = tuple(parts_of(images, size))
    yield from of_images
    for part in parts_of(videos, 1):  # a video is one part: its frames are read in order
        yield replace(part, number=part.number + len(of_images))


def _facts(job: ScoreJob, items: Sequence[str], part_size: int) -> JobFacts:
    return {
        "command": "score",
        "pair_id": job.place.pair_id,
        "threads": job.place.threads,
        "detector": job.detector.model_dump(mode="json"),
        "gate": job.gate.model_dump(mode="json"),
        "software": job.software,
        "geometry": str(job.geometry),
        "files": len(items),
        "list": list_digest(items),
        "part_size": part_size,
    }


def _report(finished: Finished, folder: ResultFolder, shown_on: Console) -> int:
    counts: Counter[Reason] = Counter()
    failures: list[str] = []
    for notes in notes_of(finished, folder):
        counts.update({Reason(name): count for name, count in notes["faces"].items()})
        failures += notes["failures"]
    failures += finished.lost_words()
    write_failures(folder.folder, failures)
    for failure in failures[:SHOWN]:
        shown_on.print(f"not scored: {failure}", markup=False, style="red")
    if len(failures) > SHOWN:
        path = folder.folder / FAILURES_FILE
        shown_on.print(f"… and {len(failures) - SHOWN} more in {path}", markup=False)
    words = f"; {amount(len(failures), 'input')} failed" if failures else ""
    shown_on.print(f"{counts_words(counts)}{words}; written to {folder.folder}", markup=False)
    return 1 if failures else 0
