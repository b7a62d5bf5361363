"""
The threshold that decides as people marked faces on the live page.

A mark says of one track whether it should have been forwarded; a threshold agrees when the score of
its best face lies on that side. Marks are drawn anew for the interval (percentile bootstrap, as in
`edge.tuning.threshold`).
"""

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from edge.errors import ConfigError, TuningError
from edge.history.file import HistoryFile
from edge.history.tables import Mark, marks_of
from edge.tuning.steps import HIGHEST, Steps, neat_threshold
from edge.tuning.threshold import Suggestion, interval_of
from engines.amounts import amount
from engines.biometrics.bootstrap import RESAMPLES

LEAST_MARKS = 10
LEAST_OF_EACH = 3
"""Marks of either kind: without both, any threshold that is low or high enough agrees."""

MarksOf: TypeAlias = Callable[[str, str], Sequence[Mark]]
"""Returns the marks of a camera, by its name, whose faces were scored by a pair, by its id."""


def no_marks(_camera: str, _pair_id: str) -> Sequence[Mark]:
    """Return none."""
    return ()


def marks_in(path: Path | None) -> MarksOf:
    """
    Return what reads the marks of a file; there are none where there is no file.

    Raises:
        ConfigError: When asked: the file cannot be used.
    """

    def read(camera: str, pair_id: str) -> Sequence[Mark]:
        if path is None or not _is_there(path):
            return ()
        with closing(HistoryFile(path, time.monotonic)) as file, file.read() as database:
            return [mark for mark in marks_of(database, camera) if mark.pair_id == pair_id]

    return read


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:  # in a folder of the service's own
        raise ConfigError(f"history {path}: {error.strerror}") from error


@dataclass(frozen=True, slots=True)
class Agreement:
    """How a threshold decides about marked faces."""

    wanted: int
    """Faces that should be forwarded."""
    passed: int
    """Those of them that reach the threshold."""
    unwanted: int
    """Faces that should not be forwarded."""
    kept: int
    """Those of them that do not reach it."""

    @property
    def words(self) -> str:
        """For people."""
        return (
            f"{self.passed} of {self.wanted} that should be forwarded reach it, and {self.kept} of "
            f"{self.unwanted} that should not stay below"
        )


def agreement(marks: Sequence[Mark], threshold: float) -> Agreement:
    """Return how a threshold decides about marked faces."""
    wanted = [mark.score for mark in marks if mark.wanted]
    unwanted = [mark.score for mark in marks if not mark.wanted]
    return Agreement(
        wanted=len(wanted),
        passed=sum(score >= threshold for score in wanted),
        unwanted=len(unwanted),
        kept=sum(score < threshold for score in unwanted),
    )


def mark_steps(marks: Sequence[Mark]) -> Steps:
    """Return the share of marked faces that each threshold decides as marked."""
    return _steps(_scores(marks), _wanted(marks))


def suggest_for_marks(
    marks: Sequence[Mark], current: float | None, rng: np.random.Generator
) -> Suggestion:
    """
    Return the threshold that agrees with most marks; of several the closest to the one in effect.

    Args:
        marks: Of one camera and one engine pair.
        current: In effect; None where none is.
        rng: Source of the draws.

    Raises:
        TuningError: Too few marks, or hardly any of one kind.
    """
    _require(marks)
    scores, wanted = _scores(marks), _wanted(marks)
    steps = _steps(scores, wanted)
    chosen = _best(steps, current)
    thresholds, achieved = [], []
    for _ in range(RESAMPLES):
        drawn = rng.integers(scores.size, size=scores.size)
        again = _steps(scores[drawn], wanted[drawn])
        thresholds.append(float(again.threshold[_best(again, current)]))
        achieved.append(_share(scores[drawn], wanted[drawn], float(steps.threshold[chosen])))
    return Suggestion(
        threshold=_kept_or_neat(steps, chosen, current),
        interval=interval_of(thresholds),
        achieved=float(steps.achieved[chosen]),
        achieved_interval=interval_of(achieved),
    )


def _require(marks: Sequence[Mark]) -> None:
    wanted = sum(mark.wanted for mark in marks)
    fewest = min(wanted, len(marks) - wanted)
    if len(marks) < LEAST_MARKS or fewest < LEAST_OF_EACH:
        raise TuningError(
            f"{amount(wanted, 'face is', 'faces are')} marked as to be forwarded and "
            f"{len(marks) - wanted} as not; {LEAST_MARKS} are needed, {LEAST_OF_EACH} of each "
            "kind at least: mark more on the live page, whose page.history keeps marks"
        )


def _scores(marks: Sequence[Mark]) -> NDArray[np.float64]:
    return np.array([mark.score for mark in marks], np.float64)


def _wanted(marks: Sequence[Mark]) -> NDArray[np.bool_]:
    return np.array([mark.wanted for mark in marks], np.bool_)


def _steps(scores: NDArray[np.float64], wanted: NDArray[np.bool_]) -> Steps:
    levels = np.unique(np.append(scores, [0.0, HIGHEST]))
    passes = scores[None, :] >= levels[:, None]
    return Steps(levels, (passes == wanted[None, :]).mean(axis=1))


def _share(scores: NDArray[np.float64], wanted: NDArray[np.bool_], threshold: float) -> float:
    return float(((scores >= threshold) == wanted).mean())


def _best(steps: Steps, current: float | None) -> int:
    best = np.flatnonzero(steps.achieved >= steps.achieved.max() - 1e-12)
    away = np.abs(steps.threshold[best] - (0.0 if current is None else current))
    return int(best[np.argmin(away)])


def _kept_or_neat(steps: Steps, chosen: int, current: float | None) -> float:
    """Return the threshold in effect if it decides the same, else the shortest that does."""
    if current is not None:
        same = int(np.searchsorted(steps.threshold, current))
        if same < steps.threshold.size and steps.achieved[same] >= steps.achieved[chosen]:
            return current
    return neat_threshold(steps.threshold, chosen)
