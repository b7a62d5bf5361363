"""
Who may ask what: foreign names, foreign pages, and the token of programs. Pure.

* A page of another site may point its own name at this machine (DNS rebinding). Such a name stands
  in `Host`; addresses cannot be rebound, and other names are ours only if they are listed.
* A page of another site, or of another port of this machine, may send requests. Browsers say so in
  `Origin` and `Sec-Fetch-Site` (Fetch Metadata, W3C); what is no browser sends neither.
* The token comes as `Authorization: Bearer`, or once in a form, for a session.
"""

import ipaddress
from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

from edge.config.page import is_loopback

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
    """
    Tell whether a page of another origin made a browser send this; a link to us is none.

    Raises:
        ValueError: `Origin` cannot be read.
    """
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc.lower() != headers.get("host", "").lower():
        return True
    if method == "GET" and headers.get("sec-fetch-mode") == "navigate":
        return False
    return headers.get("sec-fetch-site", "none") not in _OWN


def bearer(headers: Mapping[str, str]) -> str | None:
    """Return the token that a program sends, None when it sends none."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    return given.strip() if scheme.lower() == "bearer" else None
