"""
POST of each face to a server of yours: a multipart form, signed if a secret is given.

Request, signature and answers stand in docs/protocol.md. A body is signed as a whole, before
anybody parses it. Redirects are not followed, and no proxy is used that is not configured.
"""

import hashlib
import hmac
import http.client
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from urllib3 import encode_multipart_formdata
from urllib3.exceptions import NewConnectionError

from edge import __version__
from edge.config.credentials import read_secret
from edge.config.delivery import HttpSinkSettings, Secret
from edge.config.uri import without_path
from edge.delivery.encode import EXTENSIONS
from edge.errors import ConfigError, SinkError
from edge.samples import Delivery
from edge.sinks.http_answer import excerpt, judge
from edge.sinks.http_connection import TROUBLE, ServerConnection, basic

PROXY_VARIABLES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY")
"""What other programs take a proxy from; here they are mentioned when nobody answers."""


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
        self._where = without_path(settings.url)
        self._connection = ServerConnection(settings)
        for secret in (settings.token, settings.signing_secret):
            if secret is not None:
                self._secret(secret)
        for secret in (settings.login, settings.proxy_login):
            if secret is not None:
                self._login(secret)

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
            headers = self._headers(delivery, form)
            answer = self._connection.post(form.body, headers, self._proxy_login())
        except ConfigError as error:
            raise SinkError(str(error)) from error
        except TROUBLE as error:
            words = excerpt(hidden(_words(error), self._settings.url))
            raise SinkError(f"{self._where}: {words}{self._hint(error)}") from error
        said = hidden(answer.text.decode("utf-8", "replace"), self._settings.url)
        shown = replace(answer, text=said.encode())
        judge(shown, self._where, time.time(), self._settings.name)

    def idle(self) -> None:
        """Do nothing: nobody looks whether it is there."""

    def close(self) -> None:
        """Close the connection; the next face opens another."""
        self._connection.close()

    def _headers(self, delivery: Delivery, form: Form) -> dict[str, str]:
        headers = {
            "Content-Type": form.content_type,
            "Idempotency-Key": delivery.key,
            "User-Agent": f"edge-gate/{__version__}",
        }
        if self._settings.token is not None:
            headers["Authorization"] = f"Bearer {self._secret(self._settings.token)}"
        if self._settings.login is not None:
            headers["Authorization"] = basic(self._login(self._settings.login))
        if self._settings.signing_secret is not None:
            secret = self._secret(self._settings.signing_secret)
            headers["X-Edge-Gate-Signature"] = signature(secret, form.body)
        return headers

    def _secret(self, secret: Secret) -> str:
        text = read_secret(secret, self._environment)
        if secret is self._settings.token and not text.isascii():
            raise ConfigError(f"token {secret.name!r} holds characters beyond ASCII")
        return text

    def _login(self, secret: Secret) -> str:
        login = self._secret(secret)
        if ":" not in login:
            raise ConfigError(f"the secret {secret.name!r} has no colon: write user:password")
        return login

    def _proxy_login(self) -> str | None:
        secret = self._settings.proxy_login
        return None if secret is None else self._login(secret)

    def _hint(self, error: Exception) -> str:
        environment = os.environ if self._environment is None else self._environment
        named = next((name for name in PROXY_VARIABLES if environment.get(name)), None)
        if named is None or self._settings.proxy or not isinstance(error, NewConnectionError):
            return ""
        return f" ({named} is set but not used: if the way leads through it, set proxy)"


def _words(error: Exception) -> str:
    no_http = isinstance(error, http.client.BadStatusLine) and not isinstance(error, OSError)
    return f"what answers is no HTTP server: {error}" if no_http else str(error)


def hidden(words: str, url: str) -> str:
    """Return what a server or a library says without the path and query of our address in it."""
    parts = urlsplit(url)
    for secret in (url, f"{parts.path}?{parts.query}", parts.query, parts.path):
        if len(secret.strip("/?")) > 3:  # less is no secret, and part of many words
            words = words.replace(secret, "…")
    return words


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
