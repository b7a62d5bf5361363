"""
What somebody who names a camera may mean. Pure, but for files and links of devices.

An address without a scheme is of a host when it is no file: RTSP is tried first, since nearly every
camera speaks it, and HTTP where the port says so.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from edge.config.uri import NETWORK, SourceUri, parse_uri
from edge.errors import UsageError

BY_ID = Path("/dev/v4l/by-id")
HOST = re.compile(
    r"(?:[^\s/@]+@)?(?:[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*|\[[0-9A-Fa-f:.]+\])(?::(\d+))?(?:[/?].*)?"
)
SCHEMES_OF_PORT = {"443": ("https",), "322": ("rtsps",), "80": ("http",), "8080": ("http", "rtsp")}
USUAL = ("rtsp", "http")
RECORDING = (".mp4", ".mkv", ".avi", ".jpg")
FORMS = (
    "rtsp://192.168.1.20/stream1, http://192.168.1.20/video.mjpg, /dev/video0, csi://0, "
    "or a folder of recordings"
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One thing that an address may mean."""

    uri: SourceUri
    """Without a login."""
    login: str | None = None
    """The `user:password` that stood in the address."""


def candidates(text: str, by_id: Path = BY_ID) -> tuple[Candidate, ...]:
    """
    Return what an address may mean, the likeliest first.

    Args:
        text: As somebody typed it.
        by_id: Where names of USB cameras are that stay the same.

    Raises:
        UsageError: It can mean nothing; the message shows what an address looks like.
    """
    text = text.strip()
    if "://" in text:
        return (_parsed(text),)
    if text.startswith("/dev/"):
        return (_parsed(f"v4l2://{_steady(Path(text), by_id)}"),)
    path = Path(text).expanduser()
    if text and path.exists():
        return (_parsed(str(path)),)
    host = HOST.fullmatch(text)
    if host is None or not _is_host(text):
        raise UsageError(f"{text!r} is neither there as a file nor an address; write {FORMS}")
    schemes = SCHEMES_OF_PORT.get(host[1] or "", USUAL)
    return tuple(_parsed(f"{scheme}://{text}") for scheme in schemes)


def _is_host(text: str) -> bool:
    """Tell a host from a mistyped file: it has a dot or a port before the path, or is named so."""
    host = re.split(r"[/?]", text.rpartition("@")[2], maxsplit=1)[0]
    if host == "localhost":
        return True
    is_file = "/" not in text and Path(text).suffix.lower() in RECORDING
    return bool(re.search(r"[^.].*[.:]", host)) and not is_file


def _parsed(text: str) -> Candidate:
    try:
        uri = parse_uri(text)
    except ValueError as error:
        raise UsageError(f"{error}; write {FORMS}") from error
    if uri.scheme not in NETWORK:
        return Candidate(uri)
    parts = urlsplit(uri.address)
    if parts.username is None:
        return Candidate(uri)
    login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    plain = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    return Candidate(SourceUri(uri.scheme, plain), login)


def _steady(device: Path, by_id: Path) -> Path:
    """Return the name of a device that stays when others are plugged in, if there is one."""
    links = sorted(by_id.glob("*")) if by_id.is_dir() else []
    return next((link for link in links if link.resolve() == device.resolve()), device)
