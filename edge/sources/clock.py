"""One clock for the tracks of a source, that does not run backwards."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from edge.samples import Captured

AFTER_A_CUT_S = 1.0


class SourceTime:
    """
    Camera frames are timed by their arrival, frames of a file by their place in the recording.

    So a file gives the same tracks however fast it is read, and in each round of a loop.
    """

    def __init__(self, *, is_live: bool) -> None:
        self._is_live = is_live
        self._offset_s = 0.0
        self._last_s: float | None = None
        self._source: str | None = None

    @property
    def last_s(self) -> float:
        """Time of the newest frame; 0 before the first."""
        return 0.0 if self._last_s is None else self._last_s

    def seen_s(self, captured: Captured) -> float:
        """Return the time of the next frame of the source."""
        time_s = captured.frame.time_s
        if self._is_live or time_s is None:
            own_s = captured.monotonic_s if self._is_live else self.last_s + AFTER_A_CUT_S
            seen_s = max(own_s, self.last_s)
        else:
            if self.is_cut(captured):
                self._offset_s = self.last_s + AFTER_A_CUT_S - time_s
            seen_s = time_s + self._offset_s
        self._last_s, self._source = seen_s, captured.frame.source
        return seen_s

    def pass_to(self, now_s: float) -> None:
        """Let time pass while no frame comes; later frames are not earlier than this."""
        self._last_s = max(now_s, self.last_s)

    def is_cut(self, captured: Captured) -> bool:
        """Tell whether a frame shows another scene than the one before: nobody walked on."""
        time_s = captured.frame.time_s
        if self._is_live or self._last_s is None:
            return False
        if time_s is None or captured.frame.source != self._source:
            return True
        return time_s + self._offset_s < self._last_s


def stamped(time_s: float | None, since_s: float) -> float:
    """
    Return the presentation time of a camera's picture, also of one that came without.

    Only photographs have none: each shows people of its own, who are not followed to the next.

    Args:
        time_s: As the camera says it.
        since_s: When the camera was opened, by the monotonic clock.
    """
    if time_s is not None and math.isfinite(time_s):
        return time_s
    return time.monotonic() - since_s


TIMESYNC = Path("/run/systemd/timesync")
"""Folder of systemd-timesyncd (systemd-timesyncd.service(8))."""
OLDEST = datetime(2024, 1, 1, tzinfo=timezone.utc)
"""No face was captured before."""


@dataclass(frozen=True, slots=True)
class WallClock:
    """Reads the time in UTC."""

    seconds: Callable[[], float] = time.time
    """Seconds since 1970."""
    timesync: Path = TIMESYNC

    def now(self) -> tuple[datetime, bool]:
        """Return the time, and whether the clock has been set since the start of the device."""
        moment = datetime.fromtimestamp(self.seconds(), timezone.utc)
        if self.timesync.is_dir():
            return moment, (self.timesync / "synchronized").exists()
        return moment, moment >= OLDEST
