"""
One grammar for every source of frames.

    v4l2:///dev/v4l/by-id/…   USB camera, by a name that stays the same when it is plugged in again
    csi://0                   camera on the CSI connector of a Jetson, by its sensor number
    rtsp://host/path          network camera; rtsps:// with TLS, and the certificate is checked
    http://host/path          Motion JPEG, single JPEG pictures, FLV or MPEG-TS; https:// with TLS
    file:///path              image, video or folder of them; text without a scheme is a path

Capital letters in a scheme are as good as small ones (RFC 3986, 3.1).
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias, get_args
from urllib.parse import SplitResult, quote, urlsplit

from edge.errors import ConfigError, SourceError

Scheme: TypeAlias = Literal["csi", "file", "http", "https", "rtsp", "rtsps", "v4l2"]
NETWORK: frozenset[str] = frozenset({"http", "https", "rtsp", "rtsps"})
SCHEMES: tuple[str, ...] = get_args(Scheme)

_USER = re.compile(r"(?<=//)\S.*@")
# Many cameras take user and password as a parameter, some even as a part of the path. A value of
# one or two digits is a channel number, not a secret, unless its name says otherwise.
_TELLING = r"(?=[^\s?&/;#=]*(?i:pass|pwd|secret|token|key|auth|user|login))"
_CHANNEL = r"(?!\d{1,2}(?:[&/;#\s'\"]|$))"
_PARAMETER = re.compile(
    rf"(?<=[?&/;#])(?:{_TELLING}([^\s?&/;#=]+)=|([^\s?&/;#=]+)={_CHANNEL})[^\s&/;'\"]+"
)
_ADDRESS = re.compile(r"\b[A-Za-z][A-Za-z0-9+.-]*://\S+")
_IN_PATH = re.compile(r"(?<=[^/]/)[^\s/:?#'\"]+:[^\s/?#'\"]+")
"""`user:password` as a part of the path; a host with its port follows two slashes."""
_BARE = re.compile(r"\?(?![^\s'\"]*=)[^\s'\"]+")
"""A query without names: all of it may be a token."""


def redacted(words: str) -> str:
    """Return text with the user names, passwords and parameters within addresses hidden."""
    found = _PARAMETER.sub(lambda match: f"{match[1] or match[2]}=…", _USER.sub("…@", words))
    return _ADDRESS.sub(lambda match: _BARE.sub("?…", _IN_PATH.sub("…", match[0])), found)


def without_path(address: str) -> str:
    """Return where an address of a server points to; its path may be as secret as a password."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return "…"
    if not parts.netloc:
        return "…"
    rest = "/…" if parts.path.strip("/") or parts.query or parts.fragment else parts.path
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{rest}"


def parts_with_host(address: str) -> SplitResult | None:
    """Return the parts of a server's address; None where host or port cannot be."""
    try:
        parts = urlsplit(address)
        has_host = bool(parts.hostname) and parts.port != 0  # reading the port checks it
    except ValueError:
        return None
    return parts if has_host else None


def check_host(host: str) -> None:
    """
    Check that a host can be looked up at all.

    Raises:
        ValueError: It cannot; the message does not hold it.
    """
    try:
        host.encode("idna")
    except UnicodeError:
        raise ValueError("the host is no name: a part of it is empty or too long") from None
    if not re.fullmatch(r"[!-~]+", host):
        raise ValueError("the host is no name: it holds blanks or characters beyond ASCII")


@dataclass(frozen=True, slots=True)
class SourceUri:
    """The address of a source; as text and in messages it is redacted, and of a file its path."""

    scheme: Scheme
    address: str = field(repr=False)
    """The whole address, with credentials: for the library that connects, and nothing else."""

    def __str__(self) -> str:
        if self.scheme == "file":
            return self.address.removeprefix("file://")
        return redacted(self.address) if self.is_network else self.address

    def __repr__(self) -> str:
        return f"SourceUri({str(self)!r})"

    @property
    def is_network(self) -> bool:
        """Whether it names a host."""
        return self.scheme in NETWORK

    @property
    def is_live(self) -> bool:
        """Whether frames that are not taken in time are gone: everything but a file."""
        return self.scheme != "file"

    @property
    def path(self) -> Path:
        """
        The file, folder or device.

        Raises:
            SourceError: The source is neither file:// nor v4l2://.
        """
        if self.scheme not in ("file", "v4l2"):
            raise SourceError(f"{self} has no path; name a file, a folder or a v4l2:// device")
        return Path(self.address.removeprefix(f"{self.scheme}://"))

    @property
    def sensor(self) -> int:
        """The number of the sensor; for csi:// only."""
        return int(self.address.removeprefix("csi://"))

    def with_login(self, login: str) -> "SourceUri":
        """
        Return the address with a user name and password in it.

        Args:
            login: `user:password`, as it is: nothing percent-encoded.

        Raises:
            ConfigError: There is no colon.
        """
        user, colon, password = login.partition(":")
        if not colon:
            raise ConfigError("a camera's login is written user:password; its secret has no colon")
        rest = self.address.removeprefix(f"{self.scheme}://")
        safe = f"{quote(user, safe='')}:{quote(password, safe='')}"
        return SourceUri(self.scheme, f"{self.scheme}://{safe}@{rest}")


def parse_uri(text: str) -> SourceUri:
    """
    Read the address of a source.

    Args:
        text: As in the grammar above; the path of a file is taken as it is.

    Raises:
        ValueError: It is wrong; the message names what is expected and holds no credentials.
    """
    scheme, separator, rest = text.partition("://")
    if not separator:
        return SourceUri("file", f"file://{text}")
    scheme = scheme.lower()
    text = f"{scheme}://{rest}"
    match scheme:
        case "file":
            return SourceUri("file", text)
        case "v4l2":
            return SourceUri("v4l2", f"v4l2://{_device(rest)}")
        case "csi":
            return SourceUri("csi", f"csi://{_sensor(rest)}")
        case "http" | "https" | "rtsp" | "rtsps":
            _check_network(text)
            return SourceUri(scheme, text)
    known = ", ".join(f"{each}://" for each in SCHEMES)
    raise ValueError(f"the scheme {scheme}:// is not supported; use {known} or a path")


def _device(path: str) -> str:
    if not re.fullmatch(r"/dev/[!-~]+", path):
        raise ValueError(
            "a V4L2 camera is written v4l2:///dev/v4l/by-id/NAME; see the names with "
            "'ls -l /dev/v4l/by-id'"
        )
    return path


def _sensor(number: str) -> int:
    if not re.fullmatch(r"[0-9]{1,2}", number):
        raise ValueError("a CSI camera is written csi://0, with the number of its sensor")
    return int(number)


def _check_network(text: str) -> None:
    if not re.fullmatch(r"[!-~]+", text):
        raise ValueError("an address holds ASCII only and no blanks; percent-encode the others")
    parts = _split(text)
    if "@" in parts.path + parts.query + parts.fragment:
        raise ValueError(
            "percent-encode the characters @ / ? # of the user name and password, "
            "or give them as the secret 'login'"
        )
    if not parts.hostname:
        raise ValueError(f"the host is missing; write {parts.scheme}://host/path")
    check_host(parts.hostname)


def _split(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        is_reachable = parts.port != 0  # reading it checks it
    except ValueError:
        # Without the cause: its message may quote a part of a password.
        raise ValueError(
            "host or port is wrong; percent-encode the characters @ / ? # [ ] of a password, "
            "or give it as the secret 'login'"
        ) from None
    if not is_reachable:
        raise ValueError("port 0 is none of a host's")
    return parts
