"""Time several things fairly: in turn, round after round, so that a slow spell hits all alike."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import cv2
import numpy as np
from numpy.typing import NDArray

WARM_UP = 3
"""Rounds that are not counted: caches, lazy allocations and clock frequencies settle."""


def rounds_of(
    cases: Mapping[str, Callable[[], object]], rounds: int
) -> dict[str, NDArray[np.float64]]:
    """
    Return the duration of every call.

    Args:
        cases: What to call, by name; called in this order in every round.
        rounds: Counted rounds, at least 1.

    Returns:
        (rounds,) float64 seconds for each case; entries at one place are of one round.
    """
    taken: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(WARM_UP + rounds):
        for name, case in cases.items():
            start = time.perf_counter()
            case()
            taken[name].append(time.perf_counter() - start)
    return {name: np.array(each[WARM_UP:]) for name, each in taken.items()}


def median_seconds(cases: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return the median duration of each case; see `rounds_of`."""
    return {name: float(np.median(each)) for name, each in rounds_of(cases, rounds).items()}


@contextmanager
def pinned(threads: int) -> Iterator[None]:
    """Keep this process on so many processors, where the system can, and OpenCV on as many."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(threads)
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    try:
        if allowed:
            os.sched_setaffinity(0, sorted(allowed)[:threads])
        yield
    finally:
        cv2.setNumThreads(before)
        if allowed:
            os.sched_setaffinity(0, allowed)
