"""A real Mosquitto on a free port, to be killed, paused and started again."""

import os
import queue
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

PATIENCE_S = 20.0
"""How long a test waits for what must happen before it fails."""


def mosquitto() -> str:
    found = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    if found is None:
        reason = "Mosquitto is not installed: sudo apt-get install mosquitto"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Broker:
    """One broker, which may be started more than once."""

    folder: Path
    extra: Sequence[str] = ()
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[str] | None = None
    log: list[str] = field(default_factory=list)
    """Lines of all its lives."""
    _reader: threading.Thread | None = None

    def start(self) -> None:
        lines = [f"listener {self.port} 127.0.0.1", "log_dest stderr", *self.extra]
        if not any(line.startswith("allow_anonymous") for line in lines):
            lines.append("allow_anonymous true")
        if os.geteuid() == 0:
            lines.append("user root")
        config = self.folder / "mosquitto.conf"
        config.write_text("\n".join(lines) + "\n")
        self.process = subprocess.Popen(
            [mosquitto(), "-c", config],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started = threading.Event()
        self._reader = threading.Thread(target=self._read, args=(self.process, started))
        self._reader.start()
        if not started.wait(PATIENCE_S):
            self.stop(signal.SIGKILL)
            pytest.fail(f"Mosquitto did not start: {self.log}")

    def _read(self, process: subprocess.Popen[str], started: threading.Event) -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                self.log.append(line)
                if "running" in line:
                    started.set()

    def send_signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        if self.process is None:
            return
        self.process.send_signal(number)
        self.process.send_signal(signal.SIGCONT)
        self.process.wait()
        self.process = None
        assert self._reader is not None
        self._reader.join()


@contextmanager
def running(folder: Path, *extra: str) -> Iterator[Broker]:
    broker = Broker(folder, extra)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


@dataclass(frozen=True)
class Heard:
    """One message as a subscriber hears it."""

    topic: str
    payload: bytes
    retained: bool


def _as_it_is(_client: Client) -> None:
    """Connect without TLS or password."""


@contextmanager
def subscribed(
    broker: Broker, topics: str = "#", prepare: Callable[[Client], object] = _as_it_is
) -> Iterator["queue.Queue[Heard]"]:
    """Hear every message, also after the broker was started again."""
    heard: queue.Queue[Heard] = queue.Queue()
    ready: queue.Queue[bool] = queue.Queue()
    client = Client(CallbackAPIVersion.VERSION2)

    def subscribe(*_details):
        client.subscribe(topics, qos=1)

    client.on_connect = subscribe
    client.on_subscribe = lambda *_: ready.put(True)
    client.on_message = lambda _client, _data, message: heard.put(
        Heard(message.topic, bytes(message.payload), message.retain)
    )
    client.reconnect_delay_set(1, 1)
    prepare(client)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    try:
        ready.get(timeout=PATIENCE_S)
        yield heard
    finally:
        client.disconnect()
        client.loop_stop()
        client.on_connect = None  # it knows the client, which so would wait for the collector


def wait_for(heard: "queue.Queue[Heard]", topic_end: str) -> Heard:
    """Return the next message of a topic, skipping others."""
    while True:
        message = heard.get(timeout=PATIENCE_S)
        if message.topic.endswith(topic_end):
            return message
