"""Score one part of a list of files: what a worker of a cluster does for `edge score`."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rich.progress import Progress

from edge.cluster.archive import Part
from edge.cluster.parquet import parquet_bytes
from edge.cluster.work import (
    ONE_PART,
    PairPlace,
    require_software,
    worker_detector,
    worker_pair,
)
from edge.config.model import DetectorSettings, GateSettings
from edge.config.source import AS_STATED, Geometry
from edge.delivery.record import FaceRecord, face_record
from edge.errors import EdgeError
from edge.footage.frames import assessments
from edge.gate.assess import assess_frame
from edge.sources.files import open_files

COLUMNS = {
    "schema_version": "int8",
    "key": "string",
    "source": "string",
    "path": "string",
    "frame": "int64",
    "time_s": "double",
    "face_index": "int32",
    "left": "double",
    "top": "double",
    "right": "double",
    "bottom": "double",
    "landmarks": "list<list<double>>",
    "detector_score": "double",
    "inter_eye_distance": "double",
    "shift": "double",
    "quality": "double",
    "score": "double",
    "verdict": "string",
    "reason": "string",
    "detail": "string",
    "pair_id": "string",
}
"""Fields of the face record that a file has, its box as four columns, and their Arrow types."""


@dataclass(frozen=True, slots=True)
class ScoreJob:
    """How every part is scored."""

    place: PairPlace
    detector: DetectorSettings
    gate: GateSettings
    software: Mapping[str, str]
    """Versions that the worker must have."""
    geometry: Geometry = AS_STATED
    """How pictures become what people saw."""


def score_part(job: ScoreJob, part: Part) -> bytes:
    """
    Return a Parquet file with one row for each face; its notes name the files that failed.

    Raises:
        ClusterError: This worker has other software, or another pair, than the job wants.
        DetectorError, EnginesError: As `assess_frame` raises them.
    """
    require_software(job.software)
    with ONE_PART:
        records, failures = _scored(job, part)
    notes = {
        "stamp": part.stamp,
        "faces": Counter(record.reason.value for record in records),
        "failures": failures,
    }
    return parquet_bytes(list(map(record_row, records)), COLUMNS, notes)


def record_row(record: FaceRecord) -> dict[str, Any]:
    """Return a record as a row of `COLUMNS`."""
    fields = record.model_dump()
    fields |= fields["box"] | {"reason": record.reason.value}
    return {name: fields[name] for name in COLUMNS}


def _scored(job: ScoreJob, part: Part) -> tuple[list[FaceRecord], list[str]]:
    problems: list[EdgeError] = []
    assess = partial(
        assess_frame,
        detector=worker_detector(job.detector),
        pair=worker_pair(job.place),
        gate=job.gate,
        score_discarded=True,
    )
    sources = open_files(list(map(Path, part.items)), problems.append, part.first, job.geometry)
    found = assessments(sources, assess, Progress(disable=True), problems.append)
    return list(map(face_record, found)), list(map(str, problems))
