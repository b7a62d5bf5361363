"""`edge-gate tune`: which threshold? Look at your own footage, and see."""

import argparse
import difflib
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from edge.commands.arguments.shared.configuration import configuration
from edge.config.edit import read_text, replace_text, with_threshold
from edge.config.engine import execution_of
from edge.config.file import read_config
from edge.config.model import Config
from edge.config.uri import redacted
from edge.console import console, note, progress
from edge.delivery.face_output import made_folder, whole_text
from edge.detection.open import open_configured
from edge.detection.plans import close_detector
from edge.errors import EdgeError, UsageError
from edge.evaluation.pair_list import PairList, read_pairs
from edge.monitoring.baseline import write_baseline
from edge.shadow_log.file import is_shadow_log
from edge.sources.files import left_out
from edge.tuning.marked import marks_in
from edge.tuning.outcome import Tuning, conclusion
from edge.tuning.report import report
from edge.tuning.run import Asked, Opened, baseline_of_tuning, tune_camera, tune_logged_camera
from edge.tuning.steps import Goal
from edge.tuning.target import Target, targets
from engines.pair.pair import known_pair, open_pair


def run(arguments: argparse.Namespace) -> int:
    """Look at the footage of each camera, suggest, report, and write if told so."""
    arguments.config = configuration(arguments)
    config = read_config(arguments.config).config
    asked = replace(_asked(arguments), marks=marks_in(config.page.history))
    wanted = targets(config, arguments.footage, arguments.source)
    before = after = read_text(arguments.config)
    for target in wanted if asked.goal else ():
        # What cannot be changed is refused now, not after an hour of footage.
        with_threshold(before, arguments.config, target.section, target.faces.gate.threshold)
    out, shown_on, problems = made_folder(arguments.out), console(), list[EdgeError]()
    tunings = _tunings(config, wanted, asked, (shown_on, problems))
    for target, tuning in zip(wanted, tunings, strict=True):
        if tuning.suggestion is not None and tuning.suggestion.threshold != tuning.current:
            found = tuning.suggestion.threshold
            after = with_threshold(after, arguments.config, target.section, found)
            own = with_threshold(before, arguments.config, target.section, found)
            tuning = replace(tuning, diff=_diff(before, own, arguments.config))  # noqa: PLW2901
        _tell(tuning, target.faces.tracks.enough, out, shown_on)
    for problem in problems:
        shown_on.print(f"not looked at: {problem}", markup=False, style="red")
    footage = (path for target in wanted for path in target.footage)
    note(shown_on, left_out([path for path in footage if not is_shadow_log(path)]))
    sys.stdout.write(_diff(before, after, arguments.config))
    if any(tuning.suggestion for tuning in tunings):
        shown_on.print(_change(arguments, before, after), markup=False)
    return int(bool(problems) or any(tuning.refusal for tuning in tunings))


def _asked(arguments: argparse.Namespace) -> Asked:
    goal = _goal(arguments)
    if arguments.write and goal is None:
        raise UsageError(
            "--write needs a goal: --forward-rate, --per-minute, --fnmr-labels or --marks"
        )
    return Asked(goal, _labels(arguments), arguments.fmr, arguments.every)


def _goal(arguments: argparse.Namespace) -> Goal | None:
    if arguments.forward_rate is not None:
        return Goal("forward_rate", arguments.forward_rate)
    if arguments.per_minute is not None:
        return Goal("per_minute", arguments.per_minute)
    if arguments.marks:
        return Goal("marks", 1.0)
    return None if arguments.fnmr_labels is None else Goal("fnmr", arguments.fnmr)


def _labels(arguments: argparse.Namespace) -> PairList | None:
    if arguments.fnmr_labels is None:
        return None
    if len(arguments.footage) != 1 or not arguments.footage[0].is_dir():
        raise UsageError("--fnmr-labels needs one SOURCE, the folder of the labelled images")
    return read_pairs(arguments.fnmr_labels)


def _tunings(
    config: Config,
    wanted: Sequence[Target],
    asked: Asked,
    told: tuple[Console, list[EdgeError]],
) -> list[Tuning]:
    shown_on, problems = told
    with ExitStack() as stack, progress(shown_on) as bars:
        opened: Opened | None = None
        tunings = []
        for target in wanted:
            if is_shadow_log(target.footage[0]):
                known = known_pair(config.pair, execution_of(config.engine))
                tunings.append(tune_logged_camera(target, asked, known))
            else:
                opened = opened or _opened(config, stack, bars)
                tunings.append(tune_camera(target, asked, opened, bars, problems.append))
        return tunings


def _opened(config: Config, stack: ExitStack, bars: Progress) -> Opened:
    pair = stack.enter_context(open_pair(config.pair, config.threads, execution_of(config.engine)))
    detector = open_configured(config, bars)
    stack.callback(close_detector, detector)
    return Opened(detector, pair)


def _tell(tuning: Tuning, enough: float, folder: Path, shown_on: Console) -> None:
    path = folder / f"{tuning.camera}.html"
    with whole_text(path) as file:
        file.write(report(tuning))
    baseline = baseline_of_tuning(tuning, enough)
    if baseline is not None:
        write_baseline(baseline, folder / f"{tuning.camera}.baseline.json")
    for line in conclusion(tuning):
        shown_on.print(f"{tuning.camera}: {line}", markup=False)
    shown_on.print(f"{tuning.camera}: look at {path}", markup=False)


def _diff(before: str, after: str, path: Path) -> str:
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), str(path), str(path), lineterm=""
    )
    # Lines beside the change may hold the address of a camera with its password.
    return "".join(f"{redacted(line)}\n" for line in lines)


def _change(arguments: argparse.Namespace, before: str, after: str) -> str:
    """Make the change if told so; say what became of it."""
    path: Path = arguments.config
    if after == before:
        return f"{path}: says so already"
    if not arguments.write:
        return f"{path}: not changed; the same command with --write changes it as shown"
    replace_text(path, before, after)
    read_config(path)
    return f"{path}: changed as shown"
