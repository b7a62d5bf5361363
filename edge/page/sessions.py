"""
Sessions of browsers: a cookie that no script reads, until it ends or is ended.

The cookie is an end time, a number of its own, and the HMAC-SHA256 of both under the token and a
key of this process. So another token ends all sessions, and so does a new start of the gate, for
nobody would remember then which were ended by a logout.
"""

import hmac
import secrets
import threading
from collections.abc import Mapping
from hashlib import sha256
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

SESSION_S = 12 * 3600
_COOKIE = "edge_gate"


class Sessions:
    """Of one run of the gate; for many threads."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._lock = threading.Lock()
        self._ended: dict[str, int] = {}
        """When each session that was ended early would have ended."""

    def new_cookie(self, host: str, token: str, now_s: float, *, secure: bool) -> str:
        """
        Return the `Set-Cookie` of a session that begins now.

        Args:
            host: The `Host` of the request.
            token: The right one.
            now_s: Seconds since 1970.
            secure: Whether it is sent back over TLS only.
        """
        signed = f"{int(now_s) + SESSION_S}.{secrets.token_hex(16)}"
        value = f"{signed}.{self._signature(signed, token)}"
        return _set_cookie(host, value, SESSION_S, secure=secure)

    def is_open(self, headers: Mapping[str, str], token: str, now_s: float) -> bool:
        """
        Tell whether a request comes in a session.

        Args:
            headers: Of the request, names in lower case.
            token: The right one.
            now_s: Seconds since 1970.
        """
        signed, _, signature = _cookie(headers).rpartition(".")
        if not is_same(signature, self._signature(signed, token)):
            return False
        with self._lock:
            return signed not in self._ended and now_s < _end_of(signed)

    def end(self, headers: Mapping[str, str], token: str, now_s: float) -> None:
        """End the session of a request, if it comes in one; arguments as of `is_open`."""
        if not self.is_open(headers, token, now_s):
            return
        signed, _, _ = _cookie(headers).rpartition(".")
        with self._lock:
            over = [each for each, end_s in self._ended.items() if end_s <= now_s]
            for each in over:
                del self._ended[each]
            self._ended[signed] = _end_of(signed)

    def _signature(self, signed: str, token: str) -> str:
        key = hmac.digest(self._key, token.encode(), sha256)
        return hmac.new(key, signed.encode("utf-8", "surrogateescape"), sha256).hexdigest()


def no_cookie(host: str) -> str:
    """Return the `Set-Cookie` that lets a browser forget a session."""
    return _set_cookie(host, "", 0, secure=False)


def is_same(given: str, right: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), right.encode())


def _set_cookie(host: str, value: str, age_s: int, *, secure: bool) -> str:
    rest = f"Path=/; Max-Age={age_s}; HttpOnly; SameSite=Strict{'; Secure' if secure else ''}"
    return f"{_cookie_name(host)}={value}; {rest}"


def _cookie_name(host: str) -> str:
    # Browsers share cookies between ports; two gates behind two tunnels must not end each other's.
    return f"{_COOKIE}_{urlsplit(f'//{host}').port or 80}"


def _cookie(headers: Mapping[str, str]) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(_cookie_name(headers.get("host", "")))
    except (CookieError, ValueError):
        return ""
    return "" if found is None else found.value


def _end_of(signed: str) -> int:
    return int(signed.partition(".")[0])
