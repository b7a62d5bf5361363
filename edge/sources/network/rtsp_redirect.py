"""
Where an RTSP camera leads and whether it knows the login, asked before FFmpeg is given it.

FFmpeg follows a redirection (RFC 2326, 7.1.1) to any host and logs in there as well, with Basic if
it is asked to, and no option of it forbids that. So a camera that has a login is asked first, as
FFmpeg will ask it: OPTIONS, then DESCRIBE, with the login when the camera wants it. One that
refuses the login is not given it a second time by FFmpeg.
"""

import hashlib
import re
import secrets
import socket
import ssl
import time
from base64 import b64encode
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from urllib.parse import SplitResult, unquote, urlsplit

from edge.config.source import SourceSettings
from edge.config.tls import client_context
from edge.config.uri import SourceUri, redacted
from edge.errors import SourceError
from edge.sources.network.camera_tls import PORTS
from edge.sources.network.refusal import login_refused

REDIRECTS = range(300, 400)
"""Statuses that lead elsewhere (RFC 2326, 11.3)."""
LONGEST_ANSWER = 65536
"""Bytes of head and body; what is longer is no answer to these questions."""
_PARAMETER = re.compile(r'(\w+)\s*=\s*(?:"([^"]*)"|([^\s,]+))')
_HASHES = {"MD5": "md5", "SHA-256": "sha256"}
"""Of Digest (RFC 7616); MD5 is what cameras ask for."""


@dataclass(frozen=True, slots=True)
class Login:
    """As in an address, percent-decoded."""

    user: str
    password: str


@dataclass(frozen=True, slots=True)
class Answer:
    """As much of an answer as tells where to go on."""

    status: int
    headers: Sequence[tuple[str, str]]
    """Names in lower case."""
    has_login: bool = False
    """Whether the question held the login."""

    @property
    def refuses_login(self) -> bool:
        """Whether the login was given, understood and is wrong; a stale nonce is another matter."""
        is_stale = any("stale=true" in each.lower() for each in self.all_of("www-authenticate"))
        return self.has_login and self.status in (401, 403) and not is_stale

    def all_of(self, name: str) -> list[str]:
        """Return the values of a header."""
        return [value for each, value in self.headers if each == name]


def refuse_redirection(uri: SourceUri, settings: SourceSettings) -> None:
    """
    Ask a camera that is about to be given a login whether it would send us elsewhere, or refuse it.

    A camera that cannot be asked is left to FFmpeg, which says what is wrong with it.

    Args:
        uri: With the login in it; without one nothing is asked.
        settings: Of the source.

    Raises:
        SourceError: It redirects.
        LoginRefusedError: It knows nobody by this login.
        ConfigError: The file of authorities cannot be used.
    """
    parts = urlsplit(uri.address)
    if parts.scheme not in ("rtsp", "rtsps") or parts.username is None:
        return
    try:
        answer = answer_to_login(parts, settings)
    except (OSError, ValueError):
        return
    if answer.status in REDIRECTS:
        place = next(iter(answer.all_of("location")), "nowhere")
        raise SourceError(
            f"{uri} redirects to {redacted(place)}, which would learn the login; "
            "if that is the camera, name this address in uri"
        )
    if answer.refuses_login:
        raise login_refused(uri, settings, answer.status)


def answer_to_login(parts: SplitResult, settings: SourceSettings) -> Answer:
    """
    Return what a camera answers at last: that it leads elsewhere, or to DESCRIBE with the login.

    Raises:
        OSError: It is not there, or does not answer in time.
        ValueError: That was no answer.
    """
    url = parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="").geturl()
    login = Login(unquote(parts.username or ""), unquote(parts.password or ""))
    with closing(_connected(parts, settings)) as connection:
        dialogue = _Dialogue(connection, url, settings.open_timeout)
        answer = dialogue.ask("OPTIONS")
        if answer.status not in REDIRECTS:
            answer = dialogue.ask("DESCRIBE")
        if answer.status == 401:
            permit = authorization(answer.all_of("www-authenticate"), login, "DESCRIBE", url)
            answer = dialogue.ask("DESCRIBE", permit) if permit else answer
    return answer


