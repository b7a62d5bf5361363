"""
From the embedding shift to a quality score of 0 to 100 that people can set a threshold on.

The shift of one network means nothing for another, so each engine pair carries its own mapping.
It only falls, so it keeps the order of faces; between equal scores the shift itself decides.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

LARGEST_SHIFT = 2.0
"""Of opposite unit embeddings (arXiv 2605.13396)."""


@dataclass(frozen=True, slots=True)
class ScoreMapping:
    """Straight lines between knots; beyond the outer knots their scores."""

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012

    knots: tuple[tuple[float, float], ...]
    """(shift, score): two or more, shift rising within [0, 2], score falling within [0, 100]."""

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
        return np.interp(shift, at, scores)


def fit_score_mapping(shift: NDArray[np.float32]) -> ScoreMapping:
    """
    Return a mapping on which usable faces spread around 50.

    Of the given faces 5 % score above 75, half of them above 50 and 95 % above 25; twice the shift
    of those at 25 is left 5. So a threshold means the same on every network that was calibrated on
    the same faces: golden faces unless the operator calibrated on his own.

    Args:
        shift: (N,) embedding shifts of usable faces, not all equal.

    Raises:
        ValueError: Their quantiles do not differ, so no scale can be made of them.
    """
    low, middle, high = (float(q) for q in np.quantile(shift.astype(np.float64), (0.05, 0.5, 0.95)))
    knots = [(0.0, 100.0), (low, 75.0), (middle, 50.0), (high, 25.0)]
    if 2 * high < LARGEST_SHIFT:
        knots.append((2 * high, 5.0))
    return ScoreMapping((*((_rounded(at), score) for at, score in knots), (LARGEST_SHIFT, 0.0)))


def _rounded(value: float) -> float:
    """Return six significant digits: the rest is noise of the machine that built the pair."""
    return float(f"{value:.6g}") if math.isfinite(value) else value
