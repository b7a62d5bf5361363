"""1 to 50 faces in a 1080p frame, of different people, that all move a little."""

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from edge.config.effective import CameraSettings
from edge.config.model import DetectorSettings, GateSettings
from edge.config.tracks import Mode, TrackSettings
from edge.detection.open import open_detector
from edge.footage.camera_run import steps
from edge.gate.camera_gate import CameraGate
from edge.samples import Frame, Pixels
from engines.build.golden_faces import read_golden
from engines.pair.pair import open_pair
from tests.bench.scale.points import Part, Point, Where, alone
from tests.edge.photographs import head

FRAMES, RATE = 24, 10
WIDTH, HEIGHT = 1920, 1080
COLUMNS, ROWS = 10, 5
EYES = 40.0
"""Pixels between the eyes."""
OWN = ("track", "align", "decide")
MODES: tuple[tuple[Mode, str], ...] = (
    ("best_shot", "a frame, best_shot"),
    ("every", "a frame, every face scored"),
)


def _points(where: Where) -> Iterator[Point]:
    for count in where.sizes or (1, 5, 10, 25, 50):
        for mode, series in MODES:
            faces, whole, own = alone(_run, where.pair, count, mode)
            yield Point("faces", series, faces, whole)
            if mode == "best_shot":
                yield Point("faces", "of it to track, align and decide", faces, own)


def crowd(count: int) -> Pixels:
    """Return a grey frame with so many heads, as many different ones as there are."""
    files = [*dict.fromkeys(face.file for face in read_golden())]
    frame = np.full((HEIGHT, WIDTH, 3), 96, np.uint8)
    for place in range(count):
        pixels = head(files[place * 2 % len(files)], EYES)
        column, row = place % COLUMNS, place // COLUMNS
        left = column * WIDTH // COLUMNS + 20
        top = row * HEIGHT // ROWS + 20
        space = frame[top : top + pixels.shape[0], left : left + pixels.shape[1]]
        space[:] = pixels[: space.shape[0], : space.shape[1]]
    return frame


def _run(pair: Path, count: int, mode: Mode) -> tuple[int, float, float]:
    """Return the faces found, and milliseconds of a frame: of all, and outside the networks."""
    cv2.setNumThreads(1)
    pixels = crowd(count)
    frames = [
        Frame(np.roll(pixels, 2 * number, axis=1), "crowd", number, number / RATE)
        for number in range(FRAMES)
    ]
    settings = CameraSettings(GateSettings(), TrackSettings(), mode)
    detector = open_detector(DetectorSettings(threads=1))
    detector.detect(pixels)
    seconds: Counter[str] = Counter()
    with open_pair(pair, 1) as opened:
        gate = CameraGate(detector, opened, settings, time.process_time)
        begin_s, found = time.process_time(), []
        for step in steps(frames, gate):
            seconds.update(step.outcome.seconds)
            found.append(len(step.outcome.seen))
        whole = time.process_time() - begin_s
    own = sum(seconds[stage] for stage in OWN)
    return max(found), 1000 * whole / FRAMES, 1000 * own / FRAMES


PART = Part("faces", "a frame, by faces", "faces found in a 1080p frame", _points)
