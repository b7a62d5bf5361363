"""
Hundreds of `kill -9` of the real program, accounted face by face by those who got the faces.

    python -m tests.soak_kills --kills 500 --seed 1

Two Motion JPEG cameras, a gate, and three receivers: an HTTP server that refuses now and then, a
Mosquitto that hangs now and then, and a folder. A witness in the gate writes down each key as soon
as the outbox has taken it. Each life ends by `kill -9` at a random instant: some at any time since
their start, the others after their first face, however long a busy machine takes to see it. In the
end the cameras are silent, one more life delivers what is left, and whatever the witness or any
receiver has seen must be at every receiver, with the same image.

Prints the account as JSON. Exit code 1 when a face is missing or changed, when the gate told of a
fault of its own, or when its ledger says otherwise than the receivers.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import cv2

from tests.edge import face_server, mqtt_broker
from tests.edge.motion_jpeg import MotionJpeg, motion_jpeg
from tests.edge.running_gate import ENGINES, RunningGate, write_walks
from tests.edge.taken_faces import Receivers
from tests.pairs import tiny_pair

PROGRAM = "tests.edge.witnessed_gate"
LONGEST_S = 2.0
"""Of a life after its first face."""
OPENINGS, OPENING_S = 0.2, 3.0
"""Share and length of lives that may end before."""
FIRST_FACE_S = 300.0
"""For a machine with other things to do; a life without any face is a fault."""
PICTURE_S = 0.07
DRAIN_S = 120.0
BOOKED = ("queued", "delivered", "lost")
REST = """\
mode: every
tracks: {{gap: 300ms, duplicate_above: 1, at_most_every: 50ms}}
page: {{enabled: false}}
sources:
  - {{name: door, uri: "http://127.0.0.1:{door}/", max_fps: 15}}
  - {{name: yard, uri: "http://127.0.0.1:{yard}/", max_fps: 15}}
sinks:
  - {{type: http, url: "{server}", timeout: 2s}}
  - {{type: mqtt, host: 127.0.0.1, port: {broker}, tls: false, device: box, timeout: 2s}}
  - {{type: directory, path: faces}}
delivery:
  outbox: {{path: outbox.sqlite}}
  backoff: {{first: 50ms, at_most: 300ms}}
"""


def camera(video: Path) -> type[MotionJpeg]:
    """Return a camera that shows a video at its pace, over and over."""
    capture, jpegs = cv2.VideoCapture(str(video)), []
    while (read := capture.read())[0]:
        jpegs.append(cv2.imencode(".jpg", read[1])[1].tobytes())

    class Walks(MotionJpeg):
        def pictures(self):
            while True:
                for jpeg in jpegs:
                    yield jpeg
                    Event().wait(PICTURE_S)

    return Walks


def live(config: Path, chance: random.Random) -> RunningGate:
    """Start the gate, and end it at a random instant."""
    witness = config.parent / "witness"
    seen = size(witness)
    with RunningGate(config, watchdog_s=60, program=PROGRAM, WITNESS=str(witness)) as gate:
        if chance.random() < OPENINGS:
            Event().wait(chance.uniform(0, OPENING_S))
        else:
            gate.wait_for("READY=1")
            wait_for_more(witness, seen)
            Event().wait(chance.uniform(0, LONGEST_S))
    return gate


def size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def wait_for_more(file: Path, than: int) -> None:
    """Wait until a file has grown."""
    deadline_s = time.monotonic() + FIRST_FACE_S
    while size(file) <= than:
        if time.monotonic() > deadline_s:
            message = f"no face in {FIRST_FACE_S:g} s"
            raise TimeoutError(message)
        Event().wait(0.01)


def last_life(config: Path) -> tuple[int, list[dict[str, object]], RunningGate]:
    """Deliver what is left; return the exit code, the ledgers of the sinks, and the gate."""
    with RunningGate(config, watchdog_s=60, warm=False) as gate:
        gate.wait_for("READY=1")
        deadline_s = time.monotonic() + DRAIN_S
        while any(row["waiting"] for row in gate.ledgers()[1:] if row):
            if time.monotonic() > deadline_s:
                break
            Event().wait(0.5)
        start = len(gate.log)
        code, *_ = gate.terminate()
        rows = [line for line in gate.log[start:] if "ledger of sink" in str(line["message"])]
    return code, rows, gate


def faults(gate: RunningGate) -> list[str]:
    """Return what no life should have said, however short it was."""
    return [
        str(line["message"])
        for line in gate.rest_of_log()
        if line.get("level") in ("error", "critical") or "Traceback" in str(line)
    ]


def problems(account: dict[str, object]) -> list[str]:
    """Return what is wrong with an account."""
    wrong = [name for name in ("lost", "changed", "faults", "set aside") if account[name]]
    wrong += ["not one face"] if not account["faces"] else []
    wrong += ["exit code"] if account["exit code"] else []
    counted = {row["queued"] for row in account["ledger"].values()}  # type: ignore[attr-defined]
    wrong += ["ledger"] if counted != {account["faces"]} else []
    return wrong


def kill_again_and_again(
    config: Path, receivers: Receivers, chance: random.Random, kills: int
) -> list[str]:
    began_s, said = time.monotonic(), []
    for number in range(1, kills + 1):
        receivers.misbehave(chance)
        said += faults(live(config, chance))
        receivers.behave()
        if number % 10 == 0 or number == kills:
            seconds = time.monotonic() - began_s
            print(f"{number} kills, {seconds:.0f} s, {receivers.counts()}", flush=True)
    return said


def run(folder: Path, kills: int, chance: random.Random) -> dict[str, object]:
    """Return the account."""
    tiny_pair(folder)
    write_walks(folder / "walks.mp4")
    with (
        mqtt_broker.running(folder) as broker,
        mqtt_broker.subscribed(broker, "edge-gate/+/+/face") as heard,
        face_server.serving() as server,
    ):
        receivers = Receivers(folder, server, broker, heard)
        config, began_s = folder / "gate.yaml", time.monotonic()
        with watched_by_two_cameras(config, receivers):
            said = kill_again_and_again(config, receivers, chance, kills)
        seconds = time.monotonic() - began_s
        code, rows, gate = last_life(config)
        # The cameras are gone, and the last life may say so.
        said += [text for text in faults(gate) if "camera" not in text and "source" not in text]
        return {
            "kills": kills,
            "seconds": round(seconds),
            **receivers.account(),
            "faults": said,
            "set aside": [path.name for path in folder.glob("*.corrupt-*")],
            "exit code": code,
            "ledger": {row["sink"]: {name: row[name] for name in BOOKED} for row in rows},
        }


@contextmanager
def watched_by_two_cameras(config: Path, receivers: Receivers) -> Iterator[None]:
    """Write the configuration; the cameras work until the block ends."""
    shows = camera(config.parent / "walks.mp4")
    with motion_jpeg(camera=shows) as door, motion_jpeg(camera=shows) as yard:
        ports = {"door": door, "yard": yard, "broker": receivers.broker.port}
        rest = REST.format(server=receivers.server.url, **ports)
        config.write_text(ENGINES.partition("tracks:")[0] + rest)
        yield


def main() -> int:
    parser = argparse.ArgumentParser(description="Kill the gate again and again; count faces.")
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="keep all files here; default: none is kept")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        account = run(folder.absolute(), options.kills, random.Random(options.seed))
    wrong = problems(account)
    print(json.dumps(account | {"problems": wrong}, indent=1))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
