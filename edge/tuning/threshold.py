"""
Which threshold? The one that comes closest to a goal on recorded footage, and how sure that is.

A threshold that forwards a certain share is only as certain as the footage is varied. The faces of
one track are one person in one light, so whole tracks are drawn anew (cluster bootstrap, percentile
method; Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapters 8 and 13). Each
track occurs Poisson(1) times in a draw, because the number of people who walk by varies too.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from edge.errors import TuningError
from engines.biometrics.bootstrap import COVERAGE, RESAMPLES

LEAST_FACES = 50
"""Scored faces; even of 50 strangers a share of 30 % is only known to 13 points."""
LEAST_TRACKS = 5
"""Tracks; drawing fewer anew says next to nothing."""
FEW_TRACKS = 20
"""Below it the bootstrap's intervals are known to come out too narrow, and the reader is told."""
HIGHEST = 100.0
"""Of the quality score."""

Scores = NDArray[np.float64]
"""(S,) quality scores in [0, 100]; higher is better."""
Rates = NDArray[np.float64]
"""(T,) what each of T thresholds gives."""
Tracks = NDArray[np.intp]
"""(S,) track of each face, from 0 without gaps; a face of a still image is its own track."""


_Weigh: TypeAlias = Callable[[NDArray[np.float64]], NDArray[np.float64]]


@dataclass(frozen=True, slots=True, eq=False)
class Footage:
    """The faces of one camera's footage."""

    score: Scores
    """(S,) of the faces that passed the pre-checks and were scored."""
    track: Tracks
    """(S,) of the same faces."""
    discarded_track: Tracks
    """(X,) of the faces that no threshold can forward: pre-checks, failed assessments."""
    minutes: float | None = None
    """Length of the recording; None for still images."""

    def __post_init__(self) -> None:
        if self.score.shape != self.track.shape:
            raise ValueError(f"{self.score.shape} scores for {self.track.shape} tracks")
        if not np.isfinite(self.score).all():
            raise ValueError("a score is not finite")
        if np.unique(self._every_track()).size != self.track_count:
            raise ValueError("the tracks are not numbered from 0 without gaps")

    def _every_track(self) -> Tracks:
        return np.concatenate([self.track, self.discarded_track])

    @property
    def track_count(self) -> int:
        """Number of tracks, with or without a face that can be forwarded."""
        return int(self._every_track().max(initial=-1)) + 1

    @property
    def faces(self) -> int:
        """Number of faces found, scored or not."""
        return self.score.size + self.discarded_track.size

    @property
    def tracks(self) -> int:
        """Number of tracks with a face that can be forwarded."""
        return np.unique(self.track).size


@dataclass(frozen=True, slots=True)
class Goal:
    """What the threshold is asked to achieve."""

    kind: Literal["forward_rate", "per_minute", "fnmr"]
    """What is counted; `fnmr` is for `edge.tuning.labels`."""
    value: float
    """Share of all faces found, in (0, 1); faces each minute, above 0; or FNMR, in (0, 1)."""
    keep: int = 1
    """`per_minute`: best faces forwarded of each track, as the gate's best shot does."""


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


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """What each possible threshold achieves."""

    threshold: Scores
    """(T,) ascending distinct thresholds."""
    achieved: Rates
    """(T,) what forwarding every score at or above it gives; but for FNMR, it never rises."""
    discarded: Rates | None = None
    """(T,) share of the mated pairs that it discards, for FNMR."""


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
    levels, weigh = _weighing(footage, goal)
    steps = Steps(levels, weigh(np.ones(footage.track_count)))
    chosen = closest(steps, goal.value)
    thresholds, achieved = [], []
    for weights in _draws(footage.track_count, rng):
        drawn = Steps(levels, weigh(weights))
        thresholds.append(levels[closest(drawn, goal.value)])
        achieved.append(drawn.achieved[chosen])
    return Suggestion(
        threshold=neat_threshold(levels, chosen),
        interval=interval_of(thresholds),
        achieved=float(steps.achieved[chosen]),
        achieved_interval=interval_of(achieved),
    )


def steps_of(footage: Footage, goal: Goal) -> Steps:
    """Return what each threshold achieves on the footage, for the curve of the report."""
    levels, weigh = _weighing(footage, goal)
    return Steps(levels, weigh(np.ones(footage.track_count)))


def forward_rates(footage: Footage) -> Steps:
    """Return the share of all faces that each threshold forwards."""
    return steps_of(footage, Goal("forward_rate", 0.5))  # any goal of this kind


def closest(steps: Steps, wanted: float) -> int:
    """Return the index of the step closest to what is wanted; of two, the stricter."""
    away = np.abs(steps.achieved - wanted)
    return int(np.flatnonzero(away <= away.min() * (1 + 1e-12))[-1])


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


def _require(footage: Footage, goal: Goal) -> None:
    if goal.kind == "forward_rate" and not 0 < goal.value < 1:
        raise ValueError(f"forward rate {goal.value} is not between 0 and 1")
    if not goal.value > 0:
        raise ValueError(f"{goal.value} faces each minute is not above 0")
    if goal.kind == "per_minute" and not footage.minutes:
        raise TuningError("still images have no length: give video, or ask for --forward-rate")
    if footage.score.size < LEAST_FACES:
        raise TuningError(
            f"only {footage.score.size} faces could be scored and a threshold needs at least "
            f"{LEAST_FACES}: record longer, or look at the reasons the others were discarded for"
        )
    if footage.tracks < LEAST_TRACKS:
        raise TuningError(
            f"the {footage.score.size} scored faces are of only {footage.tracks} tracks (people "
            f"walking by) and a threshold needs at least {LEAST_TRACKS}: record more people"
        )


def _weighing(footage: Footage, goal: Goal) -> tuple[Scores, _Weigh]:
    """Return the thresholds, and what maps (C,) weights of the tracks to what each achieves."""
    if goal.kind == "per_minute":
        kept = best_of_tracks(footage, goal.keep)
        return _counting(footage.score[kept], footage.track[kept], footage.minutes or 0.0)
    levels, count = _counting(footage.score, footage.track, 1.0)

    def rate(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        total = weights[footage.track].sum() + weights[footage.discarded_track].sum()
        # A draw of tracks without a single face forwards none.
        return count(weights) / total if total else np.zeros(levels.size)

    return levels, rate


def _counting(score: Scores, track: Tracks, unit: float) -> tuple[Scores, _Weigh]:
    levels, level = np.unique(np.append(score, [0.0, HIGHEST]), return_inverse=True)
    of_faces = level[: score.size]

    def count(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        at_level = np.bincount(of_faces, weights[track], levels.size)
        return np.cumsum(at_level[::-1])[::-1] / unit

    return levels, count


def best_of_tracks(footage: Footage, keep: int) -> NDArray[np.intp]:
    """Return the indices of the best `keep` scored faces of each track, by track, best first."""
    order = np.lexsort((-footage.score, footage.track))
    ordered = footage.track[order]
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])[: ordered.size])
    lengths = np.diff(np.append(starts, ordered.size))
    rank = np.arange(ordered.size) - np.repeat(starts, lengths)
    return order[rank < keep]


def _draws(tracks: int, rng: np.random.Generator) -> Iterator[NDArray[np.float64]]:
    for _ in range(RESAMPLES):
        yield rng.poisson(1.0, tracks).astype(np.float64)


def interval_of(values: Sequence[float]) -> Interval:
    """Return the 95 % interval of what the draws gave."""
    low, high = np.quantile(np.array(values), [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
    return Interval(float(low), float(high))
