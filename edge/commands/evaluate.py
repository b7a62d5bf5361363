"""`edge-gate evaluate`: do the quality measures tell which comparisons will fail?"""

import argparse
import importlib.util
import sys
from collections.abc import Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.progress import Progress

from edge.cluster.measure import measured_on_cluster
from edge.cluster.measure_part import MeasureJob
from edge.cluster.run import Where
from edge.cluster.work import PairPlace, software
from edge.config.model import DetectorSettings
from edge.console import Screen, console
from edge.console import progress as progress_on
from edge.detection.open import open_detector
from edge.errors import UsageError
from edge.evaluation.curves import Plan, View
from edge.evaluation.edc_table import write_edc
from edge.evaluation.face_store import FaceStore
from edge.evaluation.group_list import Membership, read_groups
from edge.evaluation.groups import judge_groups
from edge.evaluation.measured_faces import FaceFinder, FaceMeasurer
from edge.evaluation.measures import MeasureSettings, open_measures, verifying_measures
from edge.evaluation.pair_list import PairList, read_pairs
from edge.evaluation.plot import draw
from edge.evaluation.report import Evaluation, as_json, reasons, tables, write_json
from edge.evaluation.rivals import open_rivals, rival_entries
from edge.evaluation.run import (
    Found,
    Versions,
    answers_to_faults,
    any_sample,
    bands_of,
    collect_all,
    judge_all,
    milliseconds,
    versions,
    with_verifying_qualities,
)
from edge.evaluation.score_bands import SHIFT, scoring_of
from edge.printable import say
from engines.onnxruntime.backend import open_network
from engines.pair.dense import dense_network
from engines.pair.manifest import read_manifest
from engines.pair.pair import EnginePair, open_pair

BOOTSTRAP_SEED = 0


def run(arguments: argparse.Namespace) -> int:
    """Evaluate and return 0, or 1 if an undegraded image could not be measured."""
    plot = importlib.util.find_spec("matplotlib") is not None
    if not plot:
        _say("no picture will be drawn: pip install 'edge-gate[evaluate]' for matplotlib")
    evaluation = _evaluate(arguments)
    write_json(evaluation, arguments.out / "evaluation.json")
    curves = write_edc(evaluation.sets, arguments.out / "edc.csv")
    if plot:
        _draw(evaluation, arguments, curves)
    _print(evaluation, as_object=arguments.json)
    _say(f"written to {arguments.out}")
    return int(any(failure.version == "clean" for failure in evaluation.failures))


def _draw(evaluation: Evaluation, arguments: argparse.Namespace, curves: int) -> None:
    """Draw what there is; a picture of nothing would look like a result."""
    picture: Path = arguments.out / "evaluation.png"
    if curves or evaluation.faults:
        draw(evaluation.sets, evaluation.faults, _title(evaluation, arguments.pairs), picture)
        return
    picture.unlink(missing_ok=True)  # of an earlier run
    _say("no picture is drawn: no curve could be computed, see the reasons")


def _title(evaluation: Evaluation, pairs: Path) -> str:
    parts = [
        f"{evaluation.network} ({evaluation.pair_id}) on {pairs}",
        f"folds {', '.join(evaluation.folds)}" if evaluation.folds else "",
        f"seeds {', '.join(map(str, evaluation.degrade_seeds))}"
        if evaluation.degrade_seeds
        else "",
        f"{evaluation.plan.convention} convention",
    ]
    return "; ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True, eq=False)
class _Opened:
    """What is open while faces are measured."""

    pair: EnginePair
    judging: FaceMeasurer
    verifying: FaceMeasurer | None
    """None where the judging pair verifies too."""


def _evaluate(arguments: argparse.Namespace) -> Evaluation:
    pairs = read_pairs(arguments.pairs, arguments.folds)
    if not arguments.images.is_dir():
        raise UsageError(f"{arguments.images}: no such folder of images")
    members = _members(arguments, pairs)
    looked_at = versions(pairs.images(), arguments.degrade, arguments.degrade_share)
    plan, scoring = _plan(arguments), scoring_of(read_manifest(arguments.pair))
    if SHIFT in arguments.measures and scoring.measure not in arguments.measures:
        arguments.measures = (*arguments.measures, scoring.measure)
        plan = _plan(arguments)
    with ExitStack() as stack:
        progress = stack.enter_context(progress_on(console()))
        opened = _open(arguments, stack, progress)
        judged, verifying = _measured(arguments, opened, looked_at, progress)
        if opened.verifying is not None:
            judged = with_verifying_qualities(judged, verifying)
        sample = any_sample(opened.judging, looked_at.clean, judged.clean)
        dense = open_network(
            dense_network(arguments.pair, opened.pair.manifest).model.SerializeToString(),
            arguments.threads,
        )
        times = milliseconds(sample, opened.pair, dense, opened.judging.measures)
        verified_with = (opened.verifying or opened.judging).pair.pair_id
    _say("judging, with 1000 bootstrap draws for each figure ...")
    return Evaluation(
        pair_id=opened.pair.pair_id,
        network=opened.pair.manifest.network.name,
        verified_with=verified_with,
        detector=arguments.detector,
        plan=plan,
        folds=arguments.folds,
        degrade_seeds=arguments.degrade,
        degrade_share=arguments.degrade_share,
        images=len(looked_at.clean),
        sets=judge_all(pairs, judged, verifying, plan),
        faults=answers_to_faults(looked_at, judged, plan.measures),
        failures=judged.failures(),
        milliseconds=times,
        bands=bands_of(pairs, judged, verifying, scoring)
        if scoring.measure in plan.measures
        else {},
        groups=None
        if members is None
        else judge_groups(
            View(judged.clean.faces, verifying.clean.embeddings()),
            pairs,
            members,
            (scoring, arguments.threshold),
            plan.seed,
        ),
    )


