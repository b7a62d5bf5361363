"""A request and its answer as plain values, and what every answer of the gate carries."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
EVERY_ANSWER = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Referrer-Policy": "same-origin",  # "no-referrer" would hide the origin of our own forms too
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Headers: no faces in caches, nothing from or to other places."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks."""

    method: str
    target: str
    """Path and query."""
    headers: Mapping[str, str]
    """By name; names in lower case."""
    body: bytes = b""
    peer: str = ""
    """Address of the client."""

    @property
    def path(self) -> str:
        """Without the query."""
        return self.target.partition("?")[0]

    def argument(self, name: str, default: str = "") -> str:
        """Return the first value of a name in the query."""
        return parse_qs(self.target.partition("?")[2]).get(name, [default])[0]


@dataclass(frozen=True, slots=True)
class Response:
    """What the gate replies."""

    status: int
    media_type: str = "text/plain; charset=utf-8"
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Refusal(Exception):  # noqa: N818 -- an answer, not a defect
    """A request that is not granted, with the status and the words of its answer."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


def words_response(status: int, words: str) -> Response:
    """Return a line of text."""
    return Response(status, body=f"{words}\n".encode())


def json_response(document: object, status: int = 200) -> Response:
    """Return a JSON document; NaN has no place in one."""
    body = json.dumps(document, ensure_ascii=False, allow_nan=False).encode()
    return Response(status, "application/json", body)


def see_other(path: str, headers: Mapping[str, str] | None = None) -> Response:
    """Send a browser elsewhere."""
    return Response(303, headers={"Location": path, **(headers or {})})
