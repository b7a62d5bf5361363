"""What people of the scenes look like: heads cut out of photographs and clips, in memory only."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.protocols import FaceDetector
from edge.samples import Box, Pixels
from tests.gate_data import gate_data

CLIPS = {"again": "one", "book": "two", "help": "one", "learn": "two", "sister": "three"}
"""Clips of one person each, and who it is."""
HEAD = (1.55, 2.1)
"""Half axes of the ellipse around a head, in inter-eye distances: across and down."""
LEAST_EYE_DISTANCE = 24.0


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """One picture of one head."""

    pixels: Pixels
    alpha: NDArray[np.float32]
    """(height, width) in [0, 1]: where the head is."""
    centre: tuple[float, float]
    """Midway between eyes and mouth, in pixels of the picture."""
    eye_distance: float
    box: Box
    """Of the face, as the detector sees it."""


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """Several pictures of one person, in the order in which they are shown."""

    name: str
    looks: Sequence[Look]
    looks_per_s: float
    """How fast one follows the other."""

    def look(self, time_s: float) -> Look:
        """Return what the person looks like at a time; after the last picture they run back."""
        step = int(time_s * self.looks_per_s) % max(1, 2 * len(self.looks) - 2)
        return self.looks[min(step, 2 * len(self.looks) - 2 - step)]


def look_of(pixels: Pixels, detector: FaceDetector) -> Look | None:
    """Cut the head nearest to the middle out of a picture; None where no large one is found."""
    height, width = pixels.shape[:2]
    middle = np.array([width, height]) / 2
    found = sorted(
        detector.detect(pixels),
        key=lambda face: float(np.linalg.norm(face.landmarks.mean(axis=0) - middle)),
    )
    if not found:
        return None
    points = found[0].landmarks
    eye_distance = float(np.linalg.norm(points[1] - points[0]))
    if eye_distance < LEAST_EYE_DISTANCE:
        return None
    centre = (points[:2].mean(axis=0) + points[3:].mean(axis=0)) / 2
    x, y = float(centre[0]), float(centre[1])
    alpha = _ellipse((height, width), (x, y - 0.15 * eye_distance), eye_distance)
    return Look(pixels, alpha, (x, y), eye_distance, found[0].box)


def _ellipse(
    size: tuple[int, int], centre: tuple[float, float], eye_distance: float
) -> NDArray[np.float32]:
    rows, columns = np.indices(size, dtype=np.float32)
    across, down = (half * eye_distance for half in HEAD)
    radius = np.hypot((columns - centre[0]) / across, (rows - centre[1]) / down)
    return np.clip((1.0 - radius) / 0.08, 0, 1).astype(np.float32)


def filmed(name: str, detector: FaceDetector) -> Person:
    """Return the person of a clip, moving as in the clip."""
    looks = [look_of(each, detector) for each in clip(name)[::3]]
    return Person(CLIPS[name], [look for look in looks if look is not None], 10.0)


def clip(name: str) -> list[Pixels]:
    """Return the frames of a clip, 30 a second."""
    return list(_frames(gate_data("video", f"{name}.mkv")))


def _frames(path: Path) -> Iterator[Pixels]:
    opened = cv2.VideoCapture(str(path))
    while True:
        read, pixels = opened.read()
        if not read:
            return
        yield pixels.astype(np.uint8)


def photographed(count: int, detector: FaceDetector, skip: int = 0) -> list[Person]:
    """Return people of whom there are three photographs or more, which change every second."""
    folders = sorted(gate_data("lfw", "images").iterdir())
    several = (folder for folder in folders if len(list(folder.iterdir())) > 2)
    people = (person for folder in several if (person := _photographed(folder, detector)))
    return list(islice(people, skip, skip + count))


def _photographed(folder: Path, detector: FaceDetector) -> Person | None:
    looks = [look_of(_read(file), detector) for file in sorted(folder.iterdir())[:3]]
    clear = [look for look in looks if look is not None]
    return Person(folder.name, clear, 1.0) if len(clear) > 2 else None


def _read(path: Path) -> Pixels:
    pixels = cv2.imread(str(path))
    assert pixels is not None
    return pixels.astype(np.uint8)
