"""
Two cameras, a broker and a server, all of which fail again and again; in the end the books balance.

    python -m tests.soak --minutes 10

A real RTSP server shows people to a real gate, which delivers to Mosquitto and to an HTTP server.
Every few seconds something breaks and is mended, with hostile cameras and files beside them all the
while. Prints figures over time and the final ledger; `--figures` keeps how memory went.
Exit code 1 when a face was lost, a key came for two faces, memory grew, or the gate did not end.
"""

import argparse
import itertools
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Event

import trustme

from tests.edge import face_server as http
from tests.edge.mqtt_broker import Broker, free_port
from tests.edge.mqtt_relay import relaying
from tests.edge.rtsp import RtspCamera, pictures
from tests.edge.running_gate import RunningGate, write_walks
from tests.pairs import tiny_pair
from tests.soak_hostile import Viewers, sources
from tests.soak_memory import MemoryCurve
from tests.soak_receiver import heard_keys, listening
from tests.soak_scene import ROOT, Scene, faults, processor_s, resident_mb, small_disk

MOST_GROWTH = 1.2
"""RSS at the end over RSS after the first quarter."""
OURS = ("door", "yard", "lossy")
"""Cameras that must give frames in the end."""
PATIENCE_S = 60.0


def run(scene: Scene) -> int:
    """Break and mend until the time is over, then add up."""
    options = scene.options
    began, rss = time.monotonic(), []
    scene.start_gate()
    memory = MemoryCurve(scene)
    possible = faults(scene, spare_gate=options.spare_gate)
    print(f"start-up {scene.starts_s[0]:.1f} s (process to READY)")
    for name, breaks, mends in possible if options.once else itertools.cycle(possible):
        Event().wait(options.every)
        memory.fault = name
        breaks(scene)
        Event().wait(options.every)
        mends(scene)
        rss.append(report(scene, name, time.monotonic() - began))
        if not options.once and time.monotonic() - began > options.minutes * 60:
            break
    memory.end(options.figures)
    return closing(scene, rss, time.monotonic() - began)


def report(scene: Scene, fault: str, at_s: float) -> float:
    """Print one line; return the resident memory in MB."""
    assert scene.gate is not None
    if scene.gate.process.poll() is not None:
        last = "\n".join(str(line) for line in scene.gate.rest_of_log()[-40:])
        sys.exit(f"the gate ended by itself, {scene.gate.process.returncode}: {fault}\n{last}")
    memory = resident_mb(scene.gate)
    scene.gate.ledgers()
    ages = {
        str(line["message"]).split()[-1]: (line.get("age_p50_ms"), line.get("age_p95_ms"))
        for line in scene.gate.log[-20:]
        if str(line["message"]).endswith(("source door", "source yard"))
    }
    print(f"{at_s:6.0f} s  RSS {memory:4.0f} MB  age p50/p95 ms {ages}  after: {fault}", flush=True)
    return memory


def closing(scene: Scene, rss: list[float], seconds: float) -> int:
    """Let everything work again, wait until nothing is left to deliver, end the gate, add up."""
    gate = scene.gate
    assert gate is not None
    scene.server.behaviours.clear()
    deadline = time.monotonic() + PATIENCE_S
    while any(row["waiting"] for row in sinks_now(gate)) and time.monotonic() < deadline:
        Event().wait(0.5)
    silent = silent_cameras(gate)
    problems = [f"{name} gives no frames though all is well" for name in silent]
    used_s = scene.processor_s + processor_s(gate)
    start = len(gate.log)
    code, *_ = gate.terminate()
    gate.__exit__()
    final = [line for line in gate.log[start:] if "ledger" in str(line["message"])]
    for line in final:
        print(json.dumps({k: v for k, v in line.items() if k not in ("time", "logger", "thread")}))
    cameras = 2 if scene.options.friendly else 8
    each = used_s / seconds / cameras
    print(f"processor per camera {each:.0%} of one core; starts {scene.starts_s}")
    problems += scene.troubles
    problems += _problems(scene, final, rss)
    if silent:
        for line in gate.log:
            if "state" in line or line.get("level") != "info":
                print({key: line.get(key) for key in ("time", "thread", "message")})
    # Of the hostile files some cannot be read, and the exit code says so.
    if code != (1 if scene.hostile else 0):
        problems.append(f"the gate ended with {code}")
    for problem in problems:
        print("PROBLEM:", problem)
    print("balanced" if not problems else "NOT balanced")
    return 1 if problems else 0


