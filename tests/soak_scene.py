"""
Everything around a gate that is soaked, and what goes wrong with it.

The gate's configuration is `configs/rtsp.yaml`, with the addresses of here and with shorter waits.
"""

import argparse
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Queue
from signal import SIGCONT, SIGHUP, SIGKILL, SIGSTOP, SIGTERM
from typing import Any

import yaml

from tests.edge import face_server as http
from tests.edge.mqtt_broker import Broker
from tests.edge.mqtt_relay import PUBACK, Relay
from tests.edge.rtsp import RtspCamera
from tests.edge.running_gate import RunningGate
from tests.processes import all_processor_s
from tests.soak_hostile import VIEWERS, Viewers, asked

ROOT = Path(__file__).resolve().parents[1]
FILLER = "filler"


@dataclass
class Scene:
    """Everything around the gate."""

    door: RtspCamera
    yard: RtspCamera
    lossy: RtspCamera
    """Over UDP; each 50th packet of it gets lost."""
    broker: Broker
    relay: Relay
    """Before the broker."""
    server: http.FaceServer
    folder: Path
    authority: Path
    """That of the yard's certificate."""
    options: argparse.Namespace
    heard: "Queue[str]"
    disk: Path
    """Where the outbox is: a file system of its own, if one can be mounted."""
    page_port: int
    hostile: list[dict[str, object]]
    """Sources that must not matter to the others."""
    viewers: Viewers
    gate: RunningGate | None = None
    troubles: list[str] = field(default_factory=list)
    """What was found on the way."""
    processor_s: float = 0.0
    starts_s: list[float] = field(default_factory=list)

    @property
    def config(self) -> Path:
        return self.folder / "gate.yaml"

    @property
    def secret(self) -> Path:
        path = self.folder / "secret"
        path.write_text("soak:secret")
        return path

    def write_config(self, threshold: float) -> None:
        self.config.write_text(yaml.safe_dump(self._configuration(threshold), sort_keys=False))

    def _configuration(self, threshold: float) -> dict[str, Any]:
        options = self.options
        config = yaml.safe_load((ROOT / "configs/rtsp.yaml").read_text())
        config["pair"], config["threads"] = str(options.pair), 1
        smallest = options.smallest_face
        config["detector"] = {"name": options.detector, "smallest_face": smallest, "threads": 1}
        config["gate"] = {"threshold": threshold, "min_inter_eye_distance": 12}
        config["page"] = {"listen": f"127.0.0.1:{self.page_port}"}
        config["tracks"] |= {"gap": "500ms", "duplicate_above": 1}
        door, yard = config["sources"]
        door["uri"], yard["uri"] = self.door.uri, self.yard.uri
        for source in (door, yard):
            source |= {"max_fps": options.max_fps, "open_timeout": "3s", "read_timeout": "2s"}
        yard["ca_file"] = str(self.authority)
        del yard["schedule"]  # the day of the soak may be a Sunday
        lossy = {"name": "lossy", "uri": self.lossy.uri, "transport": "udp"}
        lossy |= {key: door[key] for key in ("max_fps", "open_timeout", "read_timeout")}
        config["sources"] += [lossy, *self.hostile] if self.hostile else []
        to_server, to_broker = config["sinks"]
        to_server |= {"url": self.server.url, "timeout": "2s"}
        to_broker |= {"host": "127.0.0.1", "port": self.relay.port, "tls": False}
        to_broker |= {"timeout": "2s", "keepalive": "5s"}
        for keeper in (door["login"], to_server["token"]):
            keeper["file"] = str(self.secret)
        outbox = {"path": str(self.disk / "outbox.sqlite")}
        config["delivery"] = {"outbox": outbox, "backoff": {"first": "200ms", "at_most": "2s"}}
        return config

    def start_gate(self) -> None:
        began = time.monotonic()
        self.gate = RunningGate(self.config, watchdog_s=30, warm=False)
        self.gate.wait_for("READY=1")
        self.starts_s.append(time.monotonic() - began)

    def kill_gate(self) -> None:
        assert self.gate is not None
        self.processor_s += processor_s(self.gate)
        self.gate.send(SIGKILL)
        self.gate.__exit__()


def processor_s(gate: RunningGate) -> float:
    """Return the seconds of processor time of a gate and of the processes of its cameras."""
    return all_processor_s(gate.process.pid)


def resident_mb(gate: RunningGate) -> float:
    return process_mb(gate.process.pid)


def process_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


Fault = tuple[str, Callable[[Scene], None], Callable[[Scene], None]]


def _misbehave(scene: Scene) -> None:
    for behaviour in (
        http.answers(500),
        http.hangs_up,
        http.cuts_its_answer,
        http.drips_its_body,
        http.promises_without_end,
    ):
        scene.server.behaviours.extend([behaviour, http.answers(503)])


def _reload(scene: Scene, threshold: float) -> None:
    assert scene.gate is not None
    scene.write_config(threshold)
    scene.gate.send(SIGHUP)


def _broken_reload(scene: Scene) -> None:
    assert scene.gate is not None
    scene.config.write_text(scene.config.read_text() + "thresholt: 1\n")
    scene.gate.send(SIGHUP)


def _fill(scene: Scene) -> None:
    with suppress(OSError), (scene.disk / FILLER).open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass


def _be_watched(scene: Scene) -> None:
    scene.viewers.come()


def _be_left(scene: Scene) -> None:
    """See that who watches over the gate was answered among all who look."""
    try:
        asked(f"http://127.0.0.1:{scene.page_port}/livez")
    except OSError as error:
        scene.troubles.append(f"/livez among {VIEWERS} viewers: {error}")
    scene.viewers.leave()


def _hold_back(scene: Scene, *packets: int) -> None:
    scene.relay.held_back = frozenset(packets)


def _nothing(_: Scene) -> None:
    pass


DISK_FULL: Fault = ("disk is full", _fill, lambda s: (s.disk / FILLER).unlink())
FAULTS: list[Fault] = [
    ("door hangs", lambda s: s.door.freeze(), lambda s: s.door.thaw()),
    ("server answers 500, hangs up, cuts, drips, promises", _misbehave, _nothing),
    ("yard is killed", lambda s: s.yard.kill(), lambda s: s.yard.start()),
    (
        "broker hangs",
        lambda s: s.broker.send_signal(SIGSTOP),
        lambda s: s.broker.send_signal(SIGCONT),
    ),
    ("broker never acknowledges", lambda s: _hold_back(s, PUBACK), _hold_back),
    ("a hundred look at the page", _be_watched, _be_left),
    ("door changes its size", lambda s: s.door.resize(480, 270), lambda s: s.door.resize(640, 360)),
    ("broker stops", lambda s: s.broker.stop(SIGTERM), lambda s: s.broker.start()),
    ("configuration is broken", _broken_reload, lambda s: _reload(s, s.options.threshold)),
    ("gate is killed", Scene.kill_gate, Scene.start_gate),
    ("threshold changes", lambda s: _reload(s, 5), lambda s: _reload(s, s.options.threshold)),
]


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """Yield a folder on a file system of 8 MB; an ordinary one where none can be mounted."""
    disk = folder / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(disk)]
    is_mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    try:
        yield disk
    finally:
        if is_mounted:
            subprocess.run(["umount", str(disk)], check=True)


def faults(scene: Scene, *, spare_gate: bool) -> list[Fault]:
    """Return what can go wrong here, in order."""
    possible = [fault for fault in FAULTS if not (spare_gate and fault[0] == "gate is killed")]
    return [DISK_FULL, *possible] if scene.disk.is_mount() else possible
