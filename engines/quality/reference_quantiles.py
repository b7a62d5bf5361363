"""Quantiles of reference faces, and how they are written."""

import numpy as np
from numpy.typing import NDArray


def reference_quantiles(
    values: NDArray[np.floating], shares: NDArray[np.float64]
) -> NDArray[np.float64]:
    """
    Return the values below which these shares of the reference faces lie.

    Args:
        values: (N,) in any order; half of a face itself lies below it.
        shares: (K,) in [0, 1].

    Returns:
        (K,), straight between the values; the ends for shares beyond them.
    """
    found: NDArray[np.float64] = np.quantile(values.astype(np.float64), shares, method="hazen")
    return found


def rounded(value: float) -> float:
    """Return six significant digits: the rest is noise of the machine that built the pair."""
    return float(f"{value:.6g}")
