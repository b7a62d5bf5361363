"""
How well embeddings separate people, with its uncertainty.

The decidability index d' is the distance between the means of mated and non-mated comparison scores
over the root of their mean variance (Daugman, "The importance of being random", Pattern Recognition
36, 2003). It says something of few faces already, where an error rate says nothing yet.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1000

ROUNDING = 1e-12
"""Variance of scores below which they are alike: cosines of float32 rows differ by 1e-7."""

Numbers = NDArray[np.float64]


def decidabilities(
    rows: Numbers, subjects: Sequence[str], seed: int = 0
) -> tuple[Numbers, Numbers]:
    """
    Return d' of several networks' embeddings of the same faces, and d' on resampled people.

    Args:
        rows: (F, N, D) unit embeddings; comparison scores are their cosines.
        subjects: N names; equal names are one person.
        seed: Of the resampling.

    Returns:
        (F,) and (F, RESAMPLES) d'; the latter draw the same people for each network, so that they
        can be compared resample by resample (a paired bootstrap).
    """
    people = np.unique(np.array(subjects), return_inverse=True)[1]
    sums = np.stack([_sums(each, people) for each in rows])
    number = int(people.max()) + 1
    draws = np.random.default_rng(seed).multinomial(
        number, np.full(number, 1 / number), size=RESAMPLES
    )
    weights = np.vstack([np.ones(number), draws])
    every = np.stack([_weighted(each, weights) for each in sums])
    return every[:, 0], every[:, 1:]


def _sums(rows: Numbers, people: NDArray[np.intp]) -> Numbers:
    """Return (3, P, P): count, sum and squares of scores between people's faces, each once."""
    member = np.eye(int(people.max()) + 1)[people]
    upper = np.triu(np.ones((len(rows), len(rows))), 1)
    score = rows @ rows.T
    return np.stack([member.T @ (upper * score**power) @ member for power in range(3)])


def _weighted(sums: Numbers, weights: Numbers) -> Numbers:
    """Return (W,) d' where person p counts weights[:, p] times, and is never another person."""
    own = np.diagonal(sums, axis1=1, axis2=2)
    mated = own @ weights.T
    crossed = sums - own[:, :, np.newaxis] * np.eye(sums.shape[1])
    non_mated = np.einsum("wp,kpq,wq->kw", weights, crossed, weights)
    (mean, variance), (other_mean, other_variance) = _moments(mated), _moments(non_mated)
    spread = np.sqrt((variance + other_variance) / 2 + ROUNDING)
    return np.nan_to_num((mean - other_mean) / spread, nan=0.0)  # without one kind: says nothing


def _moments(sums: Numbers) -> tuple[Numbers, Numbers]:
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = sums[1] / sums[0]
        return mean, np.maximum(0, sums[2] / sums[0] - mean**2)
