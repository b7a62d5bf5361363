"""
Has the camera changed since its threshold was tuned? Scores of the last hour against the baseline.

Measure: population stability index over the deciles of the baseline, sum of (p - q) ln(p / q)
(Siddiqi, "Credit Risk Scorecards", 2006: from 0.25 on the population has shifted). Half a face is
added to each bin (Jeffreys), so that an empty one stays finite. Of two samples of the same camera
PSI is, times 1 / (1/n + 1/m), chi-squared with one degree less than there are bins (Yurdakul and
Naranjo, "Statistical properties of the population stability index", 2020), if observations are
independent. So each track counts once, with its best score, up to the score from which on the gate
looks for no better one (`tracks.enough`): this is the same whether every face is scored, as when
tuning, or only those that may become the best. Pure: time comes in as a number.
"""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from engines.amounts import amount

BINS = 10
SHIFTED = 0.25
"""PSI from which on the population has shifted."""
LEAST_TRACKS = 20
"""Tracks of the last hour; fewer say nothing, at night for instance."""
WINDOW_S = 3600.0
_CHANCE = (10.83, 13.82, 16.27, 18.47, 20.52, 22.46, 24.32, 26.12, 27.88)
"""99.9 % quantiles of chi-squared for 1 to 9 degrees of freedom: one false alarm in 1000 hours."""

HINTS: dict[str, str] = {
    "lower": "scores are lower than when tuned: lens dirty, focus lost, night, backlight?",
    "higher": "scores are higher than when tuned: camera moved, other people, other light?",
    "different": "scores are spread otherwise than when tuned: mixed light, another place?",
}

Direction = Literal["lower", "higher", "different"]
Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Baseline:
    """How scores were spread when the threshold was tuned."""

    edges: tuple[float, ...]
    """B - 1 inner edges, ascending; a score equal to an edge lies above it."""
    counts: tuple[int, ...]
    """B numbers of tracks, by their best score."""
    enough: float
    """Better scores count as this one."""
    pair_id: str
    """Scores of other engine pairs cannot be compared with these."""

    def __post_init__(self) -> None:
        if not 2 <= len(self.counts) <= BINS or len(self.edges) != len(self.counts) - 1:
            raise ValueError(
                f"{amount(len(self.edges), 'edge')} for {amount(len(self.counts), 'bin')}"
            )
        if any(low >= high for low, high in zip(self.edges, self.edges[1:], strict=False)):
            raise ValueError("the edges do not ascend")
        if min(self.counts) < 0 or not sum(self.counts):
            raise ValueError("a baseline needs tracks")

    @property
    def tracks(self) -> int:
        """Number of tracks."""
        return sum(self.counts)


@dataclass(frozen=True, slots=True)
class Drift:
    """How far the scores have moved."""

    psi: float
    """Population stability index, 0 or above; 0 is no change."""
    limit: float
    """From this PSI on it is an alarm: 0.25, or what chance alone gives with so few tracks."""
    direction: Direction

    @property
    def alarm(self) -> bool:
        """Whether someone should look at the camera."""
        return self.psi >= self.limit


def baseline_of(best: NDArray[np.float64], enough: float, pair_id: str) -> Baseline | None:
    """
    Return the baseline of tuned footage; None where all scores are equal.

    Args:
        best: (C,) best quality score of each track.
        enough: Better scores count as this one.
        pair_id: Of the pair that scored.
    """
    scores = np.minimum(best, enough)
    if not scores.size or scores.min() == scores.max():
        return None
    # Deciles that are scores themselves leave no bin empty.
    deciles = np.quantile(scores, np.linspace(0, 1, BINS + 1)[1:-1], method="higher")
    edges = np.unique(deciles[deciles > scores.min()])
    if not edges.size:
        edges = np.array([scores[scores > scores.min()].min()])
    counts = np.bincount(np.searchsorted(edges, scores, side="right"), minlength=edges.size + 1)
    return Baseline(tuple(edges.tolist()), tuple(counts.tolist()), enough, pair_id)


def psi(expected: Sequence[int] | Counts, actual: Sequence[int] | Counts) -> float:
    """Return the population stability index of two histograms over the same bins; 0 or above."""
    shares = [np.asarray(counts, np.float64) + 0.5 for counts in (expected, actual)]
    p, q = (each / each.sum() for each in shares)
    return float(np.sum((q - p) * np.log(q / p)))


def drift_of(baseline: Baseline, counts: Counts) -> Drift | None:
    """
    Return how far recent scores have moved; None when too few people were seen to say.

    Args:
        baseline: Of the tuned footage.
        counts: (B,) tracks of the last hour in the baseline's bins, by their best score.
    """
    tracks = int(counts.sum())
    if tracks < LEAST_TRACKS:
        return None
    chance = _CHANCE[len(baseline.counts) - 2] * (1 / tracks + 1 / baseline.tracks)
    limit = max(SHIFTED, chance)
    return Drift(psi(baseline.counts, counts), limit, _direction(baseline.counts, counts))


def _direction(expected: Sequence[int], actual: Counts) -> Direction:
    """Compare the mean bins: a tenth of the scale is a direction."""
    places = np.arange(len(expected))
    before = float(np.average(places, weights=np.asarray(expected, np.float64)))
    now = float(np.average(places, weights=actual))
    if abs(now - before) < len(expected) / 10:
        return "different"
    return "lower" if now < before else "higher"


@dataclass(slots=True)
class _Track:
    """One person who walked by."""

    best: float
    seen_s: float


class RecentScores:
    """The best scores of the tracks of one camera in the last hour."""

    def __init__(self, baseline: Baseline) -> None:
        self.baseline = baseline
        self._tracks: dict[Hashable, _Track] = {}

    def add(self, score: float, track: Hashable, now_s: float) -> None:
        """
        Note one scored face.

        Args:
            score: Quality score.
            track: Unique for its camera within the hour.
            now_s: Of a clock that does not run backwards.

        Raises:
            ValueError: The score is not finite.
        """
        if not math.isfinite(score):
            raise ValueError(f"score {score} is not finite")
        # The track seen last comes last, so that forgetting begins at the front.
        before = self._tracks.pop(track, None)
        best = score if before is None else max(score, before.best)
        self._tracks[track] = _Track(best, now_s)
        self._forget(now_s)

    def drift(self, now_s: float) -> Drift | None:
        """Return how far the last hour is from the baseline; None when it cannot be told."""
        self._forget(now_s)
        best = np.array([track.best for track in self._tracks.values()], np.float64)
        edges = np.array(self.baseline.edges)
        bins = np.searchsorted(edges, np.minimum(best, self.baseline.enough), side="right")
        return drift_of(self.baseline, np.bincount(bins, minlength=len(self.baseline.counts)))

    def _forget(self, now_s: float) -> None:
        while self._tracks:
            oldest = next(iter(self._tracks))
            if now_s - self._tracks[oldest].seen_s < WINDOW_S:
                return
            del self._tracks[oldest]
