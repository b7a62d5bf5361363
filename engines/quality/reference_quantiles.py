"""Quantiles of reference faces of which some count more than others, and how they are written."""

import numpy as np
from numpy.typing import NDArray


def weighted_quantiles(
    values: NDArray[np.floating], weight: NDArray[np.float64], shares: NDArray[np.float64]
) -> NDArray[np.float64]:
    """
    Return the values below which these shares of the weight lie.

    Args:
        values: (N,) in any order.
        weight: (N,) above 0; half of a value's own lies below it.
        shares: (K,) in [0, 1].

    Returns:
        (K,), straight between the values; the ends for shares beyond them.
    """
    order = np.argsort(values, kind="stable")
    below = (np.cumsum(weight[order]) - weight[order] / 2) / weight.sum()
    return np.interp(shares, below, values[order].astype(np.float64))


def rounded(value: float) -> float:
    """Return six significant digits: the rest is noise of the machine that built the pair."""
    return float(f"{value:.6g}")
