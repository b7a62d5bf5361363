"""
From the embedding shift to a quality score of 0 to 100 that people can set a threshold on.

The shift of one network means nothing for another, so each engine pair carries its own mapping.
It only falls, so it keeps the order of faces; between equal scores the shift itself decides.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from engines.quality.reference_quantiles import reference_quantiles, rounded

LARGEST_SHIFT = 2.0
"""Of opposite unit embeddings (arXiv 2605.13396)."""


@dataclass(frozen=True, slots=True)
class ScoreMapping:
    """Straight lines between knots; beyond the outer knots their scores."""

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012

    knots: tuple[tuple[float, float], ...]
    """(shift, score): two or more, shift rising within [0, 2], score falling within [0, 100]."""
    version: Literal[1, 2, 3] = 1
    """What a score means; see `SCALE`. Of pairs that do not say, the first."""

    def __post_init__(self) -> None:
        if len(self.knots) < 2:
            raise ValueError("a score mapping needs two knots or more")
        inside = all(0 <= d <= LARGEST_SHIFT and 0 <= score <= 100 for d, score in self.knots)
        falls = all(a[0] < b[0] and a[1] > b[1] for a, b in pairwise(self.knots))
        if not (inside and falls):
            raise ValueError(
                f"knots {self.knots}: shifts must rise within [0, 2], scores fall within [0, 100]"
            )

    def score(self, shift: NDArray[np.float32]) -> NDArray[np.float64]:
        """
        Return the unified quality score of each shift.

        Args:
            shift: (N,) embedding shifts in [0, 2]; lower is better.

        Returns:
            (N,) float64 in [0, 100]; higher is better.

        Raises:
            ValueError: A shift is NaN or infinite: it must not become a score.
        """
        if not np.isfinite(shift).all():
            raise ValueError("a shift is not finite, so it has no score")
        at, scores = zip(*self.knots, strict=True)
        # Between scores next to 0 a straight line may be rounded to beyond its ends.
        return np.clip(np.interp(shift, at, scores), scores[-1], scores[0])

    def shift(self, score: float) -> float:
        """
        Return the largest embedding shift that has this score or a better one.

        Args:
            score: 0 to 100.

        Returns:
            In [0, 2]; the shift of the best knot for scores above it.
        """
        at, scores = zip(*self.knots, strict=True)
        return float(np.interp(score, scores[::-1], at[::-1]))


SCALE: Literal[3] = 3
"""
Version of the scale that `fit_score_mapping` makes.

1: the median of undegraded golden faces scored 50, 5 % of them above 75 and 5 % below 25.
2: the share of reference faces that are worse, in per cent, half of their weight on undegraded and
half on unposed ones. No release made it.
3: the same, and each reference face counts alike.
"""

KNOTS = (99, 98, 95, 90, 85, 80, 75, 70, 65, 60, 55, 50, 45, 40, 35, 30, 25, 20, 15, 10, 5, 2, 1)
"""Scores between which the scale runs straight."""


def fit_score_mapping(shift: NDArray[np.float32]) -> ScoreMapping:
    """
    Return the mapping by which a face scores the share of reference faces that are worse than it.

    score(D) = 100 P(D' > D), D' the shift of a reference face: 40 says that 40 of 100 reference
    faces shift more. So a threshold forwards a similar share of the same faces on every network
    that was fitted on the same reference; most of it shows camera faults, so these spread over most
    of the scale. docs/measured.md holds it against networks and people that it was
    not fitted on.

    Args:
        shift: (N,) embedding shifts of the reference faces.

    Raises:
        ValueError: Their quantiles do not differ, so no scale can be made of them.
    """
    found = reference_quantiles(shift, 1 - np.array(KNOTS) / 100)
    inner = [(rounded(at), float(score)) for at, score in zip(found, KNOTS, strict=True)]
    knots = [(0.0, 100.0), *inner, (LARGEST_SHIFT, 0.0)]
    return ScoreMapping(tuple(_rising(knots)), SCALE)


def _rising(knots: list[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """
    Leave out what does not rise: few faces, or some that shift alike.

    Raises:
        ValueError: Only the ends remain.
    """
    kept = [knots[0]]
    for knot in knots[1:-1]:
        if kept[-1][0] < knot[0] < LARGEST_SHIFT:
            kept.append(knot)
    if len(kept) < 3:
        raise ValueError("shifts must rise: those of the reference faces are all equal")
    yield from (*kept, knots[-1])
