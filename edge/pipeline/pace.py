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
from dataclasses import dataclass

BUSY = 0.9
"""Share of the worker's time for looks under overload; the rest lets it wait for fresh frames."""
MEMORY_S = 3.0
"""Time constant of what is asked for: someone who walks by is in the picture for as long."""
MOST_STRETCH = 20.0
OLDEST = 2.0
"""Frame intervals: the age of a frame at its verdict that is not to be exceeded."""
NEXT_WITHIN = 1.5
"""Frame intervals within which a camera gives another frame, or has none to give."""
LOOK_DECAY = 0.9
"""For each look, of the longest one so far."""
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
    """The longest look of late, fading as well."""
    is_over: bool = False
    """Whether cameras are looked at less often than configured."""

    def looked(self, looks: float, look_s: float, passed_s: float) -> "Load":
        """
        Return the load after one more look.

        Args:
            looks: Asked for by its camera since the look before at it; 1 without overload.
            look_s: Seconds that it took.
            passed_s: Seconds since the look before, of any camera, until it was over.
        """
        fading = math.exp(-passed_s / MEMORY_S)
        asked_s = fading * self.asked_s + looks * look_s
        all_s = fading * self.passed_s + min(passed_s, MEMORY_S)
        longest_s = max(look_s, LOOK_DECAY * self.look_s + (1 - LOOK_DECAY) * look_s)
        share = asked_s / all_s if all_s >= MEMORY_S / 3 else 0.0
        return Load(asked_s, all_s, longest_s, share > (BUSY if self.is_over else 1.0))

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
        return self.looked_s + self.interval_s * load.stretch

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

        One that would be too old at its verdict is left, since another one follows within a frame
        interval; where none has followed, or no look is quick enough, it is as good as any.
        """
        age_s, look_s = now_s - captured_s, load.look_s
        oldest_s, next_s = OLDEST * self.interval_s, NEXT_WITHIN * self.interval_s
        return look_s >= oldest_s or not oldest_s - look_s < age_s <= next_s


def in_order(turns: Iterable[Turn], load: Load, now_s: float) -> list[Turn]:
    """Return the cameras that may be looked at, first that which waited most of its intervals."""
    due = (turn for turn in turns if turn.due_s(load) <= now_s)
    return sorted(due, key=lambda turn: -turn.waited(now_s))


def seconds_until_due(turns: Iterable[Turn], load: Load, now_s: float) -> float | None:
    """Return how long until another camera may be looked at; None when all may already."""
    waits = [wait for turn in turns if (wait := turn.due_s(load) - now_s) > 0]
    return min(waits, default=None)