def _members(arguments: argparse.Namespace, pairs: PairList) -> Mapping[str, Membership] | None:
    if arguments.groups is None:
        return None
    if SHIFT not in arguments.measures:
        raise UsageError(f"--groups needs the measure {SHIFT}, which the score is made of")
    return read_groups(arguments.groups, pairs.images())


def _measured(
    arguments: argparse.Namespace, opened: _Opened, looked_at: Versions, progress: Progress
) -> tuple[Found, Found]:
    if arguments.cluster is not None:
        where = Where(arguments.cluster, arguments.out / "parts", arguments.part_size)
        names = [shot.name for shot in looked_at.clean]
        return measured_on_cluster(where, names, _job(arguments, opened), progress)
    judged = collect_all(opened.judging, looked_at, progress)
    other = opened.verifying
    return judged, judged if other is None else collect_all(other, looked_at, progress)


def _job(arguments: argparse.Namespace, opened: _Opened) -> MeasureJob:
    place = partial(PairPlace, threads=arguments.threads)
    verifying = None
    if opened.verifying is not None:
        verifying = place(Path.cwd() / arguments.verify_with, opened.verifying.pair.pair_id)
    detector = _detector_settings(arguments)
    if detector.model is not None:
        detector = detector.model_copy(update={"model": Path.cwd() / detector.model})
    return MeasureJob(
        judging=place(Path.cwd() / arguments.pair, opened.pair.pair_id),
        verifying=verifying,
        measures=arguments.measures,
        rivals=tuple(Path.cwd() / file for file in arguments.measure),
        settings=_measure_settings(arguments),
        detector=detector,
        images=Path.cwd() / arguments.images,
        seeds=arguments.degrade,
        share=arguments.degrade_share,
        software=software(),
    )


def _plan(arguments: argparse.Namespace) -> Plan:
    other = verifying_measures(arguments.measures) if arguments.verify_with else ()
    chosen = (*arguments.measures, *other, *rival_entries(arguments.measure))
    reference = "norm" if "norm" in chosen else chosen[0]
    return Plan(chosen, reference, arguments.convention, BOOTSTRAP_SEED)


def _open(arguments: argparse.Namespace, stack: ExitStack, progress: Progress) -> _Opened:
    pair = stack.enter_context(open_pair(arguments.pair, arguments.threads))
    settings = _measure_settings(arguments)
    measures = {
        **open_measures(arguments.measures, arguments.pair, pair, settings),
        **open_rivals(rival_entries(arguments.measure), arguments.threads),
    }
    finder = _finder(arguments, stack, progress)
    verifying = None
    if arguments.verify_with:
        other = stack.enter_context(open_pair(arguments.verify_with, arguments.threads))
        verifying = FaceMeasurer(finder, other, verifying_measures(arguments.measures))
    return _Opened(pair, FaceMeasurer(finder, pair, measures), verifying)


def _finder(arguments: argparse.Namespace, stack: ExitStack, progress: Progress) -> FaceFinder:
    settings = _detector_settings(arguments)
    return FaceFinder(
        images=arguments.images,
        detector=open_detector(settings, progress),
        detector_name=settings.model_dump_json(exclude={"threads"}),
        store=stack.enter_context(closing(FaceStore(arguments.out / "faces.sqlite"))),
    )


def _measure_settings(arguments: argparse.Namespace) -> MeasureSettings:
    return MeasureSettings(
        arguments.passes, arguments.copies, arguments.threads, arguments.copies_last
    )


def _detector_settings(arguments: argparse.Namespace) -> DetectorSettings:
    return DetectorSettings(
        name=arguments.detector, model=arguments.detector_model, threads=arguments.threads
    )


def _print(evaluation: Evaluation, *, as_object: bool) -> None:
    for failure in evaluation.failures:
        _say(f"left out: {failure.reason}")
    if as_object:
        sys.stdout.write(as_json(evaluation) + "\n")
        return
    shown_on = Screen(width=None if sys.stdout.isatty() else 160, highlight=False)
    for table in tables(evaluation):
        shown_on.print(table)
    for reason in reasons(evaluation):
        shown_on.print(reason)


def _say(text: str) -> None:
    say(text, sys.stderr)