def authorization(
    challenges: Sequence[str], login: Login, method: str, url: str, nonce: str | None = None
) -> str | None:
    """
    Return the answer to a 401: Digest (RFC 7616) where it is offered, else Basic (RFC 7617).

    Args:
        challenges: The values of `WWW-Authenticate`.
        login: The camera's.
        method: Of the request.
        url: Of the request.
        nonce: The client's; None makes one.
    """
    for challenge in challenges:
        scheme, _, rest = challenge.strip().partition(" ")
        asked = {name.lower(): quoted or plain for name, quoted, plain in _PARAMETER.findall(rest)}
        algorithm = asked.get("algorithm", "MD5").upper()
        if scheme.lower() == "digest" and algorithm in _HASHES and "nonce" in asked:
            return _digest(asked, login, method, url, nonce or secrets.token_hex(8))
    if any(challenge.lower().startswith("basic") for challenge in challenges):
        return "Basic " + b64encode(f"{login.user}:{login.password}".encode()).decode()
    return None


def _digest(asked: Mapping[str, str], login: Login, method: str, url: str, nonce: str) -> str:
    name = _HASHES[asked.get("algorithm", "MD5").upper()]

    def hashed(*parts: str) -> str:
        return hashlib.new(name, ":".join(parts).encode(), usedforsecurity=False).hexdigest()

    realm, server_nonce = asked.get("realm", ""), asked.get("nonce", "")
    secret, question = hashed(login.user, realm, login.password), hashed(method, url)
    fields = {
        "username": login.user, "realm": realm, "nonce": server_nonce, "uri": url,
    }  # fmt: skip
    plain = ""
    if "auth" in asked.get("qop", "").replace(" ", "").split(","):
        fields["cnonce"] = nonce
        plain = ", qop=auth, nc=00000001"
        response = hashed(secret, server_nonce, "00000001", nonce, "auth", question)
    else:
        response = hashed(secret, server_nonce, question)
    fields |= {"response": response}
    fields |= {key: asked[key] for key in ("opaque",) if key in asked}
    plain += f", algorithm={asked['algorithm']}" if "algorithm" in asked else ""
    return "Digest " + ", ".join(f'{key}="{value}"' for key, value in fields.items()) + plain


class _Dialogue:
    """Questions and answers on one connection, in the time of one opening."""

    def __init__(self, connection: socket.socket, url: str, within_s: float) -> None:
        self._connection, self._url = connection, url
        self._ends_at_s = time.monotonic() + within_s
        self._number = 0
        self._received = b""

    def ask(self, method: str, permit: str | None = None) -> Answer:
        self._number += 1
        lines = [f"{method} {self._url} RTSP/1.0", f"CSeq: {self._number}", "User-Agent: edge-gate"]
        lines += ["Accept: application/sdp"] if method == "DESCRIBE" else []
        lines += [f"Authorization: {permit}"] if permit else []
        self._connection.sendall("\r\n".join([*lines, "", ""]).encode())
        return replace(self._answer(), has_login=permit is not None)

    def _answer(self) -> Answer:
        while b"\r\n\r\n" not in self._received:
            self._receive()
        head, _, self._received = self._received.partition(b"\r\n\r\n")
        status, *lines = head.decode("utf-8", "replace").split("\r\n")
        protocol, code, *_ = [*status.split(" "), "", ""]
        if not protocol.startswith("RTSP/") or not re.fullmatch("[0-9]{3}", code):
            raise ValueError("no answer of RTSP")
        pairs = (line.partition(":") for line in lines)
        answer = Answer(
            int(code), [(name.strip().lower(), value.strip()) for name, _, value in pairs]
        )
        length = next(iter(answer.all_of("content-length")), "0")
        if not re.fullmatch("[0-9]{1,9}", length):
            raise ValueError("no length")
        if int(code) in (200, 401) and int(length) <= LONGEST_ANSWER:
            self._pass_over(int(length))
        return answer

    def _pass_over(self, length: int) -> None:
        """Come to the next answer."""
        while len(self._received) < length:
            self._receive()
        self._received = self._received[length:]

    def _receive(self) -> None:
        left_s = self._ends_at_s - time.monotonic()
        if left_s <= 0 or len(self._received) > LONGEST_ANSWER:
            raise TimeoutError("no answer in time")
        self._connection.settimeout(left_s)
        received = self._connection.recv(LONGEST_ANSWER)
        if not received:
            raise ConnectionError("the camera hung up")
        self._received += received


def _connected(parts: SplitResult, settings: SourceSettings) -> socket.socket:
    host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
    plain = socket.create_connection((host, port), settings.open_timeout)
    if parts.scheme == "rtsp":
        return plain
    context = client_context(settings.ca_file, None, None)
    if not settings.verify_certificate:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        return context.wrap_socket(plain, server_hostname=host)
    except OSError:
        plain.close()
        raise
