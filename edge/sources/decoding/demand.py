"""
Which pictures of a camera are wanted, so that the others are counted and not made.

A gate looks at a camera some times a second, and a camera sends 25 pictures. Those that come well
before the next look are not converted, nor copied, nor decoded where no other picture refers to
them.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

Cell = NDArray[np.float64]
"""(1,) float64: monotonic seconds, which are the same in all processes of a machine."""

EARLY = 1.0
"""
Intervals between two pictures: what comes so long before a look is the last before it, or else the
next one is so little late that the look waits for it. At 1.5 most looks had two pictures made.
"""
WEIGHT = 0.1
"""Of the newest interval in the running mean."""
LONGEST_S = 1.0
"""A longer interval is a stall, and says nothing about the camera's rate."""


class Demand:
    """When a camera is looked at next; told by one thread, asked by another."""

    def __init__(
        self, due: Cell | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """
        Want every picture, until `look_at` is called.

        Args:
            due: Where the time of the next look stands; else a place of its own.
            clock: Monotonic seconds.
        """
        self._own = np.full(1, -np.inf)
        self._due = self._own if due is None else due
        self.clock = clock
        self._before_s: float | None = None
        self._interval_s = 0.0

    def look_at(self, due_s: float) -> None:
        """Say when the next look will be, in monotonic seconds; until then no picture is wanted."""
        self._own[0] = self._due[0] = due_s

    def came(self) -> bool:
        """Say that a picture came, and return whether it is wanted."""
        now_s = self.clock()
        if self._before_s is not None:
            gap_s = min(now_s - self._before_s, LONGEST_S)
            self._interval_s += WEIGHT * (gap_s - self._interval_s)
        self._before_s = now_s
        return self.is_due()

    def is_due(self) -> bool:
        """Tell whether a picture that comes now is wanted."""
        return self.clock() + EARLY * self._interval_s >= float(self._due[0])

    @contextmanager
    def told_in(self, due: Cell) -> Iterator[None]:
        """Write the time of the next look there, too, where another process reads it."""
        due[0], self._due = self._own[0], due
        try:
            yield
        finally:
            self._due = self._own
