"""Cameras, files and viewers that mean harm to a gate, for the soak."""

import socket
import struct
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from itertools import cycle
from pathlib import Path
from threading import Event

import cv2
import numpy as np

from tests.edge.motion_jpeg import MotionJpeg, motion_jpeg
from tests.edge.photographs import head

Source = dict[str, object]
PART = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n"
FACES = (10, 5)
"""In a row, and rows, of the crowd."""
CELL = 128
VIEWERS = 100
_PATIENCE_S = 10.0


@cache
def large_jpeg() -> bytes:
    """Return a true JPEG of 16000 x 16000 pixels: 4 MB, and 768 MB once decoded."""
    side, block = 16000, 16
    low = cv2.imencode(".jpg", np.full((2 * block, side, 3), 90, np.uint8))[1].tobytes()
    size = struct.pack(">HH", 2 * block, side)
    assert low.count(size) == 1
    # A block of one colour takes four bytes like the one before it: all but the first are alike.
    more, end = 4 * (side // block) * (side // block - 2), len(low) - 2000
    alike = low[end - 4 : end] * (more // 4)
    return low[:end].replace(size, struct.pack(">HH", side, side)) + alike + low[end:]


@cache
def crowd() -> bytes:
    """Return a JPEG of fifty faces."""
    people = [head(file, 30)[:CELL, :CELL] for file in ("obama.jpg", "biden.jpg")]
    picture = np.full((FACES[1] * CELL, FACES[0] * CELL, 3), 96, np.uint8)
    for place in range(FACES[0] * FACES[1]):
        row, column = (CELL * index for index in divmod(place, FACES[0]))
        person = people[place % 2]
        picture[row : row + person.shape[0], column : column + person.shape[1]] = person
    return cv2.imencode(".jpg", picture)[1].tobytes()


def nobody() -> bytes:
    empty = np.full((FACES[1] * CELL, FACES[0] * CELL, 3), 96, np.uint8)
    return cv2.imencode(".jpg", empty)[1].tobytes()


class Hostile(MotionJpeg):
    """Four cameras at one address: /large, /crowd, /claims and /drips."""

    def answer(self):
        other = {"/claims": self.claims, "/drips": self.drips}.get(self.path, super().answer)
        with suppress(OSError):
            other()

    def pictures(self):
        """Show too many pixels, or fifty people for three seconds and then nobody for three."""
        shown = [large_jpeg()] if self.path == "/large" else [crowd()] * 15 + [nobody()] * 15
        for jpeg in cycle(shown):
            yield jpeg
            Event().wait(0.2)

    def claims(self):
        """Begin a part of 2 GB, and send of it what is taken, for ever."""
        self._head()
        self.wfile.write(PART % 2_147_483_000 + b"\xff\xd8")
        while True:
            self.wfile.write(bytes(1_000_000))

    def drips(self):
        """Send a picture byte by byte."""
        self._head()
        jpeg = crowd()
        for byte in PART % len(jpeg) + jpeg:
            self.wfile.write(bytes([byte]))
            Event().wait(0.02)

    def _head(self):
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()


def _describe(connection: socket.socket) -> None:
    """Answer DESCRIBE with a description of 2 GB, and OPTIONS as any camera."""
    with connection, suppress(OSError, StopIteration):
        while asked := connection.recv(65536):
            sequence = next(line for line in asked.split(b"\r\n") if line.startswith(b"CSeq"))
            connection.sendall(b"RTSP/1.0 200 OK\r\n" + sequence + b"\r\n")
            if not asked.startswith(b"DESCRIBE"):
                connection.sendall(b"Public: DESCRIBE\r\n\r\n")
                continue
            connection.sendall(
                b"Content-Type: application/sdp\r\nContent-Length: 2000000000\r\n\r\n"
            )
            while True:
                connection.sendall(b"a=x:" + b"y" * 100_000 + b"\r\n")


@contextmanager
def describing() -> Iterator[int]:
    """Serve RTSP on a free port; yield it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            with suppress(OSError):
                while True:
                    threading.Thread(
                        target=_describe, args=(listener.accept()[0],), daemon=True
                    ).start()

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


@contextmanager
def sources(folder: Path) -> Iterator[list[Source]]:
    """Yield the sources of a configuration: five hostile cameras, and a shelf of hostile files."""
    with motion_jpeg(camera=Hostile) as http, describing() as rtsp:
        common: Source = {"open_timeout": "3s", "read_timeout": "2s"}
        cameras: list[Source] = [
            {"name": name, "uri": f"http://127.0.0.1:{http}/{name}", "max_fps": 1} | common
            for name in ("large", "crowd", "claims", "drips")
        ]
        sdp: Source = {"name": "sdp", "uri": f"rtsp://127.0.0.1:{rtsp}/cam"} | common
        shelf: Source = {"name": "shelf", "uri": str(write_files(folder / "shelf"))}
        yield [*cameras, sdp, shelf]


def write_files(shelf: Path) -> Path:
    """Write what is no picture, half a picture, and far too much of a picture."""
    shelf.mkdir()
    (shelf / "large.jpg").write_bytes(large_jpeg())
    (shelf / "half.jpg").write_bytes(crowd()[:5000])
    (shelf / "noise.mp4").write_bytes(np.random.default_rng(0).bytes(100_000))
    (shelf / "list.mp4").write_text("ffconcat version 1.0\nfile /etc/passwd\n")
    (shelf / "empty.png").touch()
    return shelf


class Viewers:
    """A hundred who look at the page, each over and over."""

    def __init__(self, page: str) -> None:
        self._page, self._gone = page, Event()
        self.answers: list[int] = []
        self._threads: list[threading.Thread] = []

    def come(self) -> None:
        """Begin to look."""
        self._gone.clear()
        self._threads = [threading.Thread(target=self._look) for _ in range(VIEWERS)]
        for thread in self._threads:
            thread.start()

    def _look(self) -> None:
        while not self._gone.wait(1):
            for path in ("/", "/api/state"):
                with suppress(OSError):
                    self.answers.append(asked(self._page + path))

    def leave(self) -> None:
        """Stop looking; return when the last one has gone."""
        self._gone.set()
        for thread in self._threads:
            thread.join()


def asked(url: str) -> int:
    """Return the status of an answer."""
    with urllib.request.urlopen(url, timeout=_PATIENCE_S) as answer:
        answer.read()
        return int(answer.status)
