"""A real HTTP server that takes faces, and misbehaves when told to."""

import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Posted:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes
    port: int
    """Of the client: the same for two requests of one connection."""

    def part(self, name: str) -> tuple[str, bytes]:
        """Return content type and bytes of one part of the form."""
        head = f"Content-Type: {self.headers['content-type']}\r\n\r\n".encode()
        form = BytesParser(policy=HTTP).parsebytes(head + self.body)
        [part] = [
            part
            for part in form.iter_parts()
            if part.get_param("name", header="content-disposition") == name
        ]
        return part.get_content_type(), bytes(part.get_payload(decode=True))


Behaviour = Callable[["Exchange"], None]


@dataclass
class FaceServer:
    """What the server saw, and what it does next."""

    url: str
    posted: list[Posted] = field(default_factory=list)
    behaviours: deque[Behaviour] = field(default_factory=deque)
    """For the next requests, one each; afterwards every face is taken."""
    closing: threading.Event = field(default_factory=threading.Event)

    def keys(self) -> list[str]:
        return [posted.headers["idempotency-key"] for posted in self.posted]


class Exchange(BaseHTTPRequestHandler):
    """One request and what is answered."""

    protocol_version = "HTTP/1.1"
    state: FaceServer

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.state.posted.append(Posted(self.path, headers, body, self.client_address[1]))
        behaviour = self.state.behaviours.popleft() if self.state.behaviours else answers(201)
        with suppress(OSError):
            behaviour(self)

    def do_CONNECT(self):
        """Be a proxy, of the slowest kind."""
        with suppress(OSError):
            drips_its_headers(self)

    def log_message(self, format, *args):  # noqa: A002 - the library's name
        pass


def answers(status: int, text: bytes = b"", **headers: str) -> Behaviour:
    def behave(exchange: Exchange) -> None:
        exchange.send_response(status)
        for name, value in headers.items():
            exchange.send_header(name.replace("_", "-"), value)
        exchange.send_header("Content-Length", str(len(text)))
        exchange.end_headers()
        exchange.wfile.write(text)

    return behave


def hangs(exchange: Exchange) -> None:
    exchange.state.closing.wait()
    exchange.close_connection = True


def hangs_up(exchange: Exchange) -> None:
    exchange.connection.shutdown(socket.SHUT_RDWR)
    exchange.close_connection = True


def cuts_its_answer(exchange: Exchange) -> None:
    exchange.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf of")
    hangs_up(exchange)


def sends(answer: bytes) -> Behaviour:
    """Write exactly these bytes, and go on."""

    def behave(exchange: Exchange) -> None:
        exchange.wfile.write(answer)

    return behave


def talks_nonsense(exchange: Exchange) -> None:
    exchange.wfile.write(b"220 smtp.example ESMTP\r\n")
    hangs_up(exchange)


def drips(beginning: bytes) -> Behaviour:
    """Send a byte now and then, each one a sign of life, for ever."""

    def behave(exchange: Exchange) -> None:
        exchange.wfile.write(beginning)
        while not exchange.state.closing.wait(0.02):
            exchange.wfile.write(b"x")
        exchange.close_connection = True

    return behave


def promises_without_end(exchange: Exchange) -> None:
    """Send interim answers, for ever, and never a final one."""
    while not exchange.state.closing.wait(0.02):
        exchange.wfile.write(b"HTTP/1.1 103 Early Hints\r\n\r\n")
    exchange.close_connection = True


drips_its_body = drips(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
drips_its_headers = drips(b"HTTP/1.1 200 OK\r\nX-Slow: ")
drips_without_end = drips(b"HTTP/1.0 200 OK\r\n\r\n")


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Say nothing: requests that fail, in TLS for instance, are the subject of tests."""


@contextmanager
def serving(context: ssl.SSLContext | None = None) -> Iterator[FaceServer]:
    """Serve on a free port of this machine until the block ends."""

    class Handler(Exchange):
        pass

    server = _Server(("127.0.0.1", 0), Handler)
    scheme = "http"
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        scheme = "https"
    state = FaceServer(f"{scheme}://localhost:{server.server_address[1]}/faces?site=7")
    Handler.state = state
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield state
    finally:
        state.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()
