"""
Which threshold? The one that comes closest to a goal on recorded footage, and how sure that is.

A threshold that forwards a certain share is only as certain as the footage is varied. The faces of
one track are one person in one light, so whole tracks are drawn anew (cluster bootstrap, percentile
method; Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapters 8 and 13). Each
track occurs Poisson(1) times in a draw, because the number of people who walk by varies too.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.console import people_words
from edge.errors import TuningError
from edge.tuning.footage import Footage
from edge.tuning.steps import Goal, Steps, closest, neat_level, weighing
from engines.amounts import amount
from engines.biometrics.bootstrap import RESAMPLES, percentiles

LEAST_FACES = 50
"""Scored faces; even of 50 strangers a share of 30 % is only known to 13 points."""
LEAST_TRACKS = 5
"""People; drawing fewer anew says next to nothing."""
FEW_TRACKS = 20
"""Below it the bootstrap's intervals are known to come out too narrow, and the reader is told."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95 % bootstrap interval."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A threshold for a goal."""

    threshold: float
    """Quality score, inclusive: the shortest decimal that forwards exactly these faces."""
    interval: Interval
    """Of the threshold, had other footage of the same place been recorded."""
    achieved: float
    """What it gives on this footage, in the unit of the goal."""
    achieved_interval: Interval
    """What this very threshold would give on other footage of the same place."""


def suggest(footage: Footage, goal: Goal, rng: np.random.Generator) -> Suggestion:
    """
    Return the threshold that comes closest to a goal; of two equally close ones the stricter.

    Args:
        footage: What was recorded.
        goal: What to come close to.
        rng: Source of the draws; the same seed gives the same intervals.

    Raises:
        TuningError: Too few faces or tracks, or no length to count minutes of.
        ValueError: The goal is out of range.
    """
    _require(footage, goal)
    levels, weigh = weighing(footage, goal)
    steps = Steps(levels, weigh(np.ones(footage.track_count)))
    chosen = closest(steps, goal.value, goal.near)
    thresholds, achieved = [], []
    for weights in _draws(footage.track_count, rng):
        drawn = Steps(levels, weigh(weights))
        thresholds.append(levels[closest(drawn, goal.value, goal.near)])
        achieved.append(drawn.achieved[chosen])
    return Suggestion(
        threshold=_written(footage, goal, float(levels[chosen])),
        interval=interval_of(thresholds),
        achieved=float(steps.achieved[chosen]),
        achieved_interval=interval_of(achieved),
    )


def _written(footage: Footage, goal: Goal, level: float) -> float:
    """Return what to write for a level: the threshold in effect as it is, else a short decimal."""
    return level if level == goal.near else neat_level(footage, goal, level)


def _require(footage: Footage, goal: Goal) -> None:
    if goal.kind == "forward_rate" and not 0 < goal.value < 1:
        raise ValueError(f"forward rate {goal.value} is not between 0 and 1")
    if not goal.value > 0:
        raise ValueError(f"{goal.value:g} faces each minute is not above 0")
    if goal.kind == "per_minute" and footage.score.size and not footage.minutes:
        raise TuningError("still images have no length: give video, or ask for --forward-rate")
    if footage.score.size < LEAST_FACES:
        raise TuningError(
            f"only {amount(footage.score.size, 'face')} could be scored and a threshold needs at "
            f"least {LEAST_FACES}: {footage.more}, or look at the reasons the others were "
            "discarded for"
        )
    if goal.kind == "per_minute" and footage.forwarded is None:
        raise ValueError("what the gate forwards is not known")
    if footage.people < LEAST_TRACKS:
        raise TuningError(
            f"the {amount(footage.score.size, 'scored face is', 'scored faces are')} of only "
            f"{people_words(footage.people)} (tracks that a second look confirmed) and a "
            f"threshold needs at least {LEAST_TRACKS}: record more people"
        )


def _draws(tracks: int, rng: np.random.Generator) -> Iterator[NDArray[np.float64]]:
    for _ in range(RESAMPLES):
        yield rng.poisson(1.0, tracks).astype(np.float64)


def interval_of(values: Sequence[float]) -> Interval:
    """Return the 95 % interval of what the draws gave."""
    return Interval(*percentiles(np.array(values)))
