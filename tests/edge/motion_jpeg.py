"""A real HTTP server that is a camera: Motion JPEG, also over TLS."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import cv2

from tests.edge.cameras import picture


class MotionJpeg(BaseHTTPRequestHandler):
    """Sends JPEG after JPEG, as fast as they are taken."""

    def pictures(self) -> Iterator[bytes]:
        for number in range(10**6):
            yield cv2.imencode(".jpg", picture(number))[1].tobytes()

    def do_GET(self):
        self.answer()

    def answer(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        try:
            for jpeg in self.pictures():
                head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                self.wfile.write(head.encode() + jpeg + b"\r\n")
        except OSError:
            pass  # the client has gone

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """Shakes hands in the thread of the client, and does not tell of those who refuse."""

    tls: ssl.SSLContext | None = None

    def finish_request(self, request, client_address):
        if self.tls is None:
            super().finish_request(request, client_address)
            return
        with self.tls.wrap_socket(request, server_side=True) as encrypted:
            super().finish_request(encrypted, client_address)

    def handle_error(self, *_):
        """Say nothing."""


@contextmanager
def motion_jpeg(tls: ssl.SSLContext | None = None, camera=MotionJpeg) -> Iterator[int]:
    """Serve on 127.0.0.1; yield the port."""
    with Server(("127.0.0.1", 0), camera) as server:
        server.tls = tls
        serving = Thread(target=partial(server.serve_forever, poll_interval=0.01))
        serving.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            serving.join()
