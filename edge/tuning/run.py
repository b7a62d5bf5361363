"""Look at the footage of one camera and find its threshold."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from rich.progress import Progress

from edge.config.effective import observing
from edge.config.reader import key_name
from edge.errors import ConfigError, TuningError
from edge.evaluation.pair_list import PairList
from edge.footage.camera_run import steps
from edge.footage.faces import Observed, observe
from edge.footage.frames import Report, frames_of
from edge.gate.camera_gate import CameraGate
from edge.history.tables import Mark
from edge.monitoring.drift import Baseline, baseline_of
from edge.protocols import FaceDetector
from edge.sources.files import open_footage
from edge.tuning.footage import Footage, Forwarded, best_of_tracks
from edge.tuning.forwarding import forwarded_by, looked_at
from edge.tuning.labels import (
    CentralFaces,
    Errors,
    Labelled,
    fnmr_steps,
    labelled,
    suggest_for_fnmr,
)
from edge.tuning.log_footage import logged_footage
from edge.tuning.marked import MarksOf, mark_steps, no_marks, suggest_for_marks
from edge.tuning.outcome import Tuning, footage_of
from edge.tuning.people import floor_of
from edge.tuning.steps import Goal, Steps, forward_rates, steps_of
from edge.tuning.target import Target
from edge.tuning.threshold import Suggestion, suggest
from engines.biometrics.identity_scale import IdentityScale
from engines.errors import EvaluationError
from engines.pair.pair import EnginePair, KnownPair

BOOTSTRAP_SEED = 0


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """What the operator wants to know."""

    goal: Goal | None
    """None only looks."""
    labels: PairList | None
    """Pairs of images below the only footage, for the goal `fnmr`."""
    fmr: float
    """False match rate at which the FNMR is measured."""
    every: int
    """Each n-th frame of videos is looked at."""
    marks: MarksOf = no_marks
    """What people marked on the live page."""


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """What looks at frames."""

    detector: FaceDetector
    pair: EnginePair


def tune_camera(
    target: Target, asked: Asked, opened: Opened, bars: Progress, problem: Report
) -> Tuning:
    """
    Return everything the report tells of one camera, but for the change of its configuration.

    Args:
        target: The camera and its footage.
        asked: The goal.
        opened: Detector and engine pair.
        bars: A running progress display.
        problem: Called with the error of each input that cannot be read to its end.

    Raises:
        SourceError: There is no footage.
        DetectorError: The detector refused a frame.
        BackendError: The inference library refused a batch.
    """
    marks = _marks(asked, target.name, opened.pair.pair_id)
    centres = CentralFaces()
    gate = CameraGate(opened.detector, opened.pair, observing(target.faces))
    sources = open_footage(_files(target, asked), problem, asked.every, target.geometry)
    observed = observe(steps(frames_of(sources, bars, problem), gate), centres.look)
    pair = opened.pair
    found = _Found(target, observed, pair.pair_id, pair.identity, marks=marks, every=asked.every)
    task = bars.add_task("deciding by each threshold", total=None)
    tuning = _answered(found, asked, _labels(asked, centres, target))
    bars.update(task, total=1, completed=1)
    return tuning


def tune_logged_camera(target: Target, asked: Asked, pair: KnownPair) -> Tuning:
    """
    Return the same as `tune_camera` from a shadow log, without looking at faces again.

    Args:
        target: The camera; the log is its only footage.
        asked: The goal; not one that needs labels.
        pair: The engine pair whose scores count.

    Raises:
        ShadowLogError: The log cannot be read.
    """
    logged = logged_footage(target.footage[0], target.name, pair, target.faces, target.conditions)
    marks = _marks(asked, target.name, pair.pair_id)
    found = _Found(
        target,
        logged.observed,
        pair.pair_id,
        pair.identity,
        logged.left_out,
        logged.differing,
        marks,
    )
    return _answered(found, asked, None)


@dataclass(frozen=True, slots=True, eq=False)
class _Marks:
    """What people marked on the live page."""

    found: Sequence[Mark] = ()
    unread: str = ""
    """Why there may be others."""


def _marks(asked: Asked, camera: str, pair_id: str) -> _Marks:
    """Return the marks of a camera, or why they cannot be read where no goal needs them."""
    try:
        return _Marks(asked.marks(camera, pair_id))
    except ConfigError as error:
        if asked.goal is not None and asked.goal.kind == "marks":
            raise
        return _Marks(unread=str(error))


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """What was looked at, before it is asked for a threshold."""

    target: Target
    observed: Observed
    pair_id: str
    identity: IdentityScale
    left_out: Sequence[str] = ()
    differing: Sequence[str] = ()
    marks: _Marks = _Marks()
    every: int = 1

    def tuning(self, goal: Goal | None) -> Tuning:
        target = self.target
        return Tuning(
            camera=target.name,
            key=f"{key_name(target.section)}.threshold",
            observed=self.observed,
            current=target.faces.threshold,
            goal=goal,
            steps=forward_rates(footage_of(self.observed)),
            pair_id=self.pair_id,
            marks=self.marks.found,
            unread_marks=self.marks.unread,
            looked_at=looked_at(self.observed, target.faces, self.identity),
            floor=floor_of(target.faces),
            facts=[
                ("footage", ", ".join(str(path) for path in target.footage)),
                ("mode", target.faces.mode),
            ],
            left_out=self.left_out,
            differing=self.differing,
            every=self.every,
        )

    def forwarded(self) -> Forwarded:
        return forwarded_by(self.observed, self.target.faces, self.identity)


def baseline_of_tuning(tuning: Tuning, enough: float) -> Baseline | None:
    """
    Return how scores are spread on the footage; None where no threshold can be told of it.

    Args:
        tuning: What was found.
        enough: Of its target.
    """
    footage = footage_of(tuning.observed)
    if tuning.suggestion is None:
        return None
    best = footage.score[best_of_tracks(footage, 1)]
    return baseline_of(best, enough, tuning.pair_id)


def _files(target: Target, asked: Asked) -> Sequence[Path]:
    if asked.labels is None:
        return target.footage
    return [target.footage[0] / name for name in asked.labels.images()]


@dataclass(frozen=True, slots=True, eq=False)
class _Labels:
    pairs: PairList
    centres: CentralFaces
    folder: Path


def _labels(asked: Asked, centres: CentralFaces, target: Target) -> _Labels | None:
    if asked.labels is None:
        return None
    return _Labels(asked.labels, centres, target.footage[0])


def _answered(found: _Found, asked: Asked, labels: _Labels | None) -> Tuning:
    forwarded = found.forwarded()
    tuning = _suggested(found.tuning(asked.goal), asked, labels, forwarded)
    if not tuning.decides:
        return tuning  # no threshold is in effect, and none was found
    return replace(tuning, forwarded=forwarded([tuning.candidate])[0].size)


def _suggested(
    tuning: Tuning, asked: Asked, labels: _Labels | None, forwarded: Forwarded
) -> Tuning:
    goal = tuning.goal
    if goal is None:
        return tuning
    try:
        if goal.kind == "marks":
            steps, found = _for_marks(tuning)
        elif labels is None:
            footage = replace(footage_of(tuning.observed), forwarded=forwarded)
            steps, found = _for_forwarding(footage, _near(goal, tuning.current))
        else:
            steps, found, compared = _for_errors(labels, Errors(goal.value, asked.fmr))
            tuning = replace(tuning, facts=[*tuning.facts, ("labelled pairs", compared)])
    except (TuningError, EvaluationError) as error:
        unused = "no frame of the shadow log can be used"
        refusal = unused if tuning.nothing_used else str(error)
        return replace(tuning, goal=None, refusal=refusal)
    return replace(tuning, steps=steps, suggestion=found)


def _near(goal: Goal, current: float | None) -> Goal:
    """
    Return a goal that prefers the threshold in effect among those that forward as many faces.

    Where everybody is sent once, by `at_least_one_above` too, that is a wide range, up to 100.
    """
    return replace(goal, near=current) if goal.kind == "per_minute" else goal


def _for_forwarding(footage: Footage, goal: Goal) -> tuple[Steps, Suggestion]:
    found = suggest(footage, goal, np.random.default_rng(BOOTSTRAP_SEED))
    return steps_of(footage, goal), found


def _for_marks(tuning: Tuning) -> tuple[Steps, Suggestion]:
    rng = np.random.default_rng(BOOTSTRAP_SEED)
    found = suggest_for_marks(tuning.marks, tuning.current, rng)
    return mark_steps(tuning.marks), found


def _for_errors(labels: _Labels, errors: Errors) -> tuple[Steps, Suggestion, str]:
    names = {str(labels.folder / name): name for name in labels.pairs.images()}
    faces = {names[path]: face for path, face in labels.centres.found.items()}
    pairs = labelled(labels.pairs, faces)
    found = suggest_for_fnmr(pairs, errors, np.random.default_rng(BOOTSTRAP_SEED))
    return fnmr_steps(pairs, errors.fmr), found, _compared(pairs, errors)


def _compared(pairs: Labelled, errors: Errors) -> str:
    mated = int(pairs.comparisons.mated.sum())
    others = pairs.comparisons.mated.size - mated
    return (
        f"{mated} mated and {others} non-mated compared at FMR {100 * errors.fmr:g} %; "
        f"{pairs.left_out} left out: an image shows no face, or a pre-check discards it"
    )
