"""The real gate in a process of its own, watched as systemd would watch it."""

import json
import os
import queue
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.__main__ import main
from tests.edge.photographs import head
from tests.edge.warm_process import WarmProcess

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60
"""For a machine with other things to do; nothing is measured by it."""
ENGINES = """\
pair: pair
threads: 1
detector: {name: ultraface68, smallest_face: 60, threads: 1}
gate: {threshold: 0, min_detector_score: 0.5}
tracks: {gap: 300ms, duplicate_above: 1}
page: {listen: "127.0.0.1:0"}
"""


def write_walks(path, people=("obama.jpg", "biden.jpg")):
    """Write a video in which one person after the other walks by."""
    video = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 10, (480, 320))
    for person in people:
        face = head(person, 45)
        for step in range(14):
            frame = np.full((320, 480, 3), 96, np.uint8)
            if step < 8:
                left = 30 + 20 * step
                frame[60 : 60 + face.shape[0], left : left + face.shape[1]] = face
            video.write(frame)
    video.release()
    return path


class RunningGate:
    """Started, talked to by signals, and listened to."""

    def __init__(
        self,
        config: Path,
        watchdog_s: float = 0.9,
        program: str = "edge",
        *,
        warm: bool = True,
        **environs: str,
    ) -> None:
        """Start it: forked from one that has imported it, or by the command line."""
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        address = config.parent / f"notify-{os.urandom(4).hex()}"
        self._listener.bind(str(address))
        self._pause = threading.Event()
        self.messages: list[str] = []
        self.log: list[dict[str, object]] = []
        self._told: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._lines: queue.SimpleQueue[dict[str, object]] = queue.SimpleQueue()
        environment = os.environ | environs
        environment |= {
            "NOTIFY_SOCKET": str(address),
            "WATCHDOG_USEC": str(round(watchdog_s * 1e6)),
            "OMP_NUM_THREADS": "1",
        }
        environment.pop("JOURNAL_STREAM", None)
        words = ["run", "--config", str(config), "--log", "json"]
        self.process: WarmProcess | subprocess.Popen[str] = (
            WarmProcess(main, words, ROOT, environment, (2,))
            if warm and program == "edge"
            else subprocess.Popen(
                [sys.executable, "-m", program, *words],
                cwd=ROOT,
                env=environment,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        self._readers = [
            threading.Thread(target=self._read, daemon=True),
            threading.Thread(target=self._listen, daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def _listen(self):
        # The kernel keeps ten unread messages, and then lets the sender wait.
        while message := self._listener.recv(4096):
            self._told.put(message.decode())

    def _read(self):
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._lines.put(json.loads(line) if line.startswith("{") else {"message": line})

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.process.kill()
        self.process.wait()
        self._listener.shutdown(socket.SHUT_RDWR)
        for reader in self._readers:
            reader.join()
        assert self.process.stderr is not None
        self.process.stderr.close()
        self._listener.close()

    def wait_for(self, assignment):
        """Read messages to the service manager until one has this assignment."""
        while True:
            message = self._told.get(timeout=PATIENCE_S)
            self.messages.append(message)
            if any(line.startswith(assignment) for line in message.splitlines()):
                return message

    def wait_for_log(self, words):
        """Read the log until a message has these words; return its fields."""
        while True:
            try:
                line = self._lines.get(timeout=PATIENCE_S)
            except queue.Empty:
                pytest.fail(f"{words!r} did not come; the log ends with {self.log[-8:]}")
            self.log.append(line)
            if words in str(line["message"]):
                return line

    def rest_of_log(self):
        """Return all lines of a gate that has ended, read before or not."""
        while not self._lines.empty():
            self.log.append(self._lines.get())
        return self.log

    def send(self, number):
        self.process.send_signal(number)

    def ledgers(self):
        """Return the ledger of the source and of the sink as they are now."""
        self.send(signal.SIGUSR1)
        return self._books()

    def _books(self):
        """Read both ledgers; a sink has none before its first face."""
        start = len(self.log)
        self.wait_for_log("the ledger balances")
        found = self.log[start:]
        source = next(line for line in found if "ledger of source" in str(line["message"]))
        sinks = [line for line in found if "ledger of sink" in str(line["message"])]
        return source, *(sinks or [{}])

    def wait_until_forwarded(self, more_than):
        source = self.wait_for_ledger(lambda source: source["forwarded"] > more_than)
        return source["forwarded"]

    def wait_for_ledger(self, holds):
        """Ask for the source's ledger now and then, until this holds of it; return it."""
        while not holds(source := self.ledgers()[0]):
            self._pause.wait(0.1)  # to answer is work for the gate, and the log is kept here
        return source

    def terminate(self):
        """Stop as systemd does; return the exit code and the two ledgers."""
        self.send(signal.SIGTERM)
        source, *sinks = self._books()
        return self.process.wait(PATIENCE_S), source, sinks[-1]


def kept_keys(folder):
    """Return the keys of the faces in a directory sink."""
    return {json.loads(path.read_text())["key"] for path in folder.glob("*.json")}


def outbox_keys(path):
    with sqlite3.connect(path) as database:
        return {key for (key,) in database.execute("SELECT key FROM faces")}
