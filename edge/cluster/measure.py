"""`edge evaluate --cluster`: the workers measure the faces, this machine judges the measures."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

from rich.progress import Progress

from edge.cluster.archive import JobFacts, ResultFolder, list_digest, parts_of
from edge.cluster.measure_part import (
    COLUMNS,
    JUDGING,
    VERIFYING,
    MeasureJob,
    found_in,
    measure_part,
)
from edge.cluster.parquet import read_rows
from edge.cluster.run import Where, complete
from edge.errors import ClusterError, UsageError
from edge.evaluation.rivals import rival_entries
from edge.evaluation.run import Found
from engines.catalogue.catalogue import Catalogued, fetch


def measured_on_cluster(
    where: Where, names: Sequence[str], job: MeasureJob, bars: Progress
) -> tuple[Found, Found]:
    """
    Return what the judging network found in all images, and what the verifying one did.

    Args:
        where: The cluster, and the folder of the results.
        names: Of the images, below the job's folder.
        job: How to measure them.
        bars: A running progress display.

    Raises:
        UsageError: The extra `cluster` is not installed.
        ArchiveError: The folder is of another job, damaged, or cannot be written.
        ClusterError: The cluster cannot be used; what was computed is kept.
    """
    taken = set(COLUMNS) & set(job.columns())
    if taken:
        raise UsageError(f"a measure may not be named {taken.pop()!r}: results have such a column")
    parts = tuple(parts_of(names, where.part_size, job.images))
    folder = ResultFolder(where.folder, _facts(job, names, where.part_size))
    finished = complete(where.address, partial(measure_part, job), parts, folder, bars)
    if finished.lost:
        raise ClusterError("; ".join(finished.lost_words()))
    rows = [row for part in parts for row in read_rows(folder.path(part))]
    judged = found_in(rows, JUDGING, job)
    return judged, judged if job.verifying is None else found_in(rows, VERIFYING, job)


def _facts(job: MeasureJob, names: Sequence[str], part_size: int) -> JobFacts:
    return {
        "command": "evaluate",
        "pair_id": job.judging.pair_id,
        "verified_with": None if job.verifying is None else job.verifying.pair_id,
        "measures": job.measures,
        "rivals": [_rival_facts(entry) for entry in rival_entries(job.rivals).values()],
        "settings": asdict(job.settings),
        "detector": job.detector.model_dump(mode="json"),
        "detector_sha256": _sha256(job.detector.model),
        "images": str(job.images),
        "degrade_seeds": job.seeds,
        "degrade_share": job.share,
        "software": job.software,
        "files": len(names),
        "list": list_digest(names),
        "part_size": part_size,
    }


def _rival_facts(entry: Catalogued) -> JobFacts:
    files = [_sha256(path) for path in fetch(entry)]
    return {"name": entry.name, "entry": repr(entry), "files": files}


def _sha256(path: Path | None) -> str | None:
    return None if path is None else hashlib.sha256(path.read_bytes()).hexdigest()
