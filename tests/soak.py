"""
Two cameras, a broker and a server, all of which fail again and again; in the end the books balance.

    python -m tests.soak --minutes 10

A real RTSP server shows people to a real gate, which delivers to Mosquitto and to an HTTP server.
Every few seconds something breaks and is mended. Prints figures over time and the final ledger.
Exit code 1 when a face was lost, a key came for two faces, memory grew, or the gate did not end.
"""

import argparse
import itertools
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from queue import Queue
from signal import SIGCONT, SIGHUP, SIGKILL, SIGSTOP, SIGTERM
from threading import Event

from tests.edge import face_server as http
from tests.edge.mqtt_broker import Broker
from tests.edge.rtsp import RtspCamera, pictures
from tests.edge.running_gate import RunningGate, write_walks
from tests.pairs import tiny_pair
from tests.soak_receiver import heard_keys, listening

ROOT = Path(__file__).resolve().parents[1]
MOST_GROWTH = 1.2
"""RSS at the end over RSS after the first quarter."""
CONFIG = """\
pair: {pair}
threads: 1
detector: {{name: {detector}, smallest_face: {smallest}, threads: 1}}
page: {{listen: "127.0.0.1:0"}}
gate: {{threshold: {threshold}, min_inter_eye_distance: 12}}
tracks: {{gap: 500ms, early_after: 2s, duplicate_above: 1}}
sources:
  - {{name: door, uri: "{door}", max_fps: {fps}, open_timeout: 3s, read_timeout: 2s}}
  - {{name: yard, uri: "{yard}", max_fps: {fps}, open_timeout: 3s, read_timeout: 2s}}
sinks:
  - {{type: http, url: "{url}", timeout: 2s}}
  - {{type: mqtt, host: 127.0.0.1, port: {port}, tls: false, timeout: 2s, keepalive: 5s}}
delivery:
  outbox: {{path: outbox.sqlite}}
  backoff: {{first: 200ms, at_most: 2s}}
"""


@dataclass
class Scene:
    """Everything around the gate."""

    door: RtspCamera
    yard: RtspCamera
    broker: Broker
    server: http.FaceServer
    config: Path
    options: argparse.Namespace
    heard: "Queue[str]"
    gate: RunningGate | None = None
    processor_s: float = 0.0
    starts_s: list[float] = field(default_factory=list)

    def write_config(self, threshold: float) -> None:
        options = self.options
        self.config.write_text(
            CONFIG.format(
                pair=options.pair,
                detector=options.detector,
                smallest=options.smallest_face,
                threshold=threshold,
                fps=options.max_fps,
                door=self.door.uri,
                yard=self.yard.uri,
                url=self.server.url,
                port=self.broker.port,
            )
        )

    def start_gate(self) -> None:
        began = time.monotonic()
        self.gate = RunningGate(self.config, watchdog_s=30)
        self.gate.wait_for("READY=1")
        self.starts_s.append(time.monotonic() - began)

    def kill_gate(self) -> None:
        assert self.gate is not None
        self.processor_s += processor_s(self.gate)
        self.gate.send(SIGKILL)
        self.gate.__exit__()


