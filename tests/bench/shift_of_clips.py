"""
What taking off a track's mean movement does to people in real clips, whose frames are much alike.

    python -m tests.bench.shift_of_clips --pair pairs/fast CLIP ...

Fifteen frames of each clip; faces whose dense embeddings are alike are one track. Per track: what
is left of the shift when half of the mean movement of its other faces is taken off.
"""

import argparse
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np

from edge.config.model import DetectorSettings
from edge.detection.open import open_detector
from edge.protocols import FaceDetector
from engines.biometrics.variance import share_between
from engines.errors import AlignmentError
from engines.pair.pair import EnginePair, open_pair
from engines.quality.align import align
from engines.quality.shift import unit_rows

FRAMES = 14
LONGEST = 400
"""Frames read of a clip."""
WIDTH = 640
ALIKE = 0.45
LEAST_FACES = 5


def frames(clip: Path) -> list[np.ndarray]:
    """Return some frames of a clip, no wider than `WIDTH`."""
    capture = cv2.VideoCapture(str(clip))
    read: list[np.ndarray] = []
    while len(read) < LONGEST:
        good, frame = capture.read()
        if not good:
            break
        read.append(frame)
    capture.release()
    few = read[:: max(1, len(read) // FRAMES)]
    scale = min(1.0, WIDTH / few[0].shape[1])
    area = cv2.INTER_AREA
    return [cv2.resize(each, None, fx=scale, fy=scale, interpolation=area) for each in few]


def faces(clip: Path, detector: FaceDetector, pair: EnginePair) -> Iterator[np.ndarray]:
    for frame in frames(clip):
        for found in detector.detect(frame):
            with suppress(AlignmentError):
                yield align(frame, found.landmarks, pair.specification)


def tracks(dense: np.ndarray) -> Iterator[list[int]]:
    """Yield indices of unit rows that are like the first one left."""
    left = list(range(len(dense)))
    while left:
        mine = [index for index in left if dense[left[0]] @ dense[index] > ALIKE]
        left = [index for index in left if index not in mine]
        if len(mine) >= LEAST_FACES:
            yield mine


def without_half(moved: np.ndarray) -> np.ndarray:
    others = (moved.sum(axis=0) - moved) / (len(moved) - 1)
    return np.square(moved - others / 2).sum(axis=1)


def main() -> None:
    """Print a line for each track, and the shares of variance between them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pair", type=Path, required=True)
    parser.add_argument("clips", type=Path, nargs="+")
    arguments = parser.parse_args()
    detector = open_detector(DetectorSettings(threads=1))
    shifts: list[np.ndarray] = []
    halves: list[np.ndarray] = []
    with open_pair(arguments.pair) as pair:
        for clip in arguments.clips:
            images = list(faces(clip, detector, pair))
            dense, pruned = (unit_rows(each) for each in pair.embed(np.stack(images)))
            for mine in tracks(dense):
                moved = (pruned - dense)[mine]
                shifts.append(np.square(moved).sum(axis=1))
                halves.append(without_half(moved))
                left = halves[-1].mean() / shifts[-1].mean()
                sys.stdout.write(f"{clip.name}: {len(mine)} faces, {left:.2f} left\n")
    person = np.repeat(np.arange(len(shifts)), [each.size for each in shifts])
    both = [share_between(np.concatenate(each).astype(float), person) for each in (shifts, halves)]
    sys.stdout.write(f"between: {both[0]:.2f} as it is, {both[1]:.2f} without half of the mean\n")


if __name__ == "__main__":
    main()
