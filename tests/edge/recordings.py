"""Footage of real people, made of the catalogue's photographs, and a pair that scores them."""

import shutil
import tempfile
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from edge.__main__ import main
from engines.build.golden_faces import photographs_of, read_golden, read_photograph

SIZE = (304, 344)
"""Width and height of the frames."""


def default_pair(folder: Path) -> Path:
    """Leave in a folder the engine pair that `pair build` makes unless told; built only once."""
    return Path(shutil.copytree(Path(_built().name) / "pair", folder))


@cache
def _built() -> "tempfile.TemporaryDirectory[str]":
    folder = tempfile.TemporaryDirectory()
    assert main(["pair", "build", "--out", f"{folder.name}/pair"]) == 0
    return folder


def people(count: int, shots: int):
    """Return frames of (subject, number of the shot) -> pixels, each with one face."""
    golden = [face for face in read_golden() if face.entry == "orl-faces"]
    paths = photographs_of(["orl-faces"])
    frames: dict[tuple[str, int], np.ndarray] = {}
    for face in golden:
        subjects = {subject for subject, _ in frames}
        number = sum(face.subject == subject for subject, _ in frames)
        if number == shots or (face.subject not in subjects and len(subjects) == count):
            continue
        pixels = read_photograph(paths[face.entry, face.file])
        frames[face.subject, number] = _padded(pixels)
    return frames


def _padded(pixels):
    """Enlarged twice and padded: the ORL faces fill their images to the border."""
    large = cv2.resize(pixels, None, fx=2, fy=2)
    padded = cv2.copyMakeBorder(large, 60, 60, 60, 60, cv2.BORDER_REPLICATE)
    return cv2.resize(padded, SIZE)


def write_walk(path: Path, frames, each: int = 10) -> float:
    """Write a clip in which people stand there one after the other; return its seconds."""
    rate = 5
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), rate, SIZE)
    assert writer.isOpened()
    written = 0
    for pixels in frames:
        for step in range(each):
            writer.write(cv2.convertScaleAbs(pixels, alpha=1 - step / (2 * each)))
        for _ in range(rate + 2):  # nobody for longer than a track lasts
            writer.write(np.full_like(pixels, 128))
        written += each + rate + 2
    writer.release()
    return written / rate