def processor_s(gate: RunningGate) -> float:
    """Return the seconds of processor time of a process: utime and stime of proc(5)."""
    stat = Path(f"/proc/{gate.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(gate: RunningGate) -> float:
    pages = int(Path(f"/proc/{gate.process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


Fault = tuple[str, Callable[[Scene], None], Callable[[Scene], None]]


def _misbehave(scene: Scene) -> None:
    for behaviour in (http.answers(500), http.hangs_up, http.cuts_its_answer, http.drips_its_body):
        scene.server.behaviours.extend([behaviour, http.answers(503)])


def _reload(scene: Scene, threshold: float) -> None:
    assert scene.gate is not None
    scene.write_config(threshold)
    scene.gate.send(SIGHUP)


def _broken_reload(scene: Scene) -> None:
    assert scene.gate is not None
    scene.config.write_text(scene.config.read_text() + "thresholt: 1\n")
    scene.gate.send(SIGHUP)


def _nothing(_: Scene) -> None:
    pass


FAULTS: list[Fault] = [
    ("door hangs", lambda s: s.door.freeze(), lambda s: s.door.thaw()),
    ("server answers 500, hangs up, cuts, drips", _misbehave, _nothing),
    ("yard is killed", lambda s: s.yard.kill(), lambda s: s.yard.start()),
    (
        "broker hangs",
        lambda s: s.broker.send_signal(SIGSTOP),
        lambda s: s.broker.send_signal(SIGCONT),
    ),
    ("door changes its size", lambda s: s.door.resize(480, 270), lambda s: s.door.resize(640, 360)),
    ("broker stops", lambda s: s.broker.stop(SIGTERM), lambda s: s.broker.start()),
    ("configuration is broken", _broken_reload, lambda s: _reload(s, s.options.threshold)),
    ("gate is killed", Scene.kill_gate, Scene.start_gate),
    ("threshold changes", lambda s: _reload(s, 5), lambda s: _reload(s, s.options.threshold)),
]


def run(scene: Scene) -> int:
    """Break and mend until the time is over, then add up."""
    options = scene.options
    began, rss = time.monotonic(), []
    scene.start_gate()
    spared = "gate is killed" if options.spare_gate else ""
    faults = itertools.cycle(fault for fault in FAULTS if fault[0] != spared)
    print(f"start-up {scene.starts_s[0]:.1f} s (process to READY)")
    while time.monotonic() - began < options.minutes * 60:
        name, breaks, mends = next(faults)
        Event().wait(options.every)
        breaks(scene)
        Event().wait(options.every)
        mends(scene)
        rss.append(report(scene, name, time.monotonic() - began))
    return closing(scene, rss, time.monotonic() - began)


def report(scene: Scene, fault: str, at_s: float) -> float:
    """Print one line; return the resident memory in MB."""
    assert scene.gate is not None
    memory = resident_mb(scene.gate)
    scene.gate.ledgers()
    ages = {
        str(line["message"]).split()[-1]: (line.get("age_p50_ms"), line.get("age_p95_ms"))
        for line in scene.gate.log[-8:]
        if "ledger of source" in str(line["message"])
    }
    print(f"{at_s:6.0f} s  RSS {memory:4.0f} MB  age p50/p95 ms {ages}  after: {fault}", flush=True)
    return memory


def closing(scene: Scene, rss: list[float], seconds: float) -> int:
    """Let everything work again, wait until nothing is left to deliver, end the gate, add up."""
    gate = scene.gate
    assert gate is not None
    scene.server.behaviours.clear()
    deadline = time.monotonic() + 60
    while any(row["waiting"] for row in sinks_now(gate)) and time.monotonic() < deadline:
        Event().wait(0.5)
    before = frames_now(gate)
    Event().wait(5)
    silent = [name for name, frames in frames_now(gate).items() if frames == before[name]]
    problems = [f"{name} gives no frames though all is well" for name in silent]
    used_s = scene.processor_s + processor_s(gate)
    start = len(gate.log)
    code, *_ = gate.terminate()
    gate.__exit__()
    final = [line for line in gate.log[start:] if "ledger" in str(line["message"])]
    for line in final:
        print(json.dumps({k: v for k, v in line.items() if k not in ("time", "logger", "thread")}))
    print(f"processor per camera {used_s / seconds / 2:.0%} of one core; starts {scene.starts_s}")
    problems += _problems(scene, final, rss)
    if silent:
        for line in gate.log:
            if "state" in line or line.get("level") != "info":
                print({key: line.get(key) for key in ("time", "thread", "message")})
    if code:
        problems.append(f"the gate ended with {code}")
    for problem in problems:
        print("PROBLEM:", problem)
    print("balanced" if not problems else "NOT balanced")
    return 1 if problems else 0


def frames_now(gate: RunningGate) -> dict[str, object]:
    """Return how many frames have come from each source."""
    start = len(gate.log)
    gate.ledgers()
    lines = [line for line in gate.log[start:] if "ledger of source" in str(line["message"])]
    return {str(line["message"]).split()[-1]: line["frames"] for line in lines}


def sinks_now(gate: RunningGate) -> list[dict[str, int]]:
    start = len(gate.log)
    gate.ledgers()
    return [line for line in gate.log[start:] if "ledger of sink" in str(line["message"])]  # type: ignore[misc]


def _problems(scene: Scene, final: list[dict[str, object]], rss: list[float]) -> Iterator[str]:
    sinks = {str(line["sink"]): line for line in final if "sink" in line}
    keys = {"http": set(scene.server.keys()), "mqtt": set(heard_keys(scene.heard))}
    for name, row in sinks.items():
        if row["queued"] != row["delivered"]:
            yield f"{name}: {row['queued']} queued, {row['delivered']} delivered"
        print(f"{name}: {row['delivered']} delivered, {len(keys[name])} different keys received")
        if len(keys[name]) != row["queued"]:
            yield f"{name}: {row['queued']} faces, {len(keys[name])} keys received"
    if keys["http"] != keys["mqtt"]:
        yield f"{len(keys['http'] ^ keys['mqtt'])} faces came to one receiver only"
    if not keys["http"]:
        yield "not one face was delivered"
    steady = rss[len(rss) // 4 :]
    if steady and steady[-1] > MOST_GROWTH * steady[0]:
        yield f"memory grew from {steady[0]:.0f} to {steady[-1]:.0f} MB"


def videos(options: argparse.Namespace, folder: Path) -> list[Path]:
    if options.video:
        return [*options.video, *options.video][:2]
    return [write_walks(folder / "walks.mp4")] * 2


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Break everything around the gate for a while.")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--every", type=float, default=6.0, help="seconds between two events")
    parser.add_argument("--spare-gate", action="store_true", help="one life: how memory grows")
    parser.add_argument("--video", type=Path, action="append", help="shown by the cameras")
    parser.add_argument("--pair", type=Path, help="default: a tiny one made on the spot")
    parser.add_argument("--detector", default="ultraface68")
    parser.add_argument("--smallest-face", type=int, default=40, help="12 and mtcnn overload it")
    parser.add_argument("--threshold", type=float, default=0.0)
    parser.add_argument("--max-fps", type=float, default=5.0)
    return parser.parse_args()


def main() -> int:
    options = arguments()
    os.chdir(ROOT)
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        if options.pair is None:
            tiny_pair(folder)
        options.pair = (options.pair or folder / "pair").absolute()
        shown = [
            pictures(video, folder / f"pictures-{number}")
            for number, video in enumerate(videos(options, folder))
        ]
        cameras = [RtspCamera(640, 360, pictures=each) for each in shown]
        for camera in cameras:
            camera.start()
            stack.callback(camera.kill)
        broker = Broker(folder, ("persistence true", f"persistence_location {folder}/"))
        broker.start()
        stack.callback(broker.stop)
        server = stack.enter_context(http.serving())
        heard = stack.enter_context(listening(broker))
        door, yard = cameras
        scene = Scene(door, yard, broker, server, folder / "gate.yaml", options, heard)
        scene.write_config(options.threshold)
        try:
            return run(scene)
        finally:
            if scene.gate is not None and scene.gate.process.poll() is None:
                scene.gate.process.kill()


if __name__ == "__main__":
    sys.exit(main())
