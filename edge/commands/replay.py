"""`edge-gate replay`: what one configuration forwards and another does not, on the same footage."""

import argparse
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from rich.progress import Progress

from edge.config.effective import CameraSettings, in_effect_for
from edge.config.engine import execution_of
from edge.config.file import read_config
from edge.console import console, note, progress
from edge.delivery.face_output import made_folder, whole_text
from edge.detection.open import open_configured
from edge.detection.plans import close_detector
from edge.errors import EdgeError, UsageError
from edge.footage.comparison import compare
from edge.footage.comparison_report import Side, as_json, as_page, told
from edge.footage.rerun import rerun
from edge.gate.camera_gate import CameraGate
from edge.sources.files import left_out, open_footage
from edge.tuning.people import floor_of
from engines.biometrics.identity_scale import IdentityScale
from engines.pair.pair import open_pair


def run(arguments: argparse.Namespace) -> int:
    """Replay twice, compare, and write both reports."""
    if len(arguments.config) != 2:
        raise UsageError("give --config twice: the configuration you have, then the other one")
    for path in arguments.config:
        in_effect_for(read_config(path).config, arguments.source, arguments.footage)
    out = made_folder(arguments.out)
    shown_on = console()
    problems: dict[str, EdgeError] = {}

    def problem(error: EdgeError) -> None:
        problems[str(error)] = error  # both replays meet the same ones

    with progress(shown_on) as bars:
        (first, scale), (second, _) = (
            _side(path, arguments, bars, problem) for path in arguments.config
        )
    same_pair = first.pair_id == second.pair_id
    found = compare(first.rerun, second.rerun, scale.same_above if same_pair else None)
    for name, text in (
        ("replay.html", as_page(first, second, found)),
        ("replay.json", as_json(first, second, found)),
    ):
        with whole_text(out / name) as file:
            file.write(text)
    for words in problems:
        shown_on.print(f"not replayed: {words}", markup=False, style="red")
    note(shown_on, left_out(arguments.footage))
    for line in told(first, second, found):
        shown_on.print(line, markup=False)
    shown_on.print(f"look at {out / 'replay.html'}", markup=False)
    return 1 if problems else 0


def _side(
    path: Path,
    arguments: argparse.Namespace,
    bars: Progress,
    problem: Callable[[EdgeError], None],
) -> tuple[Side, IdentityScale]:
    config = read_config(path).config
    holds = in_effect_for(config, arguments.source, arguments.footage)
    sources = open_footage(arguments.footage, problem, geometry=holds.geometry)
    with ExitStack() as opened:
        detector = open_configured(config, bars)
        opened.callback(close_detector, detector)
        pair = opened.enter_context(
            open_pair(config.pair, config.threads, execution_of(config.engine))
        )
        done = rerun(sources, CameraGate(detector, pair, holds.faces), bars, problem)
        return Side(str(path), pair.pair_id, done, _decides(holds.faces)), pair.identity


def _decides(faces: CameraSettings) -> str:
    if faces.mode == "observe":
        return "mode observe, which sends nothing"
    if faces.threshold is None:
        return f"shift_at_most {faces.gate.shift_at_most:g}"
    floor = floor_of(faces)
    below = f", floor {floor:g}" if floor < faces.threshold else ""
    return f"threshold {faces.threshold:g}{below}"
