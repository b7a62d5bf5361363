"""
POST of each face to a server of yours: a multipart form, signed if a secret is given.

Request, signature and answers stand in docs/protocol.md. A body is signed as a whole, before
anybody parses it. Redirects are not followed.
"""

import hashlib
import hmac
import http.client
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from urllib3 import encode_multipart_formdata
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from edge import __version__
from edge.config.credentials import read_secret
from edge.config.delivery import HttpSinkSettings, Secret
from edge.config.tls import client_context
from edge.delivery.encode import EXTENSIONS
from edge.errors import ConfigError, SinkError
from edge.samples import Delivery
from edge.sinks.http_answer import Answer, judge

TROUBLE = (HTTPError, http.client.HTTPException, OSError)
LONGEST_ANSWER = 65536
"""Bytes read of an answer; a longer one costs the connection, not our memory."""


@dataclass(frozen=True, slots=True)
class Form:
    """A finished request body."""

    body: bytes
    content_type: str


class HttpSink:
    """Satisfies the Protocol `Sink`; for one thread."""

    def __init__(
        self, settings: HttpSinkSettings, environment: Mapping[str, str] | None = None
    ) -> None:
        """
        Prepare; nothing is connected yet.

        Args:
            settings: Where to send and how to prove who we are.
            environment: Where secrets may be; None is the process's.

        Raises:
            ConfigError: A secret or a certificate file is missing or unusable.
        """
        self._settings = settings
        self._environment = environment
        self._url = urlsplit(settings.url)
        self._connection = _connection(self._url, settings)
        for secret in (settings.token, settings.signing_secret):
            if secret is not None:
                self._secret(secret)

    def send(self, delivery: Delivery) -> None:
        """
        Post one face.

        Raises:
            SinkError: No answer in time, or one that asks to try again.
            SinkBusyError: The server named a time to wait.
            SinkRefusedError: The server will never take this face.
        """
        form = multipart(delivery)
        try:
            answer = self._answer(form, self._headers(delivery, form))
        except ConfigError as error:
            raise SinkError(str(error)) from error
        except TROUBLE as error:
            self.close()
            raise SinkError(f"{self._settings.url}: {error}") from error
        judge(answer, self._settings.url, now_s=time.time())

    def idle(self) -> None:
        """Do nothing: nobody looks whether it is there."""

    def close(self) -> None:
        """Close the connection; the next face opens another."""
        self._connection.close()

    def _answer(self, form: Form, headers: Mapping[str, str]) -> Answer:
        ends_at = time.monotonic() + self._settings.timeout
        connection = self._connection
        if not connection.is_connected:  # also when the server has hung up meanwhile
            connection.close()
            connection.connect()
        with _cut_off(connection.sock, ends_at - time.monotonic()):
            return self._exchange(form, headers)

    def _exchange(self, form: Form, headers: Mapping[str, str]) -> Answer:
        target = self._url._replace(scheme="", netloc="", fragment="").geturl() or "/"
        connection = self._connection
        connection.request("POST", target, form.body, headers, preload_content=False)
        response = connection.getresponse()
        text = response.read(LONGEST_ANSWER + 1, decode_content=False)
        if len(text) > LONGEST_ANSWER:
            connection.close()
        return Answer(response.status, dict(response.headers), text)

    def _headers(self, delivery: Delivery, form: Form) -> dict[str, str]:
        headers = {
            "Content-Type": form.content_type,
            "Idempotency-Key": delivery.key,
            "User-Agent": f"edge-gate/{__version__}",
        }
        if self._settings.token is not None:
            headers["Authorization"] = f"Bearer {self._secret(self._settings.token)}"
        if self._settings.signing_secret is not None:
            secret = self._secret(self._settings.signing_secret)
            headers["X-Edge-Gate-Signature"] = signature(secret, form.body)
        return headers

    def _secret(self, secret: Secret) -> str:
        text = read_secret(secret, self._environment)
        if secret is self._settings.token and not text.isascii():
            raise ConfigError(f"token {secret.name!r} holds characters beyond ASCII")
        return text


def multipart(delivery: Delivery) -> Form:
    """Return the form of one face; the same delivery always gives the same bytes."""
    image_name = f"{delivery.key}{EXTENSIONS[delivery.media_type]}"
    # The boundary is unpredictable to whoever made the image, for it is a hash over the image.
    body, content_type = encode_multipart_formdata(
        {
            "record": (f"{delivery.key}.json", delivery.record, "application/json"),
            "face_image": (image_name, delivery.face_image, delivery.media_type),
        },
        boundary=f"edge-gate-{delivery.key}",
    )
    return Form(body, content_type)


def signature(secret: str, body: bytes) -> str:
    """Return the value of `X-Edge-Gate-Signature` (HMAC: RFC 2104, with SHA-256)."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def _connection(url: SplitResult, settings: HttpSinkSettings) -> HTTPConnection:
    host = url.hostname or ""
    if url.scheme == "http":
        return HTTPConnection(host, url.port or 80, timeout=settings.timeout)
    context = client_context(settings.ca_file, settings.client_certificate, settings.client_key)
    return HTTPSConnection(host, url.port or 443, timeout=settings.timeout, ssl_context=context)


@contextmanager
def _cut_off(connected: socket.socket, after_s: float) -> Iterator[None]:
    """
    Shut the socket down when the time is up, for its own timeout starts anew with each byte.

    Raises:
        TimeoutError: The time was up, whatever the block made of its cut connection.
    """
    done, was_cut = threading.Event(), threading.Event()

    def cut() -> None:
        if not done.wait(after_s):
            was_cut.set()
            with suppress(OSError):  # the other side may have hung up this moment
                # Not SSLSocket.shutdown(): it would continue the connection without TLS.
                socket.socket.shutdown(connected, socket.SHUT_RDWR)

    watch = threading.Thread(target=cut, name="http-deadline", daemon=True)
    watch.start()
    try:
        yield
    except TROUBLE:
        if not was_cut.is_set():
            raise
    finally:
        done.set()
        watch.join()
    if was_cut.is_set():
        raise TimeoutError("not answered in time")
