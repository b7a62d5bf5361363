"""
Tell systemd how the service is doing: sd_notify(3), one datagram for each message.

Without NOTIFY_SOCKET in the environment, as on a terminal, every message goes nowhere.
"""

import os
import re
import socket
import time
from collections.abc import Mapping

USEC = 1_000_000
_WATCHDOG_USEC = re.compile("[1-9][0-9]{0,12}")
"""Up to months; no clock of Python's waits for ever."""
PATIENCE_S = 1.0
"""For a service manager that does not read its messages."""


def is_service() -> bool:
    """Tell whether a service manager started this process, and not somebody who looks on."""
    return "NOTIFY_SOCKET" in os.environ


def notify(*assignments: str, environment: Mapping[str, str] | None = None) -> bool:
    """
    Send assignments such as `READY=1` in one message; return whether somebody was there to listen.

    A service manager that is gone or hangs must not stop the cameras: a failed send is only
    reported.
    """
    address = (os.environ if environment is None else environment).get("NOTIFY_SOCKET")
    if not address:
        return False
    # A leading @ stands for the NUL byte of Linux's abstract name space.
    path = "\0" + address[1:] if address.startswith("@") else address
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        channel.settimeout(PATIENCE_S)
        try:
            channel.sendto("\n".join(assignments).encode(), path)
        except OSError:
            return False
    return True


def reloading() -> tuple[str, str]:
    """Return the message that a reload begins; systemd orders it by the monotonic clock."""
    return "RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}"


def status(text: str) -> str:
    """Return the one line that `systemctl status` shows."""
    return "STATUS=" + " ".join(text.split())


def watchdog_interval_s(environment: Mapping[str, str] | None = None) -> float | None:
    """
    Return the seconds between two pings: a third of what the unit's WatchdogSec= allows.

    None when the unit has no watchdog, or the variables are meant for another process, as in a
    child of the service. Source: sd_watchdog_enabled(3).
    """
    variables = os.environ if environment is None else environment
    allowed = variables.get("WATCHDOG_USEC", "")
    meant_for = variables.get("WATCHDOG_PID", str(os.getpid()))
    if not _WATCHDOG_USEC.fullmatch(allowed) or meant_for != str(os.getpid()):
        return None
    return int(allowed) / USEC / 3
