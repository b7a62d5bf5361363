"""Time several things fairly: in turn, round after round, so that a slow spell hits all alike."""

import time
from collections.abc import Callable, Mapping

import numpy as np

WARM_UP = 2
"""Rounds that are not counted: caches, lazy allocations and clock frequencies settle."""


def median_seconds(cases: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """
    Return the median duration of each case.

    Args:
        cases: What to call, by name; called in this order in every round.
        rounds: Counted rounds, at least 1.
    """
    taken: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(WARM_UP + rounds):
        for name, case in cases.items():
            start = time.perf_counter()
            case()
            taken[name].append(time.perf_counter() - start)
    return {name: float(np.median(each[WARM_UP:])) for name, each in taken.items()}
