"""`edge-gate score`: score the faces of images, folders and videos."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path

from edge.cluster.run import Where, add_cluster_arguments
from edge.cluster.score import score_on_cluster
from edge.cluster.score_part import ScoreJob
from edge.cluster.work import PairPlace, software
from edge.commands.option_numbers import between, whole
from edge.config.model import DetectorSettings, GateSettings
from edge.console import amount, console, progress
from edge.delivery.face_output import Form, Write, summary, whole_file, written
from edge.delivery.record import FaceRecord, face_record
from edge.detection.open import open_detector
from edge.errors import EdgeError, UsageError
from edge.footage.assess_files import Assess, assessments
from edge.gate.assess import assess_frame
from edge.sources.files import open_files
from engines.pair.manifest import read_manifest
from engines.pair.pair import open_pair

DEFAULT_PAIR = Path("pairs/mobilefacenet512")

EXAMPLES = """\
examples:
  edge-gate score photo.jpg
  edge-gate score photos/ --json --out scores.jsonl     one JSON record for each face
  edge-gate score photos/ clip.mp4 --csv > scores.csv
  edge-gate score photos/ --pair pairs/my-network --threshold 60
  edge-gate score /archive --cluster tcp://scheduler:8786 --out scores    one Parquet file a part

The quality score runs from 0 to 100, higher is better; 50 is the median of usable faces.
Records go to standard output, progress and the summary to standard error.
With --cluster the workers of a Dask cluster score; they need this release, the pair and the files
under the same paths. OUT is then a folder: the same command again completes what is missing there,
and computes parts again whose files have changed; another list, pair or setting is refused.
Exit code: 0, 1 when some inputs could not be read, 64 for a wrong command line.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add paths, the pair, the output's form and the gate's threshold."""
    parser.epilog = EXAMPLES
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="image, folder, video")
    parser.add_argument(
        "--pair", type=Path, default=DEFAULT_PAIR, metavar="DIR", help="engine pair (%(default)s)"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON record a line for each face")
    form.add_argument("--csv", action="store_true", help="a table for spreadsheets")
    parser.add_argument("--out", type=Path, metavar="OUT", help="write there, whole or not at all")
    parser.add_argument(
        "--threshold",
        type=between(0, 100),
        default=30.0,
        metavar="SCORE",
        help="0 to 100 (%(default)s)",
    )
    parser.add_argument(
        "--smallest-face",
        type=whole(12, 2000),
        default=40,
        metavar="PIXELS",
        help="width (%(default)s)",
    )
    parser.add_argument(
        "--threads", type=whole(1, 64), default=2, metavar="N", help="(%(default)s)"
    )
    add_cluster_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Score every face; an unreadable input is named and the run goes on."""
    return _run_here(arguments) if arguments.cluster is None else _run_there(arguments)


def _run_there(arguments: argparse.Namespace) -> int:
    if arguments.json or arguments.csv:
        raise UsageError("--cluster writes Parquet: leave out --json and --csv")
    if arguments.out is None:
        raise UsageError("--cluster needs --out DIR, the folder of the results")
    gate, detector = _settings(arguments)
    pair = Path.cwd() / arguments.pair
    place = PairPlace(pair, read_manifest(pair).pair_id, arguments.threads)
    job = ScoreJob(place, detector, gate, software())
    where = Where(arguments.cluster, arguments.out, arguments.part_size)
    return score_on_cluster(where, arguments.paths, job, console())


def _run_here(arguments: argparse.Namespace) -> int:
    shown_on = console()
    problems: list[EdgeError] = []
    sources = open_files(arguments.paths, problems.append)
    counted: list[FaceRecord] = []
    with _assessor(arguments) as assess, _output(arguments) as write, progress(shown_on) as bars:
        for assessment in assessments(sources, assess, bars, problems.append):
            record = face_record(assessment)
            write(record)
            counted.append(record)
    for problem in problems:
        shown_on.print(f"not scored: {problem}", markup=False, style="red")
    failed = f"; {amount(len(problems), 'input')} failed" if problems else ""
    shown_on.print(summary(counted) + failed)
    return 1 if problems else 0


@contextmanager
def _assessor(arguments: argparse.Namespace) -> Iterator[Assess]:
    gate, settings = _settings(arguments)
    detector = open_detector(settings)
    with open_pair(arguments.pair, threads=arguments.threads) as pair:
        yield partial(assess_frame, detector=detector, pair=pair, gate=gate, score_discarded=True)


@contextmanager
def _output(arguments: argparse.Namespace) -> Iterator[Write]:
    form: Form = "json" if arguments.json else "csv" if arguments.csv else "table"
    out = nullcontext(sys.stdout) if arguments.out is None else whole_file(arguments.out)
    with out as file, written(form, file) as write:
        yield write


def _settings(arguments: argparse.Namespace) -> tuple[GateSettings, DetectorSettings]:
    return (
        GateSettings(threshold=arguments.threshold),
        DetectorSettings(smallest_face=arguments.smallest_face, threads=arguments.threads),
    )
