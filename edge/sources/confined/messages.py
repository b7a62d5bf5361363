"""
What the process of a camera says to the gate, one JSON array each.

Not pickled: a process that a hostile camera has taken over must not run code in the gate.

    ["ready"]                                 it has started, and connects now
    ["picture", number, height, width, time]  at this place of the shared pictures; time or null
    ["damaged"]                               a picture was left out
    ["passed"]                                a picture came that is not wanted: see `Demand`
    ["failed", words]                         the camera cannot be opened or was lost; the last one
    ["login refused", words]                  the same, for its login; the last one, too

The gate answers each picture with one byte, the number of the place that is free again.
"""

import json
import math
from typing import Literal, TypeAlias

from edge.errors import LoginRefusedError, SourceError
from edge.samples import Damaged, Passed
from edge.sources.confined.pictures import Place

NOT_FORKED = 71
"""Told in the place of an exit code when there can be no process (EX_OSERR of sysexits.h)."""
LONGEST = 10_000
"""Bytes of a message."""
READY = b'["ready"]'
START_S = 10.0
"""For it to come, on a slow board under load; usual is less than one second."""
DAMAGED = b'["damaged"]'
PASSED = b'["passed"]'

Heard: TypeAlias = "Damaged | Passed | tuple[Place, float | None] | None"
"""A picture and its time in seconds; None when the process has started."""


def picture(place: Place, time_s: float | None) -> bytes:
    """Return the message for a picture."""
    stamp_s = time_s if time_s is not None and math.isfinite(time_s) else None
    return json.dumps(["picture", place.number, place.height, place.width, stamp_s]).encode()


def failed(words: str, kind: Literal["failed", "login refused"] = "failed") -> bytes:
    """Return the last message."""
    return json.dumps([kind, words[: LONGEST // 8]]).encode()


def heard(message: bytes) -> Heard:
    """
    Return what a message says.

    Raises:
        LoginRefusedError: That the camera refused the login.
        SourceError: That the camera failed; or it is no such message.
    """
    try:
        said = json.loads(message)
    except (ValueError, RecursionError):
        said = None
    match said:
        case ["ready"]:
            return None
        case ["damaged"]:
            return Damaged()
        case ["passed"]:
            return Passed()
        case ["picture", int(number), int(height), int(width), float() | int() | None as time_s]:
            return Place(number, height, width), time_s
        case ["failed", str(words)]:
            raise SourceError(words)
        case ["login refused", str(words)]:
            raise LoginRefusedError(words)
    raise SourceError("the process of the camera says something that nobody understands")
