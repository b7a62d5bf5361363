"""
A web server that takes faces, or takes the connection and never answers.

    python3 receiver.py ADDRESS PORT ok|hang

Prints `ready`, then a JSON line for each request: key and authorization.
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        said = {"key": self.headers["Idempotency-Key"], "login": self.headers["Authorization"]}
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()
        if sys.argv[3] == "hang":
            Event().wait()
        self.send_response(201)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    server = ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Receiver)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    server.serve_forever()
