"""
Print what a gate takes of the memory, in a process of its own, and what adds to it.

    python -m tests.bench.gate_memory PAIR page                  # ten minutes, looked at
    python -m tests.bench.gate_memory PAIR reloads --count 440
    python -m tests.bench.gate_memory PAIR frames
    python -m tests.bench.gate_memory PAIR tune

`page`: one camera of 1920x1080 (Motion JPEG over HTTP) shows one person after the other, or 28 at
once, to a gate with the default detector, whose page is open at that camera: its state once a
second, live pictures as fast as they come. `--out` keeps the curve. `reloads`: the smallest face
changes with each SIGHUP, so that networks are opened anew; `frames`: the networks alone, before and
after the golden faces, the first and the fifth frame. Threads as the configuration has them by
default, or `--threads`. `tune`: what it remembers of 1,000 faces, of footage in which one is in
each frame; detector and pair are stand-ins, faces of noise are the hardest to compress.
"""

import argparse
import csv
import json
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from threading import Event, Thread
from typing import cast
from urllib.request import urlopen

import cv2
import numpy as np
from matplotlib.figure import Figure

from edge.config.effective import CameraSettings
from edge.config.model import DetectorSettings, GateSettings
from edge.config.tracks import TrackSettings
from edge.detection.open import open_detector
from edge.footage.camera_run import steps
from edge.footage.faces import observe
from edge.gate.camera_gate import CameraGate
from edge.samples import Frame
from engines.pair.pair import EnginePair, Scored, open_pair, open_unproved
from engines.plans.own_process import in_own_process
from engines.quality.specification import FaceImages
from tests.bench.detector_price import CONTENTS, frame
from tests.bench.lines import show
from tests.bench.street import Gate, View, gate
from tests.edge import running_gate
from tests.edge.canned import BrightnessPair, CannedDetector, upright_face
from tests.memory import resident_bytes
from tests.processes import descendants
from tests.soak_scene import process_mb

SAMPLE_S = 5.0
VIEW, SMALL = View(1920, 1080, crowd=True), View(640, 360)
Row = tuple[float, float, float]
"""Seconds, MB of the gate, MB of its camera's process."""


def row(running: Gate, began_s: float) -> Row:
    """Return what a gate takes now."""
    pid = running.process.process.pid
    cameras_mb = sum(map(process_mb, descendants(pid)))
    return time.monotonic() - began_s, process_mb(pid), cameras_mb


def look(page: str, gone: Event) -> None:
    """Ask what a browser asks: the state once a second, and picture after picture."""
    newest, asked_s = {"number": 0}, 0.0
    while not gone.wait(0.01):
        with suppress(OSError):
            if time.monotonic() - asked_s > 1:
                asked_s = time.monotonic()
                for path in ("/api/state", "/api/cameras/street-0/faces"):
                    urlopen(page + path, timeout=10).read()
            asked = f"{page}/api/cameras/street-0/frame?after={newest['number']}"
            with urlopen(asked, timeout=10) as answer:
                answer.read()
                newest = json.loads(answer.headers.get("X-Frame") or json.dumps(newest))


def watch_page(arguments: argparse.Namespace) -> None:
    """Look at the page, and write down what the gate takes."""
    with gate(arguments.pair, VIEW, threads=arguments.threads) as running:
        gone, began_s = Event(), time.monotonic()
        viewer = Thread(target=look, args=(running.page, gone), daemon=True)
        viewer.start()
        rows = [row(running, began_s)]
        while rows[-1][0] < 60 * arguments.minutes:
            Event().wait(SAMPLE_S)
            rows.append(row(running, began_s))
        gone.set()
        viewer.join()
        _, books, _ = running.process.terminate()
    show(f"looked at {books['looked_at']} frames, forwarded {books['forwarded']} faces")
    show(
        f"highest: gate {max(row[1] for row in rows):.0f} MB, camera's process "
        f"{max(row[2] for row in rows):.0f} MB"
    )
    for minute, _ in pairwise(range(arguments.minutes + 2)):
        at_s = min(60.0 * minute, rows[-1][0])
        show(f"after {minute} min: {next(row for row in rows if row[0] >= at_s)[1]:.0f} MB")
    if arguments.out is not None:
        keep(arguments.out, rows)


