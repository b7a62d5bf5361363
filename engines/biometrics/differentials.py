"""
How a quality measure treats groups of people, and each person: shares, quantiles, error rates.

Terms: ISO/IEC 19795-10 (a *demographic differential* is a difference of an outcome between groups;
for comparisons that fail, a false negative differential). One threshold holds for all groups.
Intervals: percentiles of a bootstrap that draws people with all their images, each group by
itself, since pictures of one person are not independent (Davison and Hinkley, "Bootstrap Methods
and their Application", 1997, section 3.8).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engines.biometrics.bootstrap import RESAMPLES, Estimate, estimate_of
from engines.biometrics.variance import share_between

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
Draws = NDArray[np.float64]
"""(R, K) how often each of K people is drawn in each of R draws."""


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """The people of an evaluation, numbered from 0."""

    group: NDArray[np.intp]
    """(K,) number of each one's group."""

    def draws(self, rng: np.random.Generator) -> Draws:
        """Return `RESAMPLES` draws of as many people of each group as there are."""
        drawn = np.zeros((RESAMPLES, self.group.size))
        for group in np.unique(self.group):
            members = np.flatnonzero(self.group == group)
            even = np.full(members.size, 1 / members.size)
            drawn[:, members] = rng.multinomial(members.size, even, RESAMPLES)
        return drawn


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """Yes or no, several times for each person: images that pass, mated comparisons that fail."""

    happened: NDArray[np.bool_]
    """(N,)"""
    person: NDArray[np.intp]
    """(N,) number of each one's person."""

    def share(self, people: People, group: int, draws: Draws) -> Estimate | None:
        """Return the share that happened in one group; None where there is nothing to count."""
        return estimate(*self.shares(people, group, draws))

    def shares(self, people: People, group: int, draws: Draws) -> tuple[float, NDArray[np.float64]]:
        """Return that share, and (R,) what the draws give; NaN where there is nothing to count."""
        inside = people.group == group
        yes = np.bincount(self.person, self.happened, people.group.size) * inside
        tried = np.bincount(self.person, minlength=people.group.size) * inside
        with np.errstate(invalid="ignore"):
            return float(np.divide(yes.sum(), tried.sum())), (draws @ yes) / (draws @ tried)


def estimate(value: float, draws: NDArray[np.float64]) -> Estimate | None:
    """Return a figure with its interval, of the draws that have one; None where it has no value."""
    defined = draws[np.isfinite(draws)]
    if not (np.isfinite(value) and defined.size):
        return None
    return estimate_of(value, defined)


def ratio_of_shares(
    outcomes: Outcomes, people: People, lowest: int, highest: int, draws: Draws
) -> Estimate | None:
    """Return the share of one group over that of another; below 1 the first one passes less."""
    first, first_draws = outcomes.shares(people, lowest, draws)
    second, second_draws = outcomes.shares(people, highest, draws)
    with np.errstate(invalid="ignore", divide="ignore"):
        return estimate(float(np.divide(first, second)), first_draws / second_draws)


def variance_between(
    values: NDArray[np.float64], person: NDArray[np.intp], draws: Draws
) -> Estimate | None:
    """
    Return the share of a measure's variance between people, with its interval.

    Args:
        values: (N,) of the measure.
        person: (N,) number of each one's person, below K.
        draws: Of all people, whatever their groups.
    """
    value = share_between(values, person)
    if value is None:
        return None
    people = draws.shape[1]
    size = np.bincount(person, minlength=people).astype(np.float64)
    mean = np.bincount(person, values, people).astype(np.float64) / np.maximum(size, 1)
    squares = np.bincount(person, np.square(values - mean[person]), people).astype(np.float64)
    return estimate(value, _shares_between(draws, size, mean, squares))


def _shares_between(
    draws: Draws,
    size: NDArray[np.float64],
    mean: NDArray[np.float64],
    squares: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return (R,) `share_between` of each draw: a person drawn twice counts as two."""
    people, pictures = draws @ (size > 0), draws @ size
    usual = (pictures - (draws @ np.square(size)) / pictures) / (people - 1)
    whole_mean = (draws @ (size * mean)) / pictures
    spread = draws @ (size * np.square(mean)) - pictures * np.square(whole_mean)
    with np.errstate(invalid="ignore", divide="ignore"):
        within = (draws @ squares) / (pictures - people)
        between = spread / (people - 1)
        return (between - within) / (between + (usual - 1) * within)


def quantiles(values: NDArray[np.float64]) -> Sequence[float]:
    """Return those at `QUANTILES`."""
    return [float(value) for value in np.quantile(values, QUANTILES)]
