"""
Who may ask what: foreign names, foreign pages, token and session. Pure.

* A page of another site may point its own name at this machine (DNS rebinding). Such a name stands
  in `Host`; addresses cannot be rebound, and other names are ours only if they are listed.
* A page of another site, or of another port of this machine, may send requests. Browsers say so in
  `Origin` and `Sec-Fetch-Site` (Fetch Metadata, W3C); what is no browser sends neither.
* The token comes as `Authorization: Bearer`, or once in a form, for a cookie that no script reads.
  The cookie is an end time and its HMAC-SHA256 under the token: another token ends all sessions.
"""

import hmac
import ipaddress
from collections.abc import Collection, Mapping
from hashlib import sha256
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from edge.config.page import is_loopback

SESSION_S = 12 * 3600
_COOKIE = "edge_gate"
_OWN = ("same-origin", "none")


def is_own_host(host: str, names: Collection[str]) -> bool:
    """
    Tell whether a `Host` header is an address, localhost, or one of our names.

    Args:
        host: As sent, with or without a port.
        names: In lower case.
    """
    try:
        parts = urlsplit(f"//{host}")
        name, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if not name or parts.username is not None or parts.path:
        return False
    return is_loopback(name) or _is_address(name) or name.rstrip(".") in names


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_foreign(method: str, headers: Mapping[str, str]) -> bool:
    """Tell whether a page of another origin made a browser send this; a link to us is none."""
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc.lower() != headers.get("host", "").lower():
        return True
    if method == "GET" and headers.get("sec-fetch-mode") == "navigate":
        return False
    return headers.get("sec-fetch-site", "none") not in _OWN


def is_same(given: str, token: str) -> bool:
    """Compare a given token in constant time."""
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), token.encode())


def has_token(headers: Mapping[str, str], token: str, now_s: float) -> bool:
    """
    Tell whether a request may see faces.

    Args:
        headers: Of the request, names in lower case.
        token: The right one.
        now_s: Seconds since 1970.
    """
    scheme, _, given = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return is_same(given.strip(), token)
    return _is_valid(_cookie(headers), token, now_s)


def session_cookie(host: str, token: str, now_s: float) -> str:
    """Return the `Set-Cookie` of a session that begins now."""
    end = str(int(now_s) + SESSION_S)
    return _set_cookie(host, f"{end}.{_signature(end, token)}", SESSION_S)


def no_cookie(host: str) -> str:
    """Return the `Set-Cookie` that ends a session."""
    return _set_cookie(host, "", 0)


def _set_cookie(host: str, value: str, age_s: int) -> str:
    rest = f"Path=/; Max-Age={age_s}; HttpOnly; SameSite=Strict"
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


def _is_valid(cookie: str, token: str, now_s: float) -> bool:
    end, _, signature = cookie.partition(".")
    if not (end.isascii() and end.isdecimal()) or not is_same(signature, _signature(end, token)):
        return False
    return now_s < int(end)


def _signature(end: str, token: str) -> str:
    return hmac.new(token.encode(), f"edge-gate session until {end}".encode(), sha256).hexdigest()