def keep(out: Path, rows: list[Row]) -> None:
    """Write the curve as numbers and as a picture."""
    with out.with_suffix(".csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(("seconds", "gate_mb", "camera_mb"))
        table.writerows([f"{value:.1f}" for value in row] for row in rows)
    figure = Figure(figsize=(10, 4), layout="constrained")
    axes = figure.subplots()
    for place, label in ((1, "gate, its page open"), (2, "process of its camera")):
        axes.plot([row[0] for row in rows], [row[place] for row in rows], label=label)
    axes.legend()
    axes.set(xlabel="seconds", ylabel="resident memory, MB", ylim=(0, None))
    figure.savefig(out.with_suffix(".png"), dpi=100)


def reload_often(arguments: argparse.Namespace) -> None:
    """Open the networks again and again, at a small camera."""
    with gate(arguments.pair, SMALL, threads=arguments.threads) as running:
        for number in range(arguments.count + 1):
            if number:
                detector = running.config["detector"] | {"smallest_face": 40 + number % 2}
                running.reload(detector=detector)
            if number % max(1, arguments.count // 11) == 0:
                show(f"after {number} reloads: {row(running, 0)[1]:.0f} MB")


def alone(pair: Path, threads: int, way: str) -> list[float]:
    """Return MB of this process as networks are opened and used one by one."""
    cv2.setNumThreads(threads)
    pixels = frame(1920, 1080, *CONTENTS["crowd of 28"])
    opened = open_pair(pair, threads) if way == "proved" else open_unproved(pair, threads)[0]
    height, width = opened.specification.height, opened.specification.width
    faces = cv2.resize(pixels, (width, height))[None]
    opened.assess(faces)
    found = [resident_bytes() / 1e6]
    detector = open_detector(DetectorSettings(threads=threads))
    found.append(resident_bytes() / 1e6)
    for number in range(5):
        detector.detect(pixels)
        if number in (0, 4):
            found.append(resident_bytes() / 1e6)
    return found


def look_at_frames(arguments: argparse.Namespace) -> None:
    """Print what networks take, each way in a process of its own."""
    show("| pair | opened, one face scored | detector opened | first frame | fifth frame |")
    show("|---|---|---|---|---|")
    for way in ("unproved", "proved"):
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as apart:
            asked = arguments.pair, arguments.threads or 2, way
            found = apart.submit(alone, *asked).result()
        show(f"| {way} | " + " | ".join(f"{mb:.0f}" for mb in found) + " |")


class Noise:
    """Footage with a face of noise in each frame, and what sees and scores it."""

    def frames(self, count: int) -> Iterator[Frame]:
        """Yield frames of ten seconds each second, so that tracks end."""
        rng = np.random.default_rng(0)
        for index in range(count):
            pixels = rng.integers(0, 255, (480, 640, 3), np.uint8)
            yield Frame(pixels, "street.mp4", index, index / 10 + 10 * (index // 20))

    def gate(self) -> CameraGate:
        """Return a gate that observes."""
        pair = cast("EnginePair", LongEmbeddings())
        settings = CameraSettings(GateSettings(), TrackSettings(), "observe")
        return CameraGate(CannedDetector([upright_face()]), pair, settings)


class LongEmbeddings(BrightnessPair):
    """A pair whose embeddings are as long as those of the networks in use."""

    def assess(self, face_images: FaceImages) -> Scored:
        """Return rows of 512."""
        found = super().assess(face_images)
        return Scored(np.tile(found.embeddings, 512)[:, :512].copy(), found.shift)


def remembered(faces: int) -> float:
    """Return MB by which this process grew with so many faces of footage."""
    noise = Noise()
    observe(steps(noise.frames(50), noise.gate()))
    before = resident_bytes()
    kept = observe(steps(noise.frames(faces), noise.gate()))
    if len(kept.faces) != faces:
        sys.exit(f"{len(kept.faces)} faces seen instead of {faces}")
    return (resident_bytes() - before) / 1e6


def tune_often(_: argparse.Namespace) -> None:
    """Print what more and more faces take."""
    show("| faces | MB | MB for each further 1,000 |")
    show("|---|---|---|")
    before = 0, 0.0
    for faces in (1000, 4000, 8000):
        taken = in_own_process("that tunes", remembered, faces)
        more = 1000 * (taken - before[1]) / (faces - before[0])
        show(f"| {faces} | {taken:.0f} | {more:.1f} |")
        before = faces, taken


PARTS = {"tune": tune_often, "page": watch_page, "reloads": reload_often, "frames": look_at_frames}


def main() -> None:
    """Do what was asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("pair", type=Path, help="an engine pair")
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--count", type=int, default=440, help="of reloads (default 440)")
    parser.add_argument("--minutes", type=int, default=10, help="of page (default 10)")
    parser.add_argument("--threads", type=int, help="of both networks (default: the gate's)")
    parser.add_argument("--out", type=Path, help="page: FILE for the curve, as .csv and .png")
    parser.add_argument("--checkout", type=Path, help="page, reloads: run the gate of this one")
    arguments = parser.parse_args()
    running_gate.ROOT = arguments.checkout or running_gate.ROOT
    PARTS[arguments.part](arguments)


if __name__ == "__main__":
    main()
