"""
How often a camera is looked at: its own rate, and less when the gate cannot keep up. Pure.

Frames of cameras wait in a slot for one frame, so the gate always gets the newest. When cameras ask
for more looks than there is time for, every camera is looked at less often by the same factor:
nobody starves, and the threads that decode get their share of the processor. Everything is measured
in the frame interval of a camera, the time between two looks at its own rate: what is late for one
that is looked at 30 times a second is early for one that is looked at once.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from heapq import nlargest

BUSY = 0.9
"""Share of the worker's time for looks under overload; the rest lets it wait for fresh frames."""
MEMORY_S = 3.0
"""Time constant of what is asked for: someone who walks by is in the picture for as long."""
MOST_STRETCH = 20.0
OLDEST = 2.0
"""Frame intervals: the age of a frame at its verdict that is not to be exceeded."""
FRESH = 0.5
"""Frame intervals: a frame that is no older is looked at, however long looks take."""
NEXT_WITHIN = 10.0
"""Frame intervals from when it is due within which a camera gives another frame, or has none."""
LOOKS = 64
"""The newest looks, by which the next one is foretold."""
USUAL_S = 0.1
"""Frame interval by which files wait among cameras."""


@dataclass(frozen=True, slots=True)
class Load:
    """How much more the cameras ask for than the gate can do, over all of them."""

    asked_s: float = 0.0
    """Seconds that looks at every camera's own rate would have taken of late."""
    passed_s: float = 0.0
    """Of so many, both fading with age."""
    look_s: float = 0.0
    """Seconds that but one of the newest looks took no longer than."""
    is_over: bool = False
    """Whether cameras are looked at less often than configured."""
    newest_s: tuple[float, ...] = ()
    """Seconds of each of the newest looks, at most `LOOKS`."""

    def looked(self, looks: float, look_s: float, passed_s: float) -> "Load":
        """
        Return the load after one more look.

        Args:
            looks: Asked for by its camera since the look before at it; 1 without overload.
            look_s: Seconds that it took.
            passed_s: Seconds since the look before, of any camera, until it was over.
        """
        newest_s = (*self.newest_s, look_s)[-LOOKS:]
        # Not the longest: one that other programs held up tells nothing of those to come.
        longest_s = min(nlargest(2, newest_s))
        return replace(self._faded(looks * look_s, passed_s), look_s=longest_s, newest_s=newest_s)

    def rested(self, passed_s: float) -> "Load":
        """Return the load after seconds in which nobody asked for a look."""
        return self._faded(0.0, passed_s)

    def _faded(self, asked_s: float, passed_s: float) -> "Load":
        fading = math.exp(-passed_s / MEMORY_S)
        asked_s += fading * self.asked_s
        all_s = fading * self.passed_s + min(passed_s, MEMORY_S)
        share = asked_s / all_s if all_s >= MEMORY_S / 3 else 0.0
        is_over = share > (BUSY if self.is_over else 1.0)
        return replace(self, asked_s=asked_s, passed_s=all_s, is_over=is_over)

    @property
    def stretch(self) -> float:
        """Every camera's interval is multiplied by this, 1 to 20; 1 when there is no overload."""
        if not self.is_over:
            return 1.0
        return min(max(1.0, self.asked_s / self.passed_s / BUSY), MOST_STRETCH)


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
        return self.next_s(self.looked_s, load)

    def next_s(self, looked_s: float, load: Load) -> float:
        """Return the same for a look at another time than the last one."""
        return looked_s + self.interval_s * load.stretch

    def is_late(self, now_s: float) -> bool:
        """Tell whether a look now comes later than the camera's own rate asks for."""
        return now_s - self.looked_s > 1.5 * self.interval_s > 0

    def asked(self, now_s: float, frames: int) -> float:
        """
        Return how many looks it asked for since the last one, with the one that begins now.

        Args:
            now_s: Monotonic seconds.
            frames: That came since then: a camera that gives fewer asks for fewer.
        """
        if self.interval_s == 0 or self.looked_s == float("-inf"):
            return 1.0 if self.interval_s else 0.0
        return min((now_s - self.looked_s) / self.interval_s, float(max(frames, 1)))

    def waited(self, now_s: float) -> float:
        """Return the frame intervals since the last look."""
        return (now_s - self.looked_s) / (self.interval_s or USUAL_S)

    def is_worth(self, captured_s: float, now_s: float, load: Load) -> bool:
        """
        Tell whether to look at a frame, or else to wait for the next one of its camera.

        One that would be too old at its verdict is left, since another one follows: it may have
        lain there since the look before. Where none has followed for long it is as good as any.
        """
        interval_s = self.interval_s
        if now_s - captured_s <= max(OLDEST * interval_s - load.look_s, FRESH * interval_s):
            return True
        return now_s >= self.due_s(load) + NEXT_WITHIN * interval_s


def in_order(turns: Iterable[Turn], load: Load, now_s: float) -> list[Turn]:
    """Return the cameras that may be looked at, first that which waited most of its intervals."""
    due = (turn for turn in turns if turn.due_s(load) <= now_s)
    return sorted(due, key=lambda turn: -turn.waited(now_s))


def seconds_until_due(turns: Iterable[Turn], load: Load, now_s: float) -> float | None:
    """Return how long until another camera may be looked at; None when all may already."""
    waits = [wait for turn in turns if (wait := turn.due_s(load) - now_s) > 0]
    return min(waits, default=None)
