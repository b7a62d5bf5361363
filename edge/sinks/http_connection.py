"""
One connection to a server, straight or by way of a proxy: one answer for each request, in time.

Interim answers (1xx) are passed over. The connection is used again only after an answer that left
no doubt where it ended, so that nothing late or left over can be taken for the answer to the next
face.
"""

import base64
import http.client
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from urllib.parse import SplitResult, urlsplit

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError
from urllib3.response import HTTPResponse

from edge.config.delivery import HttpSinkSettings
from edge.config.tls import client_context
from edge.sinks.http_answer import Answer

TROUBLE = (HTTPError, http.client.HTTPException, OSError)
LONGEST_ANSWER = 65536
"""Bytes read of an answer; a longer one costs the connection, not our memory."""
LENGTH = re.compile("[0-9]{1,15}")
PORTS = {"http": 80, "https": 443}


class ServerConnection:
    """Opened when it is needed; for one thread."""

    def __init__(self, settings: HttpSinkSettings) -> None:
        """
        Prepare; nothing is connected yet.

        Args:
            settings: The server, the proxy if any, certificates and the time for one exchange.

        Raises:
            ConfigError: A certificate file is missing or unusable.
        """
        self._url = urlsplit(settings.url)
        self._through = None if settings.proxy is None else urlsplit(settings.proxy)
        self._timeout_s = settings.timeout
        self._connection = _connection(self._through or self._url, self._url.scheme, settings)
        self._connection.response_class = FinalResponse

    def post(self, body: bytes, headers: Mapping[str, str], proxy_login: str | None) -> Answer:
        """
        Post once, and return what is answered to it.

        Args:
            body: As it is sent.
            headers: For the server.
            proxy_login: `user:password` for the proxy, or None.

        Raises:
            TROUBLE: No answer, none in time, or none that can be understood.
        """
        ends_at = time.monotonic() + self._timeout_s
        permit = {} if proxy_login is None else {"Proxy-Authorization": basic(proxy_login)}
        try:
            self._connect(permit)
            connected = self._connection.sock  # which forgets it when the answer is its last
            with cut_off(lambda: connected, ends_at - time.monotonic()):
                answer = self._exchange(body, {**headers, **(permit if self._is_handed_on else {})})
        except TROUBLE:
            self.close()
            raise
        if not 200 <= answer.status < 300:
            self.close()  # who refuses may not have read all of the request
        return answer

    def close(self) -> None:
        """Close it; the next request opens another."""
        self._connection.close()

    @property
    def _is_tunnel(self) -> bool:
        return self._through is not None and self._url.scheme == "https"

    @property
    def _is_handed_on(self) -> bool:
        return self._through is not None and self._url.scheme == "http"

    def _connect(self, permit: Mapping[str, str]) -> None:
        connection = self._connection
        if connection.is_connected:  # not when something has arrived that nobody asked for
            return
        connection.close()
        if self._is_tunnel:
            host = self._url.hostname or ""
            connection.set_tunnel(host, self._url.port or PORTS["https"], permit)
        with cut_off(lambda: connection.sock, self._timeout_s):
            connection.connect()

    def _exchange(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Return the answer, also of one who refuses and hangs up before all was sent or read."""
        connection = self._connection
        cut_short: OSError | None = None
        try:
            connection.request("POST", self._target(), body, headers, preload_content=False)
        except (BrokenPipeError, ConnectionResetError) as error:
            cut_short = error
        with understood():
            response = connection.getresponse()
        is_taken = 200 <= response.status < 300
        if cut_short is not None and is_taken:
            raise cut_short
        text = self._text(response, must_be_whole=is_taken)
        return Answer(response.status, dict(response.headers), text, self._is_handed_on)

    def _text(self, response: HTTPResponse, *, must_be_whole: bool) -> bytes:
        try:
            with understood():
                text = response.read(LONGEST_ANSWER + 1, decode_content=False)
        except TROUBLE:
            if must_be_whole:
                raise
            return b""
        if len(text) > LONGEST_ANSWER:
            self._connection.close()
        return text

    def _target(self) -> str:
        whole = self._url._replace(fragment="", path=self._url.path or "/")
        if self._is_handed_on:
            return whole.geturl()  # absolute form, for a proxy (RFC 9112, 3.2.2)
        return whole._replace(scheme="", netloc="").geturl()


class FinalResponse(http.client.HTTPResponse):
    """The answer after the interim ones; after one out of the ordinary the connection ends."""

    def begin(self) -> None:
        """
        Read up to the headers of the final answer.

        Raises:
            http.client.HTTPException: It is no answer to what was asked, or has no certain end.
        """
        super().begin()
        was_interim = False
        while 100 <= self.status < 200:
            if self.status == http.client.SWITCHING_PROTOCOLS:
                raise http.client.HTTPException("101 Switching Protocols, which nobody asked for")
            was_interim = True
            self.headers = self.msg = None  # type: ignore[assignment]  # for begin() to read on
            super().begin()
        lengths = self.headers.get_all("Content-Length", [])
        if not all(LENGTH.fullmatch(length.strip()) for length in lengths):
            # Such an answer is to be discarded (RFC 9112, 6.3); so is one of no end.
            said = ", ".join(lengths)[:40]
            raise http.client.HTTPException(f"Content-Length {said!r} is no length")
        if was_interim or not self._is_ordinary(lengths):
            self.will_close = True

    def _is_ordinary(self, lengths: list[str]) -> bool:
        coded = self.headers.get_all("Transfer-Encoding", [])
        if self.status in (http.client.NO_CONTENT, http.client.NOT_MODIFIED):
            return not coded and set(lengths) <= {"0"}
        return len(lengths) + len(coded) == 1


@contextmanager
def understood() -> Iterator[None]:
    """
    Take what the libraries raise over numbers that are none for an answer that makes no sense.

    Raises:
        http.client.HTTPException: Instead of a ValueError, as over chunks of negative size.
    """
    try:
        yield
    except (ValueError, OverflowError) as error:
        raise http.client.HTTPException(f"an answer that makes no sense: {error}") from error


def basic(login: str) -> str:
    """Return the credentials of `user:password` as the scheme Basic writes them (RFC 7617)."""
    return "Basic " + base64.b64encode(login.encode()).decode()


def _connection(to: SplitResult, scheme: str, settings: HttpSinkSettings) -> HTTPConnection:
    host, port = to.hostname or "", to.port or PORTS[to.scheme]
    if scheme == "http":
        return HTTPConnection(host, port, timeout=settings.timeout)
    context = client_context(settings.ca_file, settings.client_certificate, settings.client_key)
    return HTTPSConnection(host, port, timeout=settings.timeout, ssl_context=context)


@contextmanager
def cut_off(connected: Callable[[], socket.socket | None], after_s: float) -> Iterator[None]:
    """
    Shut the socket down when the time is up, for its own timeout starts anew with each byte.

    Args:
        connected: Returns the socket, once there is one.
        after_s: Seconds.

    Raises:
        TimeoutError: The time was up, whatever the block made of its cut connection.
    """
    done, was_cut = threading.Event(), threading.Event()

    def cut() -> None:
        if not done.wait(after_s):
            was_cut.set()
            with suppress(OSError):  # the other side may have hung up this moment
                # Not SSLSocket.shutdown(): it would continue the connection without TLS.
                if (now := connected()) is not None:
                    socket.socket.shutdown(now, socket.SHUT_RDWR)

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
