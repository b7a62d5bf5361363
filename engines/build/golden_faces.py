"""
Golden faces: real faces every engine pair is tried on before it may score anybody.

The photographs come from registry packages (see `catalogue.yaml`: orl-faces by AT&T Laboratories
Cambridge, demo-photographs), the five landmarks of each face from `golden.yaml`, so that no
detector is needed to build or verify a pair. `python tests/bench/make_golden.py` made that file.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePath
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from engines.catalogue.catalogue import fetch, find_entry
from engines.catalogue.strict_yaml import read_yaml
from engines.errors import CatalogueError
from engines.quality.align import align
from engines.quality.specification import FaceImages, InputSpecification, Landmarks

GOLDEN = Path(__file__).with_name("golden.yaml")


@dataclass(frozen=True, slots=True, eq=False)
class GoldenFace:
    """One face in a photograph of the catalogue."""

    entry: str
    """Name of the catalogue entry that holds the photograph."""
    file: str
    """End of the photograph's path, such as `s1/10.pgm`."""
    subject: str
    """Whose face it is; equal names are one person."""
    landmarks: Landmarks
    """(5, 2) float32 in pixels of the photograph."""


@dataclass(frozen=True, slots=True, eq=False)
class GoldenFaces:
    """Faces aligned to one network's template."""

    images: FaceImages
    """(N, height, width, 3) uint8 BGR."""
    subjects: tuple[str, ...]
    """N names; equal names are one person."""


@cache
def read_golden(path: Path = GOLDEN) -> tuple[GoldenFace, ...]:
    """Return the committed faces in the order of the file, which is read once: it is long."""
    return tuple(
        GoldenFace(
            row["entry"],
            row["file"],
            row["subject"],
            np.array(row["landmarks"], np.float32).reshape(5, 2),
        )
        for row in cast("list[Any]", read_yaml(path))
    )


def golden_faces(
    specification: InputSpecification, progress: Progress | None = None, path: Path = GOLDEN
) -> GoldenFaces:
    """
    Return the golden faces as a network wants them.

    Args:
        specification: Of the network: size and template.
        progress: A running display of the caller's for what must be obtained first.
        path: List of the faces.

    Returns:
        124 faces of 42 people, in the order of `golden.yaml`; or those of another list.

    Raises:
        CatalogueError: A package cannot be obtained.
    """
    faces = read_golden(path)
    photographs = photographs_of(sorted({face.entry for face in faces}), progress)
    images = [
        align(read_photograph(photographs[face.entry, face.file]), face.landmarks, specification)
        for face in faces
    ]
    return GoldenFaces(np.stack(images), tuple(face.subject for face in faces))


def photographs_of(
    names: Sequence[str], progress: Progress | None = None
) -> dict[tuple[str, str], Path]:
    """Return the path of each photograph, found by its entry and by the end of its path."""
    paths = {}
    for name in names:
        for path in fetch(find_entry(name), progress):
            paths[name, path.name] = path
            paths[name, str(PurePath(*path.parts[-2:]))] = path
    return paths


def read_photograph(path: Path) -> NDArray[np.uint8]:
    """
    Return a photograph of the catalogue, whose bytes are pinned, as (height, width, 3) BGR.

    Raises:
        CatalogueError: This OpenCV cannot decode it.
    """
    pixels = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        raise CatalogueError(f"{path}: OpenCV {cv2.__version__} cannot decode it: update OpenCV")
    return pixels
