"""
The wall clock of the device, and whether it can be believed.

A device without a battery-backed clock starts in the past. systemd-timesyncd makes it plausible
from a stored time at once, and true only when the network has answered; then it touches the file
`synchronized`. Where it is not used (chrony, ntpd, PTP) its folder is missing, and any time after
this software was written is believed. The kernel's own mark, adjtimex(2), would cover all of them,
but ProtectClock= of a hardened systemd unit denies even reading it.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

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
