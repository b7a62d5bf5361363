"""`edge-gate score`: score the faces of images, folders and videos."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path

from edge.cluster.run import Where
from edge.cluster.score import score_on_cluster
from edge.cluster.score_part import ScoreJob
from edge.cluster.work import PairPlace, software
from edge.config.model import DetectorSettings, GateSettings
from edge.config.source import Geometry
from edge.console import amount, console, note, progress
from edge.delivery.face_output import Form, Write, summary, whole_text, written
from edge.delivery.record import FaceRecord, face_record
from edge.detection.open import open_detector
from edge.errors import EdgeError, UsageError
from edge.footage.frames import Assess, assessments
from edge.gate.assess import assess_frame
from edge.gate.components import COMPONENTS
from edge.sources.files import left_out, open_files
from engines.pair.manifest import read_manifest
from engines.pair.pair import open_pair


def run(arguments: argparse.Namespace) -> int:
    """Score every face; an unreadable input is named and the run goes on."""
    return _run_here(arguments) if arguments.cluster is None else _run_there(arguments)


def _run_there(arguments: argparse.Namespace) -> int:
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
    counted: list[FaceRecord] = []
    with _assessor(arguments) as assess, _output(arguments) as write, progress(shown_on) as bars:
        for assessment in assessments(sources, assess, bars, problems.append):
            record = face_record(assessment)
            write(record)
            counted.append(record)
    for problem in problems:
        shown_on.print(f"not scored: {problem}", markup=False, style="red")
    note(shown_on, left_out(arguments.paths))
    failed = f"; {amount(len(problems), 'input')} failed" if problems else ""
    shown_on.print(summary(counted) + failed)
    return 1 if problems else 0


def _geometry(arguments: argparse.Namespace) -> Geometry:
    return Geometry(arguments.aspect, arguments.rotate, arguments.mirror, arguments.deinterlace)


@contextmanager
def _assessor(arguments: argparse.Namespace) -> Iterator[Assess]:
    gate, settings = _settings(arguments)
    detector = open_detector(settings)
    with open_pair(arguments.pair, threads=arguments.threads) as pair:
        yield partial(assess_frame, detector=detector, pair=pair, gate=gate, score_discarded=True)


@contextmanager
def _output(arguments: argparse.Namespace) -> Iterator[Write]:
    form: Form = "json" if arguments.json else "csv" if arguments.csv else "table"
    out = nullcontext(sys.stdout) if arguments.out is None else whole_text(arguments.out)
    components = COMPONENTS if arguments.components else ()
    with out as file, written(form, file, components) as write:
        yield write


def _settings(arguments: argparse.Namespace) -> tuple[GateSettings, DetectorSettings]:
    return (
        GateSettings(threshold=arguments.threshold, components=arguments.components),
        DetectorSettings(smallest_face=arguments.smallest_face, threads=arguments.threads),
    )
