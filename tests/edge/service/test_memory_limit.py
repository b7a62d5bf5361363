"""The limit of memory that the unit sets (`MemoryMax=`) meets the camera that takes it up."""

import socket
import threading
from contextlib import contextmanager, suppress
from functools import cache
from itertools import cycle
from threading import Event

import cv2
import pytest

from tests.control_group import control_group
from tests.edge.motion_jpeg import MotionJpeg, motion_jpeg
from tests.edge.running_gate import ENGINES, RunningGate, write_walks

REST = """\
sinks: [{type: directory, path: faces}]
delivery: {outbox: {path: outbox.sqlite}, backoff: {first: 20ms, at_most: 50ms}}
"""
SPARE_BYTES = 120_000_000
"""Beyond what the gate holds with its good camera."""
CLAIM = 350_000_000
"""Less than what the process of a camera may allocate, so that the kernel has to say no."""


@cache
def walks(folder):
    video, frames = cv2.VideoCapture(str(write_walks(folder / "walks.mp4"))), []
    while (read := video.read())[0]:
        frames.append(cv2.imencode(".jpg", read[1])[1].tobytes())
    return frames


@contextmanager
def camera_of_people(folder):
    class People(MotionJpeg):
        def pictures(self):
            for jpeg in cycle(walks(folder)):
                yield jpeg
                Event().wait(0.1)

    with motion_jpeg(camera=People) as port:
        yield port


def describe(connection, may_begin):
    """Answer DESCRIBE with a description that is really as long as it claims to be."""
    with connection, suppress(OSError, StopIteration):
        while may_begin.is_set() and (asked := connection.recv(65536)):
            sequence = next(line for line in asked.split(b"\r\n") if line.startswith(b"CSeq"))
            connection.sendall(b"RTSP/1.0 200 OK\r\n" + sequence + b"\r\n")
            if not asked.startswith(b"DESCRIBE"):
                connection.sendall(b"Public: DESCRIBE\r\n\r\n")
                continue
            head = f"Content-Type: application/sdp\r\nContent-Length: {CLAIM}\r\n\r\n"
            connection.sendall(head.encode())
            while True:
                connection.sendall(b"a=x:" + b"y" * 1_000_000 + b"\r\n")


@contextmanager
def hostile(may_begin):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            with suppress(OSError):
                while True:
                    taken = listener.accept()[0], may_begin
                    threading.Thread(target=describe, args=taken, daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def config(tmp_path, material):
    (tmp_path / "pair").symlink_to(material / "pair")
    may_begin = Event()
    with camera_of_people(tmp_path) as good, hostile(may_begin) as bad:
        path = tmp_path / "gate.yaml"
        path.write_text(
            f"{ENGINES}sources:\n"
            f"  - {{name: people, uri: 'http://127.0.0.1:{good}/'}}\n"
            f"  - {{name: taker, uri: 'rtsp://127.0.0.1:{bad}/', open_timeout: 20s}}\n{REST}"
        )
        yield path, may_begin


def test_a_camera_that_takes_up_the_services_memory_is_ended_and_everything_else_lives(config):
    path, may_begin = config
    with control_group() as group:
        with group.joined():
            gate = RunningGate(path, watchdog_s=60, warm=False)
        with gate:
            gate.wait_for("READY=1")
            gate.wait_until_forwarded(more_than=1)
            group.limit(group.held_bytes() + SPARE_BYTES)
            may_begin.set()
            for _ in range(3):
                ended = gate.wait_for_log("its process has ended (SIGKILL)")
                assert "taker" in str(ended["message"]) or "rtsp" in str(ended["message"])
                gate.wait_until_forwarded(more_than=gate.ledgers()[0]["forwarded"])
            code, source, sink = gate.terminate()
    assert code == 0
    assert source["forwarded"] == sink["delivered"]
