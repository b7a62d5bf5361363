"""
The HTTP server: connections in, answers out; it knows no cameras.

Bounded in everything a client can stretch: connections, the time of one silence, headers, bodies.
"""

import logging
import socket
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from edge.config.page import PageSettings
from edge.errors import ConfigError
from edge.page.http_messages import EVERY_ANSWER, Request, Response, words_response
from edge.watched_thread import WatchedThread

log = logging.getLogger(__name__)

MOST_CONNECTIONS = 64
"""Ten browsers; each keeps up to six."""
SILENCE_S = 10.0
"""A client that neither sends nor takes a byte for so long is dropped."""
MOST_BODY = 4096
"""Bytes; the longest body is a token in a form."""
_BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 5\r\n"
    b"Connection: close\r\n\r\n"
)


class Server(ThreadingHTTPServer):
    """Listens from its construction on, and answers from `start` until `stop`."""

    daemon_threads = True
    block_on_close = False  # a browser that hangs must not hold up the end of the gate
    request_queue_size = 32

    def __init__(self, settings: PageSettings, answer: Callable[[Request], Response]) -> None:
        """
        Take the address.

        Args:
            settings: Where to listen.
            answer: Called by many threads at once.

        Raises:
            ConfigError: The address is in use, not ours, or not allowed.
        """
        self.answer = answer
        self.stopping = False
        self._room = threading.BoundedSemaphore(MOST_CONNECTIONS)
        self.thread = WatchedThread("page", self._serve)
        self.address_family, address = _resolved(settings)
        try:
            super().__init__(address, _Exchange)
        except OSError as error:
            raise ConfigError(_bind_words(settings, error)) from error

    @property
    def port(self) -> int:
        """Where it really listens."""
        return int(self.server_address[1])

    def start(self) -> None:
        """Begin to answer."""
        self.thread.start()

    def stop(self) -> None:
        """Give the address back; connections end with the answer they wait for."""
        self.stopping = True
        self.thread.stop()
        if self.thread.started:
            self.shutdown()
            self.thread.join()
        self.server_close()

    def server_bind(self) -> None:
        """Bind without asking a name server for our name, which may take its time."""
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), self.port

    def process_request(self, request: Any, client_address: Any) -> None:
        """Give a connection a thread, or turn it away when there are too many."""
        if not self._room.acquire(blocking=False):
            request.setblocking(False)
            request.send(_BUSY)
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except RuntimeError:  # the system gives no more threads
            self._room.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve one connection to its end."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        """Log a defect; a browser that left is none."""
        log.debug("a connection of the page ended: %s", sys.exc_info()[1])

    def service_actions(self) -> None:
        """Show a sign of life; called several times a second."""
        self.thread.beat()

    def _serve(self) -> None:
        self.serve_forever(poll_interval=0.2)


class _Exchange(BaseHTTPRequestHandler):
    """One connection."""

    server: Server
    protocol_version = "HTTP/1.1"
    timeout = SILENCE_S
    wbufsize = 65536
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._exchange()

    def do_POST(self) -> None:
        self._exchange()

    def version_string(self) -> str:
        return "edge-gate"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the library's name
        """Write no line for each request."""

    def _exchange(self) -> None:
        answer = self._answer()
        self.close_connection = self.close_connection or self.server.stopping
        self.send_response(answer.status)
        for name, value in {**EVERY_ANSWER, **answer.headers}.items():
            self.send_header(name, value)
        if answer.body:
            self.send_header("Content-Type", answer.media_type)
        if answer.status != 204:
            self.send_header("Content-Length", str(len(answer.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(answer.body)

    def _answer(self) -> Response:
        headers = {name.lower(): value for name, value in self.headers.items()}
        length = headers.get("content-length", "0")
        if "transfer-encoding" in headers or not (length.isascii() and length.isdecimal()):
            return self._last(411, "send a Content-Length")
        if int(length) > MOST_BODY:
            return self._last(413, f"a body has at most {MOST_BODY} bytes")
        body = self.rfile.read(int(length))
        request = Request(self.command, self.path, headers, body, str(self.client_address[0]))
        try:
            return self.server.answer(request)
        except Exception:
            log.exception("the page cannot answer %s %s", request.method, request.path)
            return words_response(500, "a defect; see the gate's log")

    def _last(self, status: int, words: str) -> Response:
        self.close_connection = True
        return words_response(status, words)


def _resolved(settings: PageSettings) -> tuple[socket.AddressFamily, Any]:
    host, port = settings.address
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise ConfigError(_bind_words(settings, error)) from error
    family, *_, address = found[0]
    return family, address


def _bind_words(settings: PageSettings, error: OSError) -> str:
    advice = {
        "Address already in use": "another program, or another gate, has it; choose another port, "
        "or 0 for any free one, or set page.enabled: false",
        "Permission denied": "ports below 1024 are the system's; choose a higher one",
        "Cannot assign requested address": "no network of this machine has it; 127.0.0.1 is this "
        "machine only, 0.0.0.0 every network",
    }
    reason = error.strerror or str(error)
    return f"page.listen: {settings.listen}: {reason}: " + advice.get(
        reason, "is it an address of this machine?"
    )
