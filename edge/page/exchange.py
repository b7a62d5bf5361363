"""One connection of the page: requests in, answers out, each in time and strictly read."""

import io
import logging
from http.server import BaseHTTPRequestHandler
from typing import Any, Protocol

from edge.page.http_messages import EVERY_ANSWER, Request, Response, words_response
from edge.page.places import Place, Places
from edge.page.request_head import Punctual, head_problem, read_fields

log = logging.getLogger(__name__)

WITHIN_S = 10.0
"""For each: shaking hands, a silence before a request, the whole of a request, taking an answer."""
MOST_BODY = 4096
"""Bytes; the longest body is a token in a form."""


class Serving(Protocol):
    """What a connection asks of its server."""

    stopping: bool
    places: Places

    def answer(self, request: Request, /) -> Response:
        """Return the answer to a request."""


class Exchange(BaseHTTPRequestHandler):
    """One connection."""

    server: Serving  # type: ignore[assignment]
    raw_requestline: bytes
    protocol_version = "HTTP/1.1"
    timeout = WITHIN_S
    disable_nagle_algorithm = True
    command = requestline = ""
    wbufsize = 0  # each write is then bounded as a whole, however slowly it is taken

    def __init__(self, place: Place, client_address: Any, server: Serving) -> None:
        self._place = place
        super().__init__(place.connection, client_address, server)  # type: ignore[arg-type]

    def setup(self) -> None:
        """Read in time."""
        super().setup()
        self.rfile.close()
        self._punctual = Punctual(self.connection, WITHIN_S)
        self.rfile = io.BufferedReader(self._punctual)

    def handle_one_request(self) -> None:
        """Wait for a request, and answer it."""
        self._punctual.begin()
        self.server.places.waits(self._place)
        super().handle_one_request()

    def parse_request(self) -> bool:
        """Let the library take a head apart only when it is one to the letter."""
        fields = read_fields(self.rfile)
        problem = head_problem(self.raw_requestline, fields)
        if problem is not None:
            self.send_error(400, problem)
            return False
        connection, self.rfile = self.rfile, io.BufferedReader(io.BytesIO(b"".join(fields)))
        try:
            return super().parse_request()
        finally:
            self.rfile = connection

    def do_GET(self) -> None:
        """Answer a question."""
        self._exchange()

    def do_POST(self) -> None:
        """Answer an order."""
        self._exchange()

    def version_string(self) -> str:
        """Name the program, not its version."""
        return "edge-gate"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the library's name
        """Write no line for each request."""

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002 -- the library's name
        """Refuse what is no request, with the headers of every answer."""
        self.request_version = self.protocol_version
        self._send(self._last(code, message or "no proper request"))

    def _exchange(self) -> None:
        answer = self._answer()
        self.close_connection = self.close_connection or self.server.stopping
        self._send(answer)

    def _send(self, answer: Response) -> None:
        self._place.waits_since_s = None
        self.connection.settimeout(WITHIN_S)
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
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def _answer(self) -> Response:
        headers = {name.lower(): value for name, value in self.headers.items()}
        length = headers.get("content-length", "0")
        if "transfer-encoding" in headers or not (length.isascii() and length.isdecimal()):
            return self._last(411, "send a Content-Length")
        if len(length) > len(str(MOST_BODY)) or int(length) > MOST_BODY:
            return self._last(413, f"a body has at most {MOST_BODY} bytes")
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            return self._last(400, "the body broke off")
        request = Request(self.command, self.path, headers, body, str(self.client_address[0]))
        self._place.waits_since_s = None
        try:
            return self.server.answer(request)
        except Exception:
            log.exception("the page cannot answer %s %s", request.method, request.path)
            return words_response(500, "a defect; see the gate's log")

    def _last(self, status: int, words: str) -> Response:
        self.close_connection = True
        return words_response(status, words)
