"""Look at the footage of one camera and find its threshold."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from rich.progress import Progress

from edge.config.effective import CameraSettings
from edge.config.masks import is_masked
from edge.config.reader import key_name
from edge.errors import TuningError
from edge.evaluation.pair_list import PairList
from edge.footage.assess_files import Report
from edge.footage.faces import Observed, observe
from edge.gate.assess import assess_frame
from edge.monitoring.drift import Baseline, baseline_of
from edge.protocols import FaceDetector
from edge.samples import Assessment, Frame
from edge.sources.files import open_footage
from edge.tuning.labels import (
    CentralFaces,
    Errors,
    Labelled,
    fnmr_steps,
    labelled,
    suggest_for_fnmr,
)
from edge.tuning.log_footage import logged_footage
from edge.tuning.outcome import Tuning, footage_of
from edge.tuning.target import Target
from edge.tuning.threshold import (
    Footage,
    Goal,
    Steps,
    Suggestion,
    best_of_tracks,
    forward_rates,
    steps_of,
    suggest,
)
from engines.errors import EvaluationError
from engines.pair.pair import EnginePair

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
    centres = CentralFaces()
    sources = open_footage(_files(target, asked), problem, asked.every)
    take = partial(_take, target=target, opened=opened, centres=centres)
    observed = observe(sources, take, bars, problem)
    tuning = _looked_at(target, asked, observed, opened.pair.pair_id)
    return _answered(tuning, _labels(asked, centres, target), asked.fmr)


def tune_logged_camera(target: Target, asked: Asked, pair_id: str) -> Tuning:
    """
    Return the same as `tune_camera` from a shadow log, without looking at faces again.

    Args:
        target: The camera; the log is its only footage.
        asked: The goal; not one that needs labels.
        pair_id: Of the engine pair whose scores count.

    Raises:
        ShadowLogError: The log cannot be read.
    """
    logged = logged_footage(target.footage[0], target.name, pair_id)
    tuning = _looked_at(target, asked, logged.observed, pair_id)
    left_out = [("left out", words) for words in logged.left_out]
    return _answered(replace(tuning, facts=[*tuning.facts, *left_out]), None, asked.fmr)


def _looked_at(target: Target, asked: Asked, observed: Observed, pair_id: str) -> Tuning:
    goal = None if asked.goal is None else replace(asked.goal, keep=_keep(target.faces))
    return Tuning(
        camera=target.name,
        key=f"{key_name(target.section)}.threshold",
        observed=observed,
        current=target.faces.threshold,
        goal=goal,
        steps=forward_rates(footage_of(observed)),
        pair_id=pair_id,
        facts=[("footage", ", ".join(str(path) for path in target.footage))],
    )


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


def _keep(faces: CameraSettings) -> int:
    return sys.maxsize if faces.mode == "every" else faces.tracks.keep


def _files(target: Target, asked: Asked) -> Sequence[Path]:
    if asked.labels is None:
        return target.footage
    return [target.footage[0] / name for name in asked.labels.images()]


def _take(
    frame: Frame, target: Target, opened: Opened, centres: CentralFaces
) -> tuple[Assessment, ...]:
    """Return the faces of a frame, scored where they can be; masked ones are nobody's business."""
    height, width = frame.pixels.shape[:2]
    faces = assess_frame(
        frame, opened.detector, opened.pair, target.faces.gate, score_discarded=True
    )
    seen = tuple(
        face
        for face in faces
        if not is_masked(target.faces.masks, face.face.landmarks, (width, height))
    )
    if frame.time_s is None:
        centres.take(frame, seen)
    return seen


@dataclass(frozen=True, slots=True, eq=False)
class _Labels:
    pairs: PairList
    centres: CentralFaces
    folder: Path


def _labels(asked: Asked, centres: CentralFaces, target: Target) -> _Labels | None:
    if asked.labels is None:
        return None
    return _Labels(asked.labels, centres, target.footage[0])


def _answered(tuning: Tuning, labels: _Labels | None, fmr: float) -> Tuning:
    goal = tuning.goal
    if goal is None:
        return tuning
    try:
        if labels is None:
            steps, found = _for_forwarding(footage_of(tuning.observed), goal)
        else:
            steps, found, compared = _for_errors(labels, Errors(goal.value, fmr))
            tuning = replace(tuning, facts=[*tuning.facts, ("labelled pairs", compared)])
    except (TuningError, EvaluationError) as error:
        return replace(tuning, goal=None, refusal=str(error))
    return replace(tuning, steps=steps, suggestion=found)


def _for_forwarding(footage: Footage, goal: Goal) -> tuple[Steps, Suggestion]:
    found = suggest(footage, goal, np.random.default_rng(BOOTSTRAP_SEED))
    return steps_of(footage, goal), found


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
