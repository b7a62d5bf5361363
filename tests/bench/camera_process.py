"""
What a process for each network camera costs: python tests/bench/camera_process.py

Motion JPEG over HTTP on this machine, read in the gate's process and in one of its own: memory,
processor time, and the time from the last byte sent to the frame in the gate's hands. What several
cameras take together is told by `camera_starts`.
"""

import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import NamedTemporaryFile
from threading import Event

import cv2
import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[2]))

from edge.config.source import SourceSettings
from edge.samples import Frame
from edge.sources.open import frame_source
from tests.bench.lines import show
from tests.edge.motion_jpeg import MotionJpeg, motion_jpeg
from tests.processes import descendants, own_processor_s

FRAMES, PASSED_OVER = 200, 20
RATE = 20
LEVELS = 16
SIZES = ((1280, 720), (1920, 1080), (3840, 2160))


@dataclass(frozen=True)
class Cost:
    """Of one camera."""

    memory_mb: float
    """Of the gate and the camera's processes."""
    cpu_ms: float
    """Processor time for each frame, of both."""
    latency_ms: float
    """Median."""


def sending(width: int, height: int, sent_s: NDArray[np.float64]) -> type[MotionJpeg]:
    """Return a camera whose pictures tell their number by their brightness, modulo LEVELS."""
    noise = np.random.default_rng(0).normal(0, 4, (height, width, 3))
    levels = [np.clip(noise + 8 + 16 * level, 0, 255).astype(np.uint8) for level in range(LEVELS)]
    jpegs = [cv2.imencode(".jpg", level)[1].tobytes() for level in levels]

    class Camera(MotionJpeg):
        def answer(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
            self.end_headers()
            pause = Event()
            for number in range(10**6):
                self.wfile.write(b"--frame\r\n\r\n" + jpegs[number % LEVELS] + b"\r\n")
                sent_s[number % LEVELS] = time.monotonic()
                pause.wait(1 / RATE)

    return Camera


def proportional_mb(pid: int) -> float:
    """Return what a process has in memory, and its part of what it shares (Pss of proc(5))."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def cost(address: str, *, isolate: bool, sent: Path) -> Cost:
    """Read one camera in this process, which does nothing else."""
    settings = SourceSettings.model_validate({"name": "door", "uri": address, "isolate": isolate})
    frames = frame_source(settings, print).frames()
    sum(1 for _ in islice(frames, PASSED_OVER))
    latencies_s, before_s = [], own_processor_s()
    for frame in islice(frames, FRAMES):
        now_s = time.monotonic()
        assert isinstance(frame, Frame)
        number = round((float(frame.pixels[::8, ::8].mean()) - 8) / 16)
        latencies_s.append(now_s - float(np.fromfile(sent)[number]))
    used_s = own_processor_s() - before_s
    own = os.getpid()
    memory_mb = sum(map(proportional_mb, [own, *descendants(own)]))
    frames.close()  # type: ignore[attr-defined]
    return Cost(memory_mb, 1000 * used_s / FRAMES, 1000 * statistics.median(latencies_s))


def main() -> None:
    if len(sys.argv) > 1:
        address, isolate, sent = sys.argv[1:]
        measured = cost(address, isolate=isolate == "own", sent=Path(sent))
        show(f"{measured.memory_mb} {measured.cpu_ms} {measured.latency_ms}")
        return
    show("| picture | process | memory, MB | processor, ms a frame | latency, ms |")
    show("|---|---|---|---|---|")
    for width, height in SIZES:
        with NamedTemporaryFile() as file:
            sent_s = np.memmap(file.name, np.float64, "w+", shape=(LEVELS,))
            with motion_jpeg(camera=sending(width, height, sent_s)) as port:
                for where in ("the gate's", "own"):
                    words = [f"http://127.0.0.1:{port}/", where, file.name]
                    row = subprocess.run(
                        [sys.executable, __file__, *words],
                        capture_output=True,
                        text=True,
                        check=True,
                    ).stdout.split()
                    figures = " | ".join(f"{float(figure):.1f}" for figure in row)
                    show(f"| {width} x {height} | {where} | {figures} |")


if __name__ == "__main__":
    main()
