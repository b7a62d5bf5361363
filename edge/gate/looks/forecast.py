"""
What quality score a face of a track may be expected to have, by the looks at others of it. Pure.

Faces whose sketches are alike have scores that are alike: over the recorded clips, half of the mean
square by which two scores of a track differ grows from 5, which is what unseen changes of the
landmarks do, with the 1.3th power of the difference of their sketches, to some 500 for different
poses; of the time between them little depends. That is a Gaussian process, and what it says of a
face not looked at yet is ordinary regression: Rasmussen and Williams, Gaussian Processes for
Machine Learning, 2006, equations 2.25 and 2.26.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from edge.gate.looks.glance import Pattern, difference

UNSEEN = 5.0
"""Variance, in squares of quality scores, between two looks at sketches that are the same."""
SEEN = 600.0
"""Variance of the scores of a track that sketches tell of."""
REACH, POWER = 1.2, 1.3
"""Contrasts by which sketches differ that tell little of each other, and how it falls off."""
AGEING = 10.0
"""Variance for each second between two looks, beside that."""
USUAL, USUAL_SPREAD = 70.0, 20.0
"""Mean score of tracks, and by how much tracks differ in it: of clean faces, and wide."""


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """A face of a track that the networks have seen."""

    seen_s: float
    score: float
    """Quality score, 0 to 100."""
    pattern: Pattern


@dataclass(frozen=True, slots=True)
class Expected:
    """A quality score that is not known yet: a normal distribution."""

    mean: float
    spread: float
    """Standard deviation; above 0."""

    def gain(self, beyond: float) -> float:
        """Return by how much it will surpass a score, in the mean; what falls short counts as 0."""
        distance = (self.mean - beyond) / self.spread
        density = math.exp(-distance * distance / 2) / math.sqrt(2 * math.pi)
        return (self.mean - beyond) * _share_below(distance) + self.spread * density

    def chance(self, beyond: float) -> float:
        """Return how probably it surpasses a score, 0 to 1."""
        return _share_below((self.mean - beyond) / self.spread)


def _share_below(distance: float) -> float:
    """Return the standard normal distribution's share below a value."""
    return math.erfc(-distance / math.sqrt(2)) / 2


@dataclass(frozen=True, eq=False)
class Forecast:
    """What the looks at a track say of a face that was not looked at."""

    looks: Sequence[Look]
    """At least one, when it is asked."""

    def of(self, pattern: Pattern, seen_s: float) -> Expected:
        """
        Return the score to expect of a face.

        Args:
            pattern: (14, 14) float32, of the face.
            seen_s: When it was seen, by the clock of the looks.
        """
        patterns, times_s, inverse, weights = self._known
        alike = _alike(difference(patterns, pattern), np.abs(seen_s - times_s))
        variance = SEEN + USUAL_SPREAD**2 + UNSEEN - float(alike @ inverse @ alike)
        # What is unseen stays, however the rest is rounded.
        return Expected(USUAL + float(alike @ weights), math.sqrt(max(variance, UNSEEN)))

    @cached_property
    def _known(
        self,
    ) -> tuple[Pattern, NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Patterns, times, inverse of the covariance, and weights of the scores."""
        patterns = np.stack([look.pattern for look in self.looks])
        times_s = np.array([look.seen_s for look in self.looks])
        scores = np.array([look.score for look in self.looks])
        differ = difference(patterns[:, None], patterns)
        ages_s = np.abs(times_s[:, None] - times_s)
        covariance = _alike(differ, ages_s) + UNSEEN * np.eye(len(scores))
        inverse = np.asarray(np.linalg.inv(covariance), np.float64)
        return patterns, times_s, inverse, inverse @ (scores - USUAL)


def _alike(differ: NDArray[np.floating], ages_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the covariance of scores, by what their sketches and times differ."""
    fading = (differ.astype(np.float64) / REACH) ** POWER + AGEING / SEEN * ages_s
    return SEEN * np.exp(-fading) + USUAL_SPREAD**2
