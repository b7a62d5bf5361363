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


Forwarded: TypeAlias = Callable[[float], Tracks]
"""
Returns the track of each face that the gate forwards by a threshold, after best shots, repeats and
rate limits; the same for the same threshold.
"""
MOST_DECISIONS = 500_000
"""Faces decided about in one look at the curve of what is forwarded; three or four looks do."""
FEWEST_LEVELS, MOST_LEVELS = 24, 200
"""Thresholds at once of that curve; between those next to the goal it is looked at more closely."""
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
    forwarded: Forwarded | None = None
    """What the gate makes of it; needed for `per_minute`."""

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
    """
    Share of all faces found that are good enough, in (0, 1); faces forwarded each minute, above 0;
    or FNMR, in (0, 1).
    """


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
    """(T,) what each gives."""
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
        threshold=_neat(footage, goal, float(levels[chosen])),
        interval=interval_of(thresholds),
        achieved=float(steps.achieved[chosen]),
        achieved_interval=interval_of(achieved),
    )


def steps_of(footage: Footage, goal: Goal) -> Steps:
    """Return what thresholds achieve on the footage, for the curve of the report."""
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
    if goal.kind == "per_minute" and footage.forwarded is None:
        raise ValueError("what the gate forwards is not known")
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
        return _forwarding(footage, goal)
    levels, count = _counting(footage.score, footage.track)

    def rate(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        total = weights[footage.track].sum() + weights[footage.discarded_track].sum()
        # A draw of tracks without a single face forwards none.
        return count(weights) / total if total else np.zeros(levels.size)

    return levels, rate


def _forwarding(footage: Footage, goal: Goal) -> tuple[Scores, _Weigh]:
    """Ask the gate itself: at thresholds all over, then closer and closer to the goal."""
    assert footage.forwarded is not None  # noqa: S101 -- `_require` has checked
    minutes, every = footage.minutes or 0.0, _levels(footage)
    most = max(FEWEST_LEVELS, min(MOST_LEVELS, MOST_DECISIONS // max(1, footage.faces)))
    counts: dict[int, NDArray[np.float64]] = {}
    wanted = _spread(0, every.size - 1, most)
    while not counts.keys() >= set(wanted):
        for index in wanted:
            tracks = footage.forwarded(float(every[index]))
            counts[index] = np.bincount(tracks, minlength=footage.track_count).astype(np.float64)
        known = sorted(counts)
        rates = np.array([counts[index].sum() / minutes for index in known])
        at = closest(Steps(every[known], rates), goal.value)
        wanted = _spread(known[max(0, at - 1)], known[min(len(known) - 1, at + 1)], most)
    table = np.stack([counts[index] for index in known])
    return every[known], lambda weights: table @ weights / minutes


def _spread(first: int, last: int, most: int) -> list[int]:
    return np.unique(np.linspace(first, last, most).round().astype(int)).tolist()


def _levels(footage: Footage) -> Scores:
    """Return the thresholds between which nothing changes, but for hysteresis."""
    return np.unique(np.append(footage.score, [0.0, HIGHEST]))


def _neat(footage: Footage, goal: Goal, level: float) -> float:
    """Return the shortest decimal that does what a level does."""
    levels = _levels(footage)
    neat = neat_threshold(levels, int(np.searchsorted(levels, level)))
    if goal.kind != "per_minute" or footage.forwarded is None:
        return neat
    # With hysteresis the limit itself decides too, not only on which side of it a score lies.
    return neat if np.array_equal(footage.forwarded(neat), footage.forwarded(level)) else level


def _counting(score: Scores, track: Tracks) -> tuple[Scores, _Weigh]:
    levels, level = np.unique(np.append(score, [0.0, HIGHEST]), return_inverse=True)
    of_faces = level[: score.size]

    def count(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        at_level = np.bincount(of_faces, weights[track], levels.size)
        return np.cumsum(at_level[::-1], dtype=np.float64)[::-1]

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
