"""
Find the landmarks of the golden faces again: `python tests/bench/make_golden.py --sheet s.png`.

Writes engines/build/golden.yaml and unposed.yaml, and with --sheet one picture of all aligned faces
to check by eye: their eyes and mouth corners must lie on the drawn template.
"""

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np
from rich.progress import track

sys.path.insert(0, str(Path(__file__).parents[2]))

from edge.detection.mtcnn import MtcnnDetector
from engines.build.golden_faces import GOLDEN, GoldenFace, photographs_of, read_photograph
from engines.build.reference_faces import UNPOSED as UNPOSED_FACES
from engines.catalogue.catalogue import fetch, find_entry
from engines.quality.align import align

ORL = [("orl-faces", f"s{s}/{m}.pgm", f"orl-s{s}") for s in range(1, 41) for m in (1, 5, 10)]
PORTRAITS = [
    ("demo-photographs", "obama.jpg", "obama"),
    ("demo-photographs", "obama2.jpg", "obama"),
    ("demo-photographs", "obama3.jpg", "obama"),
    ("demo-photographs", "biden.jpg", "biden"),
]
"""The partial faces are cut from obama.jpg: they would be no second photograph of anybody."""
UNPOSED = [("demo-photographs", f"sample{number}.jpg") for number in range(1, 7)]
"""Group photographs; nobody is on two of them."""
MARGIN = 32
"""Pixels around an ORL image, whose faces fill it to the border."""


def landmarks_of(detector, pixels):
    """Landmarks of the largest face, found in the image enlarged twice within a margin."""
    factor = 2 if min(pixels.shape[:2]) < 200 else 1
    padded = cv2.copyMakeBorder(pixels, MARGIN, MARGIN, MARGIN, MARGIN, cv2.BORDER_REPLICATE)
    size = padded.shape[1] * factor, padded.shape[0] * factor
    large = cv2.resize(padded, size, interpolation=cv2.INTER_CUBIC)
    faces = detector.detect(large)
    face = max(faces, key=lambda face: face.box.width * face.box.height)
    return (face.landmarks + 0.5) / factor - 0.5 - MARGIN


def landmarks_of_both_sides(detector, pixels):
    """Mean of the landmarks of the image and of its mirror image, which cancels a bias."""
    mirrored = landmarks_of(detector, np.ascontiguousarray(pixels[:, ::-1]))[[1, 0, 2, 4, 3]]
    mirrored[:, 0] = pixels.shape[1] - 1 - mirrored[:, 0]
    return (landmarks_of(detector, pixels) + mirrored) / 2


def find_all():
    detector = MtcnnDetector(fetch(find_entry("mtcnn")), smallest_face=60)
    photographs = photographs_of(["orl-faces", "demo-photographs"])
    for entry, file, subject in track([*ORL, *PORTRAITS], description="golden faces"):
        pixels = read_photograph(photographs[entry, file])
        yield GoldenFace(entry, file, subject, landmarks_of_both_sides(detector, pixels)), pixels


def find_unposed():
    detector = MtcnnDetector(fetch(find_entry("mtcnn")), smallest_face=40)
    photographs = photographs_of(["demo-photographs"])
    for entry, file in UNPOSED:
        pixels = read_photograph(photographs[entry, file])
        sure = [face for face in detector.detect(pixels) if face.detector_score > 0.95]
        for number, face in enumerate(sure):
            subject = f"{Path(file).stem}-{number}"
            yield GoldenFace(entry, file, subject, face.landmarks), pixels


def as_yaml(face):
    numbers = ", ".join(f"{number:.2f}" for number in face.landmarks.ravel())
    head = f"entry: {face.entry}, file: {face.file}, subject: {face.subject}"
    return f"- {{{head},\n   landmarks: [{numbers}]}}\n"


def sheet(found, specification):
    tiles = [align(pixels, face.landmarks, specification) for face, pixels in found]
    for tile, (face, _) in zip(tiles, found, strict=True):
        for x, y in specification.template:
            cv2.circle(tile, (round(x), round(y)), 1, (0, 255, 0), -1)
        cv2.putText(tile, face.file, (2, 10), 0, 0.35, (0, 255, 255))
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % 12)
    return np.vstack([np.hstack(tiles[row : row + 12]) for row in range(0, len(tiles), 12)])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sheet", type=Path, help="write the aligned faces to this PNG")
    arguments = parser.parse_args()
    found, unposed = list(find_all()), list(find_unposed())
    head = "# Made by: python tests/bench/make_golden.py\n"
    GOLDEN.write_text(head + "".join(as_yaml(face) for face, _ in found))
    UNPOSED_FACES.write_text(head + "".join(as_yaml(face) for face, _ in unposed))
    found += unposed
    if arguments.sheet:
        picture = sheet(found, find_entry("mobilefacenet512").specification)
        cv2.imwrite(str(arguments.sheet), picture)


if __name__ == "__main__":
    main()
