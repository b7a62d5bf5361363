"""
Time as the outbox counts it: seconds that never go back, whatever happens to the wall clock.

A device without a battery-backed clock starts in 1970 and jumps by decades when the network comes
up. Ages and next attempts are therefore kept in *outbox seconds*: within a process they follow the
monotonic clock; from one process to the next they grow by the difference of the wall clocks, if
that is plausible, and otherwise by nothing.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

LONGEST_GAP_S = 366 * 86400.0
"""A device may lie in a drawer for a year; a longer gap is a clock that was not set."""


@dataclass(frozen=True, slots=True)
class Clocks:
    """The two clocks of the system; tests hand in their own."""

    monotonic: Callable[[], float] = time.monotonic
    """Seconds from an undefined start, never going back."""
    wall: Callable[[], float] = time.time
    """Seconds since 1970, as far as the device knows."""


@dataclass(frozen=True, slots=True)
class ClockReading:
    """Both times at one moment."""

    outbox_s: float
    """Outbox seconds."""
    wall_s: float
    """Seconds since 1970."""


def resumed(last: ClockReading, wall_s: float) -> float:
    """
    Return the outbox seconds at which a new process goes on.

    Args:
        last: What an earlier process stored last.
        wall_s: The wall clock now, seconds since 1970.
    """
    gap = wall_s - last.wall_s
    return last.outbox_s + (gap if 0 < gap <= LONGEST_GAP_S else 0.0)


class OutboxClock:
    """Reads outbox seconds; safe to use from several threads."""

    def __init__(self, last: ClockReading, clocks: Clocks) -> None:
        self._clocks = clocks
        self._offset = resumed(last, clocks.wall()) - clocks.monotonic()

    def now(self) -> ClockReading:
        """Return both times now."""
        return ClockReading(self._clocks.monotonic() + self._offset, self._clocks.wall())
