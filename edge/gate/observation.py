"""What the gate tells those who only look on: the page, the metrics, the shadow log."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from edge.gate.outcome import Outcome, Stage
from edge.samples import Captured

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """What one frame of one camera, or the end of tracks without a frame, led to."""

    camera: str
    """Its name in the configuration."""
    captured: Captured | None
    """The frame with its pixels, which nobody may change; None when tracks ended without one."""
    outcome: Outcome
    """Every face seen in the frame, and the faces of this and earlier frames that were sent."""
    run: str = ""
    """Track ids are unique for a camera within it."""
    seen_s: float = 0.0
    """Seconds by the clock that its tracks live by: of the recording, or of this device."""


Observer: TypeAlias = Callable[[Observation], None]
"""Called by the worker's thread, which waits: an observer takes what it needs and returns."""


StageTimer: TypeAlias = Callable[[Stage, float], None]
"""Called with the seconds that a stage took for one face, by the thread that spent them."""


def unheeded(*_: object) -> None:
    """Take no notice: the onlooker of a gate that nobody watches."""


class Observers:
    """Several observers; one that fails is told of once and never stops the gate."""

    def __init__(self, observers: tuple[Observer, ...] = ()) -> None:
        self._observers = observers
        self._failed: set[int] = set()

    def __call__(self, observation: Observation) -> None:
        """Show every observer one observation."""
        for number, observe in enumerate(self._observers):
            self._show(number, observe, observation)

    def _show(self, number: int, observe: Observer, observation: Observation) -> None:
        try:
            observe(observation)
        except Exception:
            if number not in self._failed:
                log.exception("an observer failed; the gate goes on")
            self._failed.add(number)


@dataclass(frozen=True, slots=True)
class Listeners:
    """Who is told what the gate does; none of them has a say in it."""

    observe: Observer = unheeded
    took: StageTimer = unheeded


NOBODY = Listeners()
