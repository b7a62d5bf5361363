"""
Two opinions on quality made one score: the mean of two shares, ranked again. Pure.

Both opinions are said in shares of the same reference faces that are worse, so that neither's own
scale matters; their mean is no share any more (two opinions seldom agree at the ends), so it is
ranked among the means of the reference faces. The score then means what it meant with one opinion.
Nothing in it was fitted to errors: both count alike, on every network.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from engines.quality.reference_quantiles import reference_quantiles, rounded

POINTS = np.array([0, 1, 2, 5, *range(10, 95, 5), 95, 98, 99, 100]) / 100
"""Shares between which a ranking runs straight."""

Knots = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Ranking:
    """From a value of which higher is better to the share of reference faces that are worse."""

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012

    knots: Knots
    """(value, share): two or more, both rising, shares within [0, 1]."""

    def __post_init__(self) -> None:
        rises = all(a[0] < b[0] and a[1] < b[1] for a, b in pairwise(self.knots))
        if len(self.knots) < 2 or not rises:
            raise ValueError(f"knots {self.knots}: two or more must rise")
        if not all(0 <= share <= 1 for _, share in self.knots):
            raise ValueError(f"knots {self.knots}: shares lie within [0, 1]")

    def share(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """
        Return the share of the reference faces below each value.

        Args:
            values: (N,) on the scale of the knots.

        Returns:
            (N,) in [0, 1].

        Raises:
            ValueError: A value is NaN or infinite.
        """
        if not np.isfinite(values).all():
            raise ValueError("a quality is not finite, so it has no share")
        at, shares = zip(*self.knots, strict=True)
        return np.interp(values, at, shares)


def fit_ranking(values: NDArray[np.float64], ends: tuple[float, float] | None = None) -> Ranking:
    """
    Return how reference faces are ranked by a value.

    Args:
        values: (N,) of reference faces, higher is better.
        ends: The least and the greatest value there can be, so that faces worse or better than all
            of the reference are still told apart; None ends at the reference faces.

    Raises:
        ValueError: All values are equal.
    """
    found = reference_quantiles(values, POINTS)
    if ends is not None:
        found[[0, -1]] = ends
    knots: list[tuple[float, float]] = []
    for value, share in zip(map(rounded, found), POINTS, strict=True):
        if not knots or value > knots[-1][0]:
            knots.append((value, float(share)))
    return Ranking(tuple(knots))


def fused_share(
    first: NDArray[np.float64], second: NDArray[np.float64], ranking: Ranking
) -> NDArray[np.float64]:
    """
    Return the share of reference faces that both opinions together call worse.

    Args:
        first: (N,) share by one opinion, 0 to 1.
        second: (N,) share by the other.
        ranking: Of the means of both over the reference faces.
    """
    return ranking.share((first + second) / 2)
