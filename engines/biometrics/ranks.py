"""Rank correlation."""

import numpy as np
from numpy.typing import NDArray

from engines.errors import EvaluationError


def ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rank of each value from 1 upwards; equal values share their mean rank."""
    _, group, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return ((2 * last - counts + 1) / 2)[group]


def spearman(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """
    Return Spearman's rank correlation, ties sharing their mean rank.

    Args:
        first: (N,) values.
        second: (N,) values.

    Returns:
        -1 to 1; 1 when both order the same way.

    Raises:
        EvaluationError: All values of one side are equal, or there are none: they order nothing.
    """
    a, b = ranks(first), ranks(second)
    middle = (a.size + 1) / 2
    a, b = a - middle, b - middle
    scale = float(np.sqrt(np.dot(a, a) * np.dot(b, b)))
    if scale == 0:
        raise EvaluationError("a rank correlation needs values that differ")
    return float(np.clip(np.dot(a, b) / scale, -1, 1))
