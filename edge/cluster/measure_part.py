"""Measure one part of a list of images: what a worker of a cluster does for `edge evaluate`."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import Progress

from edge.cluster.archive import Part
from edge.cluster.parquet import Row, parquet_bytes
from edge.cluster.work import (
    ONE_PART,
    PairPlace,
    require_software,
    worker_detector,
    worker_pair,
)
from edge.config.model import DetectorSettings
from edge.evaluation.curves import MeasuredFace
from edge.evaluation.face_store import FaceStore
from edge.evaluation.measured_faces import FaceFinder, FaceMeasurer
from edge.evaluation.measures import (
    Measure,
    MeasureSettings,
    open_measures,
    verifying_measures,
)
from edge.evaluation.report import Failure
from edge.evaluation.rivals import open_rivals, rival_entries
from edge.evaluation.run import Collected, Found, Versions, collect_all, versions

JUDGING, VERIFYING = "judging", "verifying"
COLUMNS = {
    "network": "string",
    "seed": "int64",
    "image": "string",
    "version": "string",
    "failure": "string",
    "embedding": "list<float>",
}
"""
Beside one column for each measure: `judging` or `verifying`; seed of the degradation, null for the
image as it is; path below the folder; `clean`, or fault and strength; why there is no face.
"""


@dataclass(frozen=True, slots=True)
class MeasureJob:
    """How every image is measured."""

    judging: PairPlace
    verifying: PairPlace | None
    """None where the judging pair verifies too."""
    measures: tuple[str, ...]
    rivals: tuple[Path, ...]
    """Entries of quality networks, absolute."""
    settings: MeasureSettings
    detector: DetectorSettings
    images: Path
    """Folder, absolute."""
    seeds: tuple[int, ...]
    share: float
    """Of the images degraded by each seed."""
    software: Mapping[str, str]
    """Versions that the worker must have."""

    def columns(self) -> tuple[str, ...]:
        """Return the names of all measures, each of which is a column."""
        return (*self.measures, *rival_entries(self.rivals))


def measure_part(job: MeasureJob, part: Part) -> bytes:
    """
    Return a Parquet file with one row for each image, version and network.

    Raises:
        ClusterError: This worker has other software, or another pair, than the job wants.
        EnginesError: As `FaceMeasurer` raises what is no fault of one image.
    """
    require_software(job.software)
    looked_at = versions(part.items, job.seeds, job.share)
    # In memory: what is found is only needed until the part is done.
    with ONE_PART, closing(FaceStore(Path(":memory:"))) as store:
        rows = [
            row
            for network, measurer in _measurers(job, store)
            for row in _rows(network, looked_at, collect_all(measurer, looked_at, _silent()), job)
        ]
    measures = (*job.columns(), *verifying_measures(job.measures))
    columns = COLUMNS | dict.fromkeys(measures, "double")
    return parquet_bytes(rows, columns, {"stamp": part.stamp})


def found_in(rows: Sequence[Row], network: str, job: MeasureJob) -> Found:
    """Return what one network measured, from the rows of all parts in their order."""
    own = [row for row in rows if row["network"] == network]
    measures = job.columns() if network == JUDGING else tuple(verifying_measures(job.measures))
    clean, *degraded = (
        _collected([row for row in own if row["seed"] == seed], measures)
        for seed in (None, *job.seeds)
    )
    return Found(clean, degraded)


def _measurers(job: MeasureJob, store: FaceStore) -> Iterator[tuple[str, FaceMeasurer]]:
    finder = FaceFinder(job.images, worker_detector(job.detector), job.detector.name, store)
    pair = worker_pair(job.judging)
    measures = _worker_measures(job.judging, job.measures, job.settings, job.rivals)
    yield JUDGING, FaceMeasurer(finder, pair, measures)
    if job.verifying is not None:
        asked = verifying_measures(job.measures)
        yield VERIFYING, FaceMeasurer(finder, worker_pair(job.verifying), asked)


@lru_cache(maxsize=1)
def _worker_measures(
    place: PairPlace, names: tuple[str, ...], settings: MeasureSettings, rivals: tuple[Path, ...]
) -> Mapping[str, Measure]:
    return {
        **open_measures(names, place.folder, worker_pair(place), settings),
        **open_rivals(rival_entries(rivals), settings.threads),
    }


def _silent() -> Progress:
    return Progress(disable=True)


def _rows(network: str, looked_at: Versions, found: Found, job: MeasureJob) -> Iterator[Row]:
    shots = (looked_at.clean, *looked_at.degraded)
    collected = (found.clean, *found.degraded)
    for seed, chosen, each in zip((None, *job.seeds), shots, collected, strict=True):
        failures = {failure.image: failure.reason for failure in each.failures}
        for shot in chosen:
            about = {"network": network, "seed": seed, "image": shot.name, "version": shot.version}
            if shot.name in failures:
                yield about | {"failure": failures[shot.name]}
            else:
                face = each.faces[shot.name]
                yield about | {"embedding": face.embedding, **face.qualities}


def _collected(rows: Sequence[Row], measures: Sequence[str]) -> Collected:
    faces = {row["image"]: _face(row, measures) for row in rows if row["failure"] is None}
    failures = [
        Failure(row["image"], row["version"], row["failure"])
        for row in rows
        if row["failure"] is not None
    ]
    return Collected(faces, failures)


def _face(row: Row, measures: Sequence[str]) -> MeasuredFace:
    qualities: dict[str, Any] = {name: row[name] for name in measures}
    return MeasuredFace(np.array(row["embedding"], np.float32), qualities)
