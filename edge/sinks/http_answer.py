"""What a server's answer means for a face: taken, later, or never."""

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from edge.config.uri import without_path
from edge.errors import SinkBusyError, SinkError, SinkRefusedError

TRY_AGAIN = frozenset({408, 425, 429})
"""Client errors that concern the moment and not the request (RFC 9110, 8470, 6585)."""
BY_A_PROXY = frozenset({401, 403, 407})
"""What a proxy may say in the server's place of its own rules and logins."""
LONGEST_RETRY_AFTER_S = 3600.0
"""A server that asks for more is asked again each hour."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A server's answer."""

    status: int
    headers: Mapping[str, str]
    """As sent; their names are looked up in lower or upper case."""
    text: bytes
    """The first bytes of the body."""
    may_be_a_proxys: bool = False
    """It came through a proxy that could have answered itself."""


def judge(answer: Answer, url: str, now_s: float, sink: str) -> None:
    """
    Return when the server took the face, and raise otherwise.

    Args:
        answer: What it said.
        url: For messages.
        now_s: Seconds since 1970, for a `Retry-After` date when there is no `Date` beside it.
        sink: Its name, for messages.

    Raises:
        SinkBusyError: It asks to come back after a time.
        SinkError: It may take the face later.
        SinkRefusedError: It will never take this face.
    """
    status = answer.status
    if 200 <= status < 300:
        return
    shown = excerpt(answer.text.decode("utf-8", "replace"))
    said = f"{url} answered {status}{f' ({shown})' if shown else ''}"
    if 300 <= status < 400:
        location = _headers(answer).get("location")
        place = without_path(location) if location else "nowhere"
        raise SinkError(f"{said} and points to {place}: redirects are not followed, correct url")
    if answer.may_be_a_proxys and status in BY_A_PROXY:
        raise SinkError(f"{said}: the proxy or the server refuses the login, correct proxy_login")
    if 400 <= status < 500 and status not in TRY_AGAIN:
        raise SinkRefusedError(f"{said}{_advice(status, sink)}")
    wait = retry_after_s(answer, now_s)
    raise SinkError(said) if wait is None else SinkBusyError(said, wait)


def retry_after_s(answer: Answer, now_s: float) -> float | None:
    """
    Return the seconds of `Retry-After` (RFC 9110, 10.2.3), in [0, 3600]; None without a valid one.

    A date is taken relative to the server's own `Date`, for our clock may not be set.
    """
    headers = _headers(answer)
    text = headers.get("retry-after", "").strip()
    if text.isdecimal():
        return min(float(text), LONGEST_RETRY_AFTER_S)
    until_s = _date_s(text)
    if until_s is None:
        return None
    server_s = _date_s(headers.get("date", ""))
    return min(max(0.0, until_s - (now_s if server_s is None else server_s)), LONGEST_RETRY_AFTER_S)


def _headers(answer: Answer) -> dict[str, str]:
    return {name.lower(): value for name, value in answer.headers.items()}


def _date_s(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError, IndexError, OverflowError):
        return None


def excerpt(text: str) -> str:
    """Return the beginning of what a server says, in one line."""
    words = " ".join(text[:400].split())
    return "".join(letter for letter in words if letter.isprintable())[:200]


def _advice(status: int, sink: str) -> str:
    if status in (401, 403):
        requeue = f"edge-gate outbox requeue --sink {sink}"
        return f": correct token or login, then put the dead letters back: {requeue}"
    return ""
