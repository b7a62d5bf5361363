"""
Print what the face detectors cost in OpenVINO beside ONNX Runtime, and what bfloat16 moves.

    python -m tests.bench.openvino_detectors                     # mtcnn and ultraface68
    python -m tests.bench.openvino_detectors --yunet FILE        # your YuNet as well

The same code and files, in turn on each frame of `tests.bench.detector_price`: processor time, one
thread, medians of paired ratios. OpenVINO takes mtcnn's files as published: its own PRelu is
quick. Landmarks are compared with the nearest ones.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from edge.config.model import DetectorSettings
from edge.detection.mtcnn import MtcnnDetector
from edge.detection.open import NETWORKS
from edge.detection.session import PLAIN, Running
from edge.detection.ultraface import UltrafaceDetector
from edge.detection.yunet import YunetDetector
from edge.protocols import FaceDetector
from edge.samples import Pixels
from engines.catalogue.catalogue import fetch, find_entry
from engines.openvino.api import Precision, load_openvino
from engines.openvino.backend import open_network
from tests.bench.detector_price import CONTENTS, SIZES, chosen, frame

KINDS: dict[str, Callable[..., FaceDetector]] = {
    "mtcnn": MtcnnDetector,
    "ultraface68": UltrafaceDetector,
    "yunet": YunetDetector,
}


def in_onnx_runtime(settings: DetectorSettings, files: tuple[Path, ...]) -> FaceDetector:
    """Return a detector whose networks ONNX Runtime runs."""
    return KINDS[settings.name](files, running=PLAIN)


def in_openvino(
    settings: DetectorSettings, files: tuple[Path, ...], precision: Precision
) -> FaceDetector:
    """Return a detector whose networks OpenVINO runs, as `detector.backend` has it."""
    networks = zip(NETWORKS[settings.name], files, strict=True)
    opened = {each.name: open_network(file, 1, precision) for each, file in networks}
    return KINDS[settings.name](files, running=Running(instead=opened))


def detectors(settings: DetectorSettings) -> dict[str, FaceDetector]:
    """Return a detector in every library and precision; ONNX Runtime first."""
    name = settings.name
    files = (settings.model,) if settings.model else fetch(find_entry(name))
    found = {"ONNX Runtime": in_onnx_runtime(settings, files)}
    precisions: tuple[Precision, ...] = ("f32", "bf16") if load_openvino().has_bf16 else ("f32",)
    for precision in precisions:
        found[f"OpenVINO {precision}"] = in_openvino(settings, files, precision)
    return found


def ratios(opened: dict[str, FaceDetector], pixels: Pixels, rounds: int) -> dict[str, float]:
    """Return each one's processor time over the first one's, after a round that does not count."""
    taken: dict[str, list[float]] = {name: [] for name in opened}
    for number in range(rounds + 1):
        for name, detector in opened.items():
            start = time.process_time()
            detector.detect(pixels)
            if number:
                taken[name].append(time.process_time() - start)
    first = np.array(next(iter(taken.values())))
    return {name: float(np.median(np.array(each) / first)) for name, each in taken.items()}


def moved(opened: dict[str, FaceDetector], name: str, pixels: Pixels) -> float | None:
    """Return by how many pixels a landmark moves at most; None where the faces are others."""
    known, found = (opened[each].detect(pixels) for each in ("ONNX Runtime", name))
    if len(known) != len(found):
        return None
    places = [face.landmarks for face in found]
    nearest = [min(float(np.abs(face.landmarks - each).max()) for each in places) for face in known]
    return max(nearest, default=0.0)


def rows(settings: DetectorSettings, rounds: int) -> Iterator[str]:
    """Yield one line for each frame."""
    opened = detectors(settings)
    for size, content in ((size, content) for size in SIZES for content in CONTENTS):
        pixels = frame(*SIZES[size], *CONTENTS[content])
        cells = [
            f"{name} {ratio:.2f} ({_words(moved(opened, name, pixels))})"
            for name, ratio in ratios(opened, pixels, rounds).items()
            if name != "ONNX Runtime"
        ]
        yield f"| {settings.name} | {size}, {content} | {'; '.join(cells)} |\n"


def _words(pixels: float | None) -> str:
    return "other faces" if pixels is None else f"{pixels:.2f} px"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--yunet", type=Path, help="YuNet's ONNX file")
    parser.add_argument("--rounds", type=int, default=11, help="of each frame (default 11)")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    sys.stdout.write(
        "| detector | frame | time over ONNX Runtime's (landmarks moved) |\n|---|---|---|\n"
    )
    for settings in chosen(arguments.yunet):
        sys.stdout.writelines(rows(settings, arguments.rounds))


if __name__ == "__main__":
    main()
