"""`edge-gate score`: score the faces of images, folders and videos."""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Literal

from edge.cluster.parquet_faces import parquet_faces
from edge.cluster.run import Where
from edge.cluster.score import score_on_cluster
from edge.cluster.score_part import ScoreJob
from edge.cluster.work import PairPlace, software
from edge.commands.arguments.score import SMALLEST_FACE
from edge.config.model import DetectorSettings, GateSettings
from edge.config.source import Geometry
from edge.console import console, counts_words, note, progress
from edge.delivery.face_output import Form, Write, whole_text, written
from edge.delivery.record import face_record
from edge.detection.open import open_detector
from edge.errors import EdgeError, ImageError, UsageError
from edge.footage.frames import Assess, assessments
from edge.gate.assess import assess_aligned, assess_frame
from edge.gate.components import COMPONENTS
from edge.samples import Assessment, Frame, Reason
from edge.sources.files import left_out, open_files
from engines.amounts import amount
from engines.pair.manifest import read_manifest
from engines.pair.pair import EnginePair, open_pair

FileForm = Form | Literal["parquet"]


def run(arguments: argparse.Namespace) -> int:
    """Score every face; an unreadable input is named and the run goes on."""
    return _run_here(arguments) if arguments.cluster is None else _run_there(arguments)


FORMS: dict[str, FileForm] = {
    ".csv": "csv",
    ".json": "array",
    ".jsonl": "json",
    ".ndjson": "json",
    ".parquet": "parquet",
    ".txt": "table",
}
"""What is written by the ending of a file's name."""


def form_of(out: Path | None, *, as_json: bool, as_csv: bool) -> FileForm:
    """
    Return what is to be written.

    Args:
        out: File to write; None is standard output.
        as_json: Whether JSON was asked for.
        as_csv: Whether CSV was asked for.

    Raises:
        UsageError: The file's name says something else, or nothing that is known.
    """
    asked: FileForm | None = "json" if as_json else "csv" if as_csv else None
    ending = "" if out is None else out.suffix.lower()
    named = FORMS.get(ending)
    if named is None:
        if asked is None and ending:
            raise UsageError(f"{out}: {ending} is no form; name it {', '.join(FORMS)}")
        return asked or "table"
    kinds = {"array": "json"}
    if asked is not None and asked != kinds.get(named, named):
        raise UsageError(f"--{asked} contradicts the name {out}: leave out one of them")
    return named


def _run_there(arguments: argparse.Namespace) -> int:
    if arguments.out is not None and arguments.out.suffix.lower() in FORMS:
        raise UsageError(
            f"--cluster writes a folder of Parquet files: {arguments.out} is no folder"
        )
    if arguments.aligned:
        raise UsageError("--aligned is for this machine: leave out --cluster, or --aligned")
    if arguments.json or arguments.csv:
        raise UsageError("--cluster writes Parquet: leave out --json and --csv")
    if arguments.components:
        raise UsageError("--components is for this machine: leave out --cluster, or --components")
    if arguments.out is None:
        raise UsageError("--cluster needs --out DIR, the folder of the results")
    gate, detector = _settings(arguments)
    pair = Path.cwd() / arguments.pair
    place = PairPlace(pair, read_manifest(pair).pair_id, arguments.threads)
    job = ScoreJob(place, detector, gate, software(), _geometry(arguments))
    where = Where(arguments.cluster, arguments.out, arguments.part_size)
    return score_on_cluster(where, arguments.paths, job, console())


def _run_here(arguments: argparse.Namespace) -> int:
    shown_on = console()
    problems: list[EdgeError] = []
    sources = open_files(arguments.paths, problems.append, geometry=_geometry(arguments))
    counted: Counter[Reason] = Counter()
    form = form_of(arguments.out, as_json=arguments.json, as_csv=arguments.csv)
    with (
        _output(arguments, form) as write,
        _assessor(arguments, problems) as assess,
        progress(shown_on) as bars,
    ):
        for assessment in assessments(sources, assess, bars, problems.append):
            record = face_record(assessment)
            write(record)
            counted[record.reason] += 1
    for problem in problems:
        shown_on.print(f"not scored: {problem}", markup=False, style="red")
    note(shown_on, left_out(arguments.paths))
    failed = f"; {amount(len(problems), 'input')} failed" if problems else ""
    shown_on.print(counts_words(counted) + failed)
    return 1 if problems else 0


def _geometry(arguments: argparse.Namespace) -> Geometry:
    return Geometry(arguments.aspect, arguments.rotate, arguments.mirror, arguments.deinterlace)


@contextmanager
def _assessor(arguments: argparse.Namespace, problems: list[EdgeError]) -> Iterator[Assess]:
    gate, settings = _settings(arguments)
    if arguments.aligned:
        _refuse_what_finds(arguments)
        with open_pair(arguments.pair, threads=arguments.threads) as pair:
            yield partial(_aligned, pair=pair, gate=gate, problems=problems)
        return
    detector = open_detector(settings)
    with open_pair(arguments.pair, threads=arguments.threads) as pair:
        yield partial(assess_frame, detector=detector, pair=pair, gate=gate, score_discarded=True)


def _refuse_what_finds(arguments: argparse.Namespace) -> None:
    """
    Refuse options about finding faces where they are given.

    Raises:
        UsageError: One is.
    """
    for name in ("detector", "detector_model", "smallest_face"):
        if getattr(arguments, name) is not None:
            option = name.replace("_", "-")
            raise UsageError(f"--aligned looks for no face: leave out --{option}, or --aligned")
    if arguments.components:
        raise UsageError("--components needs the whole picture: leave it out, or --aligned")


def _aligned(
    frame: Frame, pair: EnginePair, gate: GateSettings, problems: list[EdgeError]
) -> tuple[Assessment, ...]:
    try:
        return assess_aligned(frame, pair, gate)
    except ImageError as error:
        problems.append(error)
        return ()


@contextmanager
def _output(arguments: argparse.Namespace, form: FileForm) -> Iterator[Write]:
    components = COMPONENTS if arguments.components else ()
    if form == "parquet":
        with parquet_faces(arguments.out, components) as write:
            yield write
        return
    out = nullcontext(sys.stdout) if arguments.out is None else whole_text(arguments.out)
    with out as file, written(form, file, components) as write:
        yield write


def _settings(arguments: argparse.Namespace) -> tuple[GateSettings, DetectorSettings]:
    model: Path | None = arguments.detector_model
    return (
        GateSettings(threshold=arguments.threshold, components=arguments.components),
        DetectorSettings(
            name=arguments.detector or "mtcnn",
            model=None if model is None else Path.cwd() / model,
            smallest_face=arguments.smallest_face or SMALLEST_FACE,
            threads=arguments.threads,
        ),
    )
