"""
Print what each face detector costs by frame size and content, and what of it was saved.

    python -m tests.bench.detector_price                     # mtcnn and ultraface68
    python -m tests.bench.detector_price --yunet FILE        # your YuNet as well

Each detector runs as it is and as its files were published (PRelu as one operator, all boxes in
one run, boxes suppressed and UltraFace's landmarks found one by one, YuNet by OpenCV), in turn on
each frame: processor time of the one thread, medians, and the median of the paired ratios. A frame
is a garage (a photograph of scikit-image) with nobody in it, with one head, or with 28. Peak memory
is that of a process of its own.
"""

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import pytest
from rich.progress import track
from skimage import data

from edge.config.model import DetectorSettings
from edge.detection.open import open_detector
from edge.samples import Pixels
from tests.edge.detection.as_published import publish
from tests.edge.photographs import head
from tests.memory import peak_bytes

SIZES = {"640x360": (640, 360), "1920x1080": (1920, 1080)}
CONTENTS = {"empty": (0, 0), "one face": (1, 1), "crowd of 28": (7, 4)}
"""Heads side by side and one above the other."""
SURE = 0.7
"""The gate's default for the least detector score."""
EYES_IN_CELL = 0.2
"""Distance between the eyes, as a share of the height of one of four rows."""
PEOPLE = ("obama.jpg", "biden.jpg")


def frame(width: int, height: int, columns: int, rows: int) -> Pixels:
    """Return the garage with heads in a grid; those of the crowd are a quarter of its height."""
    garage = data.stereo_motorcycle()[0][..., ::-1]
    cut = garage[: round(garage.shape[1] * 9 / 16)]
    pixels = cv2.resize(cut, (width, height), interpolation=cv2.INTER_AREA)
    for place in range(columns * rows):
        portrait = head(PEOPLE[place % 2], EYES_IN_CELL * height / 4)
        middle = (place % columns + 0.5) / columns, (place // columns + 0.5) / rows
        left, top = round(middle[0] * width), round(middle[1] * height)
        left, top = left - portrait.shape[1] // 2, max(0, top - portrait.shape[0] // 2)
        space = pixels[top : top + portrait.shape[0], left : left + portrait.shape[1]]
        space[:] = portrait[: space.shape[0]]
    return pixels


class Detector:
    """One detector, as it is or as published."""

    def __init__(self, settings: DetectorSettings, *, published: bool) -> None:
        self._published = published
        with pytest.MonkeyPatch.context() as patch:
            self._prepare(patch)
            self._detector = open_detector(settings)

    def _prepare(self, patch: pytest.MonkeyPatch) -> None:
        if self._published:
            publish(patch)

    def milliseconds(self, pixels: Pixels) -> tuple[int, float]:
        """Return how many sure faces there are, and the thread's processor time."""
        with pytest.MonkeyPatch.context() as patch:
            self._prepare(patch)
            start = time.thread_time()
            faces = self._detector.detect(pixels)
            spent = 1000 * (time.thread_time() - start)
        return sum(face.detector_score >= SURE for face in faces), spent


@dataclass
class Times:
    """Milliseconds of one frame by round."""

    now: list[float] = field(default_factory=list)
    published: list[float] = field(default_factory=list)
    faces: int = 0

    def ratio(self) -> float:
        """Return the median of the paired ratios."""
        return float(np.median(np.array(self.now) / np.array(self.published)))


def measured(settings: DetectorSettings, pixels: Pixels, rounds: int) -> Times:
    """Return the times of both ways in turn, after one round that does not count."""
    now, published = (Detector(settings, published=each) for each in (False, True))
    times = Times()
    for number in range(rounds + 1):
        times.faces, spent = now.milliseconds(pixels)
        _, spent_published = published.milliseconds(pixels)
        if number:
            times.now.append(spent)
            times.published.append(spent_published)
    return times


def growth(settings: DetectorSettings, pixels: Pixels, way: str) -> float:
    """Return by how many MB a detector and five frames raise the peak of this process."""
    cv2.setNumThreads(1)
    before = peak_bytes()
    detector = Detector(settings, published=way == "published")
    for _ in range(5):
        detector.milliseconds(pixels)
    return (peak_bytes() - before) / 1e6


def growth_alone(settings: DetectorSettings, pixels: Pixels, way: str) -> float:
    """Return the same of a new process."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(growth, settings, pixels, way).result()


HEAD = """\
| detector | frame | content | faces reported | ms | of as published |
|---|---|---|---|---|---|
"""
MEMORY_HEAD = """\

| detector | peak of five crowded frames, MB | as published, MB |
|---|---|---|
"""


def row(settings: DetectorSettings, size: str, content: str, rounds: int) -> str:
    """Return one line of the table of times."""
    times = measured(settings, frame(*SIZES[size], *CONTENTS[content]), rounds)
    cells = [settings.name, size, content, str(times.faces)]
    return f"| {' | '.join(cells)} | {np.median(times.now):.1f} | {times.ratio():.2f} |\n"


def memory_row(settings: DetectorSettings) -> str:
    """Return one line of the table of memory."""
    pixels = frame(*SIZES["1920x1080"], *CONTENTS["crowd of 28"])
    now, then = (growth_alone(settings, pixels, way) for way in ("now", "published"))
    return f"| {settings.name} | {now:.0f} | {then:.0f} |\n"


def chosen(yunet: Path | None) -> list[DetectorSettings]:
    """Return every detector, with one thread; YuNet where there is a file of it."""
    detectors = [DetectorSettings(name=name, threads=1) for name in ("mtcnn", "ultraface68")]
    if yunet:
        detectors.append(DetectorSettings(name="yunet", model=yunet, threads=1))
    return detectors


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--yunet", type=Path, help="YuNet's ONNX file")
    parser.add_argument("--rounds", type=int, default=15, help="of each frame (default 15)")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    detectors = chosen(arguments.yunet)
    cases = [(each, size, content) for each in detectors for size in SIZES for content in CONTENTS]
    rows = [row(*case, arguments.rounds) for case in track(cases, description="frames")]
    memory = [memory_row(each) for each in track(detectors, description="memory")]
    sys.stdout.write("".join([HEAD, *rows, MEMORY_HEAD, *memory]))


if __name__ == "__main__":
    main()