def silent_cameras(gate: RunningGate) -> list[str]:
    """Return which of ours give no frame; after a loss one waits for a key frame."""
    before, deadline = frames_now(gate), time.monotonic() + PATIENCE_S
    silent = [name for name in OURS if name in before]
    while silent and time.monotonic() < deadline:
        Event().wait(1)
        now = frames_now(gate)
        silent = [name for name in silent if now[name] == before[name]]
    return silent


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
    parser.add_argument("--once", action="store_true", help="each fault once, not for minutes")
    parser.add_argument("--every", type=float, default=6.0, help="seconds between two events")
    parser.add_argument("--spare-gate", action="store_true", help="one life: how memory grows")
    parser.add_argument("--friendly", action="store_true", help="no hostile cameras and files")
    parser.add_argument("--figures", type=Path, help="folder for rss.csv and rss.png")
    parser.add_argument("--video", type=Path, action="append", help="shown by the cameras")
    parser.add_argument("--pair", type=Path, help="default: a tiny one made on the spot")
    parser.add_argument("--detector", default="ultraface68")
    parser.add_argument("--smallest-face", type=int, default=40, help="12 and mtcnn overload it")
    parser.add_argument("--threshold", type=float, default=0.0)
    parser.add_argument("--max-fps", type=float, default=5.0)
    return parser.parse_args()


def cameras_of(shown: list[str], folder: Path) -> tuple[RtspCamera, RtspCamera]:
    """Return one camera without and one with TLS."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    pem = folder / "yard.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(pem))
    door = RtspCamera(640, 360, pictures=shown[0])
    return door, RtspCamera(640, 360, pictures=shown[1], certificate=pem)


def around(shown: list[str], options: argparse.Namespace, stack: ExitStack) -> Scene:
    """Start everything around a gate; it ends with the stack."""
    folder = options.folder
    door, yard = cameras_of(shown, folder)
    lossy = RtspCamera(640, 360, pictures=shown[0], transport="udp", lose=50)
    for camera in (door, yard, lossy):
        camera.start()
        stack.callback(camera.kill)
    broker = Broker(folder, ("persistence true", f"persistence_location {folder}/"))
    broker.start()
    stack.callback(broker.stop)
    page_port = free_port()
    viewers = Viewers(f"http://127.0.0.1:{page_port}")
    stack.callback(viewers.leave)
    return Scene(
        door=door,
        yard=yard,
        lossy=lossy,
        broker=broker,
        relay=stack.enter_context(relaying(broker.port)),
        server=stack.enter_context(http.serving()),
        folder=folder,
        authority=folder / "ca.pem",
        options=options,
        heard=stack.enter_context(listening(broker)),
        disk=stack.enter_context(small_disk(folder)),
        page_port=page_port,
        hostile=[] if options.friendly else stack.enter_context(sources(folder)),
        viewers=viewers,
    )


def main() -> int:
    options = arguments()
    os.chdir(ROOT)
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        options.folder = folder = Path(name)
        if options.pair is None:
            tiny_pair(folder)
        options.pair = (options.pair or folder / "pair").absolute()
        shown = [
            pictures(video, folder / f"pictures-{number}")
            for number, video in enumerate(videos(options, folder))
        ]
        scene = around(shown, options, stack)
        scene.write_config(options.threshold)
        try:
            return run(scene)
        finally:
            if scene.gate is not None and scene.gate.process.poll() is None:
                scene.gate.process.kill()


if __name__ == "__main__":
    sys.exit(main())
