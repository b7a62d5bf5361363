"""
What is the head of a request to the letter, and how long a client may take to send it.

The library reads heads as leniently as mail, and two readers that understand one head differently
are an attack (request smuggling, RFC 9112, 11.2). So what is not exactly a head is refused.
"""

import io
import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Protocol, cast

MOST_HEAD = 32768
"""Bytes of all header fields; browsers send 2,000."""
_REQUEST_LINE = re.compile(rb"[A-Z]{1,32} /[!-~]* HTTP/1\.[01]\r\n")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[\t -~\x80-\xff]*\r\n")
_ONCE = (
    b"authorization", b"content-length", b"content-type", b"cookie", b"host", b"origin",
    b"sec-fetch-mode", b"sec-fetch-site", b"transfer-encoding",
)  # fmt: skip
"""What decides about a request: two of them would be two answers."""


class Lines(Protocol):
    """Where lines are read from."""

    def readline(self, limit: int, /) -> bytes:
        """Return a line with its end, or as much of it as the limit allows."""


def read_fields(lines: Lines) -> list[bytes]:
    """Return the lines up to the empty one, it included; fewer when the client ended before."""
    fields: list[bytes] = []
    left = MOST_HEAD
    while left > 0:
        fields.append(lines.readline(left))
        if fields[-1] in (b"\r\n", b"\n", b""):
            break
        left -= len(fields[-1])
    return fields


def head_problem(request_line: bytes, fields: Sequence[bytes]) -> str | None:
    """
    Return what is wrong with a head, None when nothing is.

    Args:
        request_line: With its end.
        fields: Each with its end, and the empty line.
    """
    if _REQUEST_LINE.fullmatch(request_line) is None:
        return "the first line is not METHOD /PATH HTTP/1.1"
    if not fields or fields[-1] != b"\r\n":
        return f"the header has no end within {MOST_HEAD} bytes"
    matches = [_FIELD.fullmatch(field) for field in fields[:-1]]
    names = Counter(match[1].lower() for match in matches if match is not None)
    if names.total() < len(matches):
        return "a header line is not NAME: VALUE"
    twice = [name.decode() for name in _ONCE if names[name] > 1]
    if twice:
        return f"{twice[0]} is given twice"
    return None if names[b"host"] else "Host is missing"


class Connection(Protocol):
    """As much of a socket as is read from."""

    def settimeout(self, seconds: float | None, /) -> None:
        """Wait for so long at most, from each call on."""

    def recv_into(self, buffer: bytearray, /) -> int:
        """Put what has come into a buffer; return how many bytes."""


class Punctual(io.RawIOBase):
    """
    Reads from a connection: a silence before a request, and then the whole of it, in time.

    The timeout of a socket starts anew with each byte.
    """

    def __init__(
        self,
        connection: Connection,
        within_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._connection, self._within_s, self._clock = connection, within_s, clock
        self._ends_at_s: float | None = None

    def begin(self) -> None:
        """Wait for the next request from now on."""
        self._ends_at_s = None

    def readable(self) -> bool:
        """Tell that it is."""
        return True

    def readinto(self, buffer: object, /) -> int:
        """
        Read what has come.

        Raises:
            TimeoutError: Nothing came, or the request is not whole in time.
            OSError: The connection broke.
        """
        now_s = self._clock()
        left_s = self._within_s if self._ends_at_s is None else self._ends_at_s - now_s
        if left_s <= 0:
            raise TimeoutError("the request is not whole in time")
        self._connection.settimeout(left_s)
        count = self._connection.recv_into(cast("bytearray", buffer))
        if self._ends_at_s is None:
            self._ends_at_s = self._clock() + self._within_s
        return count
