"""
The HTTP server: connections in, answers out; it knows no cameras.

Bounded in everything a client can stretch: connections, the time of a request, headers, bodies.
"""

import logging
import socket
import ssl
import sys
import threading
from collections.abc import Callable
from http.server import HTTPServer
from typing import Any

from edge.config.page import PageSettings
from edge.errors import ConfigError
from edge.page.exchange import WITHIN_S, Exchange
from edge.page.http_messages import Request, Response
from edge.page.places import Place, Places
from edge.watched_thread import WatchedThread

log = logging.getLogger(__name__)

_BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 5\r\n"
    b"Connection: close\r\n\r\n"
)


class Server(HTTPServer):
    """
    Listens from its construction on, and answers from `start` until `stop`.

    Each connection has a thread that nobody waits for: a browser that hangs must not hold up the
    end of the gate.
    """

    request_queue_size = 32

    def __init__(
        self,
        settings: PageSettings,
        answer: Callable[[Request], Response],
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """
        Take the address.

        Args:
            settings: Where to listen.
            answer: Called by many threads at once.
            tls: How new connections are encrypted; None leaves them plain.

        Raises:
            ConfigError: The address is in use, not ours, or not allowed.
        """
        self.answer = answer
        self.stopping = False
        self.tls = tls
        self.places = Places()
        self.thread = WatchedThread("page", self._serve)
        self.address_family, address = _resolved(settings)
        try:
            super().__init__(address, Exchange)
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
        """Give a connection a thread, or turn it away when nobody gives way to it."""
        place = self.places.take(str(client_address[0]), request)
        if place is None:
            self._turn_away(request)
            return
        try:
            threading.Thread(
                target=self._attend, args=(client_address, place), name="page-client", daemon=True
            ).start()
        except RuntimeError:  # the system gives no more threads
            self.places.leave(place)
            raise

    def _turn_away(self, request: socket.socket) -> None:
        request.setblocking(False)
        if self.tls is None:
            request.send(_BUSY)
        self.shutdown_request(request)

    def _attend(self, client_address: Any, place: Place) -> None:
        """Serve one connection to its end."""
        try:
            self._encrypt(place)
            Exchange(place, client_address, self)
        except Exception:  # noqa: BLE001 -- one connection, and it is logged
            self.handle_error(place.connection, client_address)
        finally:
            self.places.leave(place)
            self.shutdown_request(place.connection)

    def _encrypt(self, place: Place) -> None:
        if self.tls is not None:
            place.connection.settimeout(WITHIN_S)
            place.connection = secure = self.tls.wrap_socket(
                place.connection, server_side=True, do_handshake_on_connect=False
            )
            secure.do_handshake()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        """Log a defect; a browser that left, or shook no hands, is none."""
        error = sys.exc_info()[1]
        how = logging.DEBUG if isinstance(error, OSError) else logging.ERROR
        log.log(how, "a connection of the page ended: %s", error, exc_info=how == logging.ERROR)

    def service_actions(self) -> None:
        """Show a sign of life; called several times a second."""
        self.thread.beat()

    def _serve(self) -> None:
        self.serve_forever(poll_interval=0.2)


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
