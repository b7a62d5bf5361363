"""
How often a camera is looked at: its own rate, and less when the gate cannot keep up. Pure.

Frames of cameras wait in a slot for one frame, so the gate always gets the newest; what suffers
under load is the time from a frame to its verdict. When verdicts come late, every camera is looked
at less often by the same factor: nobody starves, and the threads that decode get their share of the
processor back.
"""

from collections.abc import Iterable
from dataclasses import dataclass

TOO_OLD_S = 0.5
"""Age of a frame at its verdict above which less is looked at: half a step of someone walking."""
FRESH_S = 0.25
"""Age below which more is looked at again; between the two nothing changes."""
SLOWER, FASTER = 1.1, 1 / 1.02
"""Factors per look: down within a second or two, up again within ten."""
MOST_STRETCH = 20.0
WEIGHT = 0.2
"""Of the newest age in the running mean: the last ten looks or so count."""


@dataclass(frozen=True, slots=True)
class Load:
    """How far the gate is behind, over all cameras."""

    age_s: float = 0.0
    """Running mean of the age of frames at their verdict."""
    stretch: float = 1.0
    """Every camera's interval is multiplied by this, 1 to 20; 1 when there is no overload."""

    def looked(self, age_s: float) -> "Load":
        """Return the load after one more look whose frame had this age at its verdict."""
        mean = (1 - WEIGHT) * self.age_s + WEIGHT * age_s
        if mean > TOO_OLD_S:
            return Load(mean, min(self.stretch * SLOWER, MOST_STRETCH))
        if mean < FRESH_S:
            return Load(mean, max(self.stretch * FASTER, 1.0))
        return Load(mean, self.stretch)

    @property
    def is_over(self) -> bool:
        """Whether cameras are looked at less often than configured."""
        return self.stretch > 1.0


@dataclass(frozen=True, slots=True)
class Turn:
    """When a camera was looked at last, and when it may be again."""

    name: str
    interval_s: float
    """Least seconds between two looks without overload; 0 for a file, of which nothing is lost."""
    looked_s: float = float("-inf")
    """Monotonic seconds of the last look."""

    def due_s(self, load: Load) -> float:
        """Return the monotonic seconds of the next look."""
        return self.looked_s + self.interval_s * load.stretch

    def is_late(self, now_s: float) -> bool:
        """Tell whether a look now comes later than the camera's own rate asks for."""
        return now_s - self.looked_s > 1.5 * self.interval_s > 0


def in_order(turns: Iterable[Turn], load: Load, now_s: float) -> list[Turn]:
    """Return the cameras that may be looked at, the one that has waited longest first."""
    return sorted(
        (turn for turn in turns if turn.due_s(load) <= now_s), key=lambda turn: turn.looked_s
    )


def seconds_until_due(turns: Iterable[Turn], load: Load, now_s: float) -> float | None:
    """Return how long until another camera may be looked at; None when all may already."""
    waits = [wait for turn in turns if (wait := turn.due_s(load) - now_s) > 0]
    return min(waits, default=None)
