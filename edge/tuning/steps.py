"""What each possible threshold achieves on footage. Pure."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from edge.tuning.footage import Footage, Scores, Tracks

HIGHEST = 100.0
"""Of the quality score."""
MOST_DECISIONS = 500_000
"""Faces decided about in one look at the curve of what is forwarded; three or four looks do."""
FEWEST_LEVELS, MOST_LEVELS = 24, 200
"""Thresholds at once of that curve; between those next to the goal it is looked at more closely."""

Rates = NDArray[np.float64]
"""(T,) what each of T thresholds gives."""
Weigh: TypeAlias = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Maps (C,) weights of the tracks to what each threshold achieves."""


@dataclass(frozen=True, slots=True)
class Goal:
    """What the threshold is asked to achieve."""

    kind: Literal["forward_rate", "per_minute", "fnmr", "marks"]
    """What is counted; `fnmr` is for `edge.tuning.labels`, `marks` for `edge.tuning.marked`."""
    value: float
    """
    Share of all faces found that are good enough, in (0, 1); faces forwarded each minute, above 0;
    FNMR, in (0, 1); or the share of marked faces decided as marked, 1.
    """
    near: float | None = None
    """Of thresholds that come as close, the nearest to this one; None: the strictest."""


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """What each possible threshold achieves."""

    threshold: Scores
    """(T,) ascending distinct thresholds."""
    achieved: Rates
    """(T,) what each gives."""
    discarded: Rates | None = None
    """(T,) share of the mated pairs that it discards, for FNMR."""


def steps_of(footage: Footage, goal: Goal) -> Steps:
    """Return what thresholds achieve on the footage, for the curve of the report."""
    levels, weigh = weighing(footage, goal)
    return Steps(levels, weigh(np.ones(footage.track_count)))


def forward_rates(footage: Footage) -> Steps:
    """Return the share of all faces that each threshold forwards."""
    return steps_of(footage, Goal("forward_rate", 0.5))  # any goal of this kind


def closest(steps: Steps, wanted: float, near: float | None = None) -> int:
    """Return the index of the step closest to what is wanted; of equals the nearest, or last."""
    away = np.abs(steps.achieved - wanted)
    equals = np.flatnonzero(away <= away.min() * (1 + 1e-12))
    if near is None:
        return int(equals[-1])
    return int(equals[np.abs(steps.threshold[equals] - near).argmin()])


def neat_threshold(levels: Scores, chosen: int) -> float:
    """
    Return the shortest decimal that forwards exactly what `levels[chosen]` does.

    Args:
        levels: Ascending thresholds; every face's score is one of them.
        chosen: Index of the lowest score to forward.

    Returns:
        A number above `levels[chosen - 1]` and at most `levels[chosen]`.
    """
    high = float(levels[chosen])
    if chosen == 0:
        return high
    low = float(levels[chosen - 1])
    for digits in range(12):
        shorter = math.floor(round(high * 10**digits, 6)) / 10**digits
        if low < shorter <= high:
            return shorter
    return high


def weighing(footage: Footage, goal: Goal) -> tuple[Scores, Weigh]:
    """Return the thresholds, and what maps (C,) weights of the tracks to what each achieves."""
    if goal.kind == "per_minute":
        return _forwarding(footage, goal)
    levels, count = _counting(footage.score, footage.track)

    def rate(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        total = weights[footage.track].sum() + weights[footage.discarded_track].sum()
        # A draw of tracks without a single face forwards none.
        return count(weights) / total if total else np.zeros(levels.size)

    return levels, rate


def _forwarding(footage: Footage, goal: Goal) -> tuple[Scores, Weigh]:
    """Ask the gate itself: at thresholds all over, then closer and closer to the goal."""
    assert footage.forwarded is not None  # noqa: S101 -- the caller has checked
    minutes, every = footage.minutes or 0.0, _levels(footage)
    if goal.near is not None:
        every = np.unique(np.append(every, goal.near))
    most = max(FEWEST_LEVELS, min(MOST_LEVELS, MOST_DECISIONS // max(1, footage.faces)))
    counts: dict[int, NDArray[np.float64]] = {}
    wanted = _spread(0, every.size - 1, most)
    if goal.near is not None:
        wanted.append(int(np.searchsorted(every, goal.near)))
    while not counts.keys() >= set(wanted):
        by = footage.forwarded(every[wanted].tolist())
        for index, tracks in zip(wanted, by, strict=True):
            counts[index] = np.bincount(tracks, minlength=footage.track_count).astype(np.float64)
        known = sorted(counts)
        rates = np.array([counts[index].sum() / minutes for index in known])
        at = closest(Steps(every[known], rates), goal.value, goal.near)
        wanted = _spread(known[max(0, at - 1)], known[min(len(known) - 1, at + 1)], most)
    table = np.stack([counts[index] for index in known])
    return every[known], lambda weights: table @ weights / minutes


def _spread(first: int, last: int, most: int) -> list[int]:
    return np.unique(np.linspace(first, last, most).round().astype(int)).tolist()


def _levels(footage: Footage) -> Scores:
    """Return the thresholds between which nothing changes, but for hysteresis."""
    return np.unique(np.append(footage.score, [0.0, HIGHEST]))


def neat_level(footage: Footage, goal: Goal, level: float) -> float:
    """Return the shortest decimal that does what a level does."""
    levels = _levels(footage)
    neat = neat_threshold(levels, int(np.searchsorted(levels, level)))
    if goal.kind != "per_minute" or footage.forwarded is None:
        return neat
    # With hysteresis the limit itself decides too, not only on which side of it a score lies.
    by_neat, by_level = footage.forwarded([neat, level])
    return neat if np.array_equal(by_neat, by_level) else level


def _counting(score: Scores, track: Tracks) -> tuple[Scores, Weigh]:
    levels, level = np.unique(np.append(score, [0.0, HIGHEST]), return_inverse=True)
    of_faces = level[: score.size]

    def count(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        at_level = np.bincount(of_faces, weights[track], levels.size)
        return np.cumsum(at_level[::-1], dtype=np.float64)[::-1]

    return levels, count
