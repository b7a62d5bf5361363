"""
Compare the face detectors: python tests/bench/compare_detectors.py --yunet FILE --out table.md

Measured on LFW (GATE_DATA or ../shared/data) and on the demo photographs, all detectors in turn on
each image; `tests.bench.detector_price` says what they cost. YuNet joins with --yunet,
libfacedetection where `yuface` is installed; `YuNet x2`, which sees each image enlarged twice, is
there to compare landmarks with.
"""

import argparse
import os
import sys
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
from rich.progress import track

sys.path.insert(0, str(Path(__file__).parents[2]))

from edge.config.model import DetectorSettings
from edge.detection.boxes import detected_faces
from edge.detection.open import open_detector
from edge.evaluation.pair_list import read_pairs
from edge.protocols import FaceDetector
from edge.sources.images import read_image
from engines.biometrics.comparisons import Comparisons, accuracy
from engines.build.golden_faces import photographs_of
from engines.catalogue.catalogue import fetch, find_entry
from engines.onnxruntime.backend import open_network
from engines.quality.align import align
from engines.quality.preprocess import prepare
from engines.quality.shift import unit_rows
from engines.quality.specification import Landmarks

SURE = 0.7
"""The gate's default for the least detector score; what is below counts as not found."""
NOSES = {
    "sample1.jpg": [(468, 512), (916, 582), (1553, 333)],
    "sample2.jpg": [(360, 290), (997, 399), (1531, 319)],
    "sample3.jpg": [(663, 487), (1144, 391), (1616, 467)],
    "sample4.jpg": [(390, 347), (721, 204), (1018, 337), (1317, 278)],
    "sample5.jpg": [(482, 1043), (741, 560), (887, 243), (1175, 329), (1461, 572)],
    "sample6.jpg": [(393, 666), (737, 517), (1279, 499), (1556, 451)],
    "biden.jpg": [(593, 406)],
    "obama.jpg": [(497, 275)],
    "obama2.jpg": [(287, 442)],
    "obama3.jpg": [(808, 439)],
}
"""Pixels: the nose tip of everybody in the demo photographs, checked by eye."""
NOSE_RADIUS = 60
"""Pixels: about half the distance between the eyes there."""


class EnlargedTwice:
    def __init__(self, detector):
        self._detector = detector

    def detect(self, pixels):
        large = cv2.resize(pixels, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
        return _of_parts(self._detector.detect(large), 0.5)


class Libfacedetection:
    def detect(self, pixels):
        import yuface  # type: ignore[import-not-found,import-untyped,unused-ignore]  # noqa: PLC0415

        scores, boxes, landmarks = yuface.detect(pixels, conf=0.5)
        boxes = np.hstack([boxes[:, :2], boxes[:, :2].astype(np.int64) + boxes[:, 2:]])
        sound = (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
        points = landmarks.reshape(-1, 5, 2).astype(np.float32) + 0.5
        return detected_faces(
            boxes[sound].astype(np.float32), points[sound], scores[sound].astype(np.float32) / 100
        )


def _of_parts(faces, scale):
    if not faces:
        return ()
    boxes = [[f.box.left, f.box.top, f.box.right, f.box.bottom] for f in faces]
    landmarks = np.array([f.landmarks + 0.5 for f in faces])
    scores = np.array([f.detector_score for f in faces], np.float32)
    return detected_faces(np.array(boxes, np.float32) * scale, landmarks * scale, scores)


@dataclass
class Measured:
    detector: FaceDetector
    lfw: list[Landmarks | None] = field(default_factory=list)
    """For each LFW image its landmarks, or None."""
    mirrored: list[Landmarks | None] = field(default_factory=list)
    photograph_found: int = 0
    photograph_false: int = 0
    small_found: int = 0

    def central(self, pixels):
        """Landmarks of the face nearest to the centre, as LFW means its images."""
        middle = np.array(pixels.shape[1::-1]) / 2
        faces = [face for face in self.detector.detect(pixels) if face.detector_score >= SURE]
        near = [
            face.landmarks
            for face in faces
            if np.abs(face.landmarks.mean(axis=0) - middle).max() < 40
        ]
        return min(
            near, key=lambda points: np.linalg.norm(points.mean(axis=0) - middle), default=None
        )


def opened(arguments):
    def one(name, **more):
        return Measured(open_detector(DetectorSettings(name=name, threads=1, **more)))

    smallest = {"smallest_face": arguments.smallest_face}
    found = {name: one(name, **smallest) for name in ("mtcnn", "ultraface68")}
    if arguments.yunet:
        found["yunet"] = one("yunet", model=arguments.yunet, **smallest)
        finest = open_detector(
            DetectorSettings(name="yunet", model=arguments.yunet, smallest_face=20, threads=1)
        )
        found["yunet x2"] = Measured(EnlargedTwice(finest))
    if find_spec("yuface"):
        found["libfacedetection"] = Measured(Libfacedetection())
    return found


def measure_lfw(detectors, folder, names):
    for name in track(names, description="LFW"):
        pixels = read_image(folder / name)
        mirror = np.ascontiguousarray(pixels[:, ::-1])
        for each in detectors.values():
            each.lfw.append(each.central(pixels))
            each.mirrored.append(_unmirrored(each.central(mirror), pixels.shape[1]))


def _unmirrored(landmarks, width):
    if landmarks is None:
        return None
    turned = landmarks[[1, 0, 2, 4, 3]]
    turned[:, 0] = width - 1 - turned[:, 0]
    return turned


def measure_photographs(detectors):
    paths = photographs_of(["demo-photographs"])
    for name, noses in track(NOSES.items(), description="photographs"):
        pixels = read_image(paths["demo-photographs", name])
        for each in detectors.values():
            faces = each.detector.detect(pixels)
            sure = [face.landmarks[2] for face in faces if face.detector_score >= SURE]
            found = np.array(sure).reshape(-1, 2)
            near = np.linalg.norm(found[None] - np.array(noses)[:, None], axis=2) < NOSE_RADIUS
            each.photograph_found += int(near.any(axis=1).sum())
            each.photograph_false += int((~near.any(axis=0)).sum())


def measure_small(detectors, folder, names, side):
    """Faces of LFW shrunk until MTCNN's box has this side, 28 in each frame of 1920 x 1080."""
    reference = detectors["mtcnn"].detector
    for first in range(0, 112, 28):
        frame, noses = crowd(reference, [folder / name for name in names[first : first + 28]], side)
        for each in detectors.values():
            faces = [f for f in each.detector.detect(frame) if f.detector_score >= SURE]
            found = np.array([face.landmarks[2] for face in faces]).reshape(-1, 1, 2)
            near = np.linalg.norm(found - noses[None], axis=2) < side / 3
            each.small_found += int(near.any(axis=0).sum())


def crowd(reference, paths, side):
    frame, noses = np.full((1080, 1920, 3), 96, np.uint8), []
    for place, path in enumerate(paths):
        pixels = read_image(path)
        face = max(reference.detect(pixels), key=lambda face: face.box.width)
        scale = side / face.box.width
        small = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        left, top = 20 + place % 7 * 265, 20 + place // 7 * 265
        frame[top : top + small.shape[0], left : left + small.shape[1]] = small
        noses.append(face.landmarks[2] * scale + [left, top])
    return frame, np.array(noses)


def error(landmarks, others):
    """Mean distance in percent of the distance between the eyes: median over the images."""
    distances = [
        np.linalg.norm(a - b, axis=1).mean() / np.linalg.norm(b[1] - b[0])
        for a, b in zip(landmarks, others, strict=True)
        if a is not None and b is not None
    ]
    return 100 * float(np.median(distances))


def verify(measured, folder, pairs, description):
    """Verification accuracy; a miss is aligned by the mean of the detector's landmarks."""
    entry = find_entry("mobilefacenet512")
    specification, network = entry.specification, open_network(fetch(entry)[0])
    assert specification is not None
    fallback = np.mean([each for each in measured.lfw if each is not None], axis=0)
    rows = {}
    for name, landmarks in track(
        list(zip(pairs.images(), measured.lfw, strict=True)), description=description
    ):
        points = fallback if landmarks is None else landmarks
        image = align(read_image(folder / name), points, specification)
        rows[name] = unit_rows(network.run(prepare(image[None], specification))[0])[0]
    score = np.array([rows[a] @ rows[b] for a, b in pairs.pairs()])
    return accuracy(Comparisons(score, pairs.mated), pairs.fold).mean


HEAD = """\
| detector | missed of {images} LFW | found of {noses} / false, photographs \
| small faces found of 112 | \
landmarks from YuNet x2 | from own mirror image | accuracy |
|---|---|---|---|---|---|---|
"""


def row(name, each, detectors, verified):
    reference = detectors.get("yunet x2", detectors["mtcnn"])
    cells = [
        name,
        str(sum(found is None for found in each.lfw)),
        f"{each.photograph_found} / {each.photograph_false}",
        str(each.small_found),
        f"{error(each.lfw, reference.lfw):.1f} %",
        f"{error(each.lfw, each.mirrored):.1f} %",
        f"{100 * verified:.2f} %",
    ]
    return "| " + " | ".join(cells) + " |\n"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--yunet", type=Path, help="YuNet's ONNX file")
    parser.add_argument("--smallest-face", type=int, default=40, help="pixels (default 40)")
    parser.add_argument("--pairs", type=int, default=3000, help="how many LFW pairs (default 3000)")
    parser.add_argument("--out", type=Path, help="write the table here as well")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    data = Path(os.environ.get("GATE_DATA", Path(__file__).parents[3] / "shared" / "data")) / "lfw"
    pairs = read_pairs(data / "pairs.csv")
    pairs = pairs.of(np.arange(len(pairs.mated)) % 300 < arguments.pairs // 10)
    detectors, names = opened(arguments), pairs.images()
    measure_lfw(detectors, data / "images", names)
    measure_photographs(detectors)
    measure_small(detectors, data / "images", names, arguments.smallest_face)
    table = HEAD.format(images=len(names), noses=sum(map(len, NOSES.values())))
    for name, each in detectors.items():
        table += row(name, each, detectors, verify(each, data / "images", pairs, name))
    sys.stdout.write(table)
    if arguments.out:
        arguments.out.write_text(table)


if __name__ == "__main__":
    main()
