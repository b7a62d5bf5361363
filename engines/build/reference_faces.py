"""
Reference faces: of what scores are shares (`engines.quality.score_mapping`).

Half of the weight is on faces as they are, half on copies with seeded camera faults; and in each,
half on posed portraits (the golden faces, mostly grey) and half on unposed faces in colour, out of
group photographs, whose landmarks stand in `unposed.yaml` (python tests/bench/make_golden.py).
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from engines.biometrics.degrade import with_margin
from engines.build.golden_faces import GOLDEN, golden_faces
from engines.calibration.faces import COPIES, CalibrationFaces, calibration_faces
from engines.quality.specification import FaceImages, InputSpecification

UNPOSED = Path(__file__).with_name("unposed.yaml")
LISTS = (GOLDEN, UNPOSED)


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceFaces:
    """N faces with what each counts."""

    images: FaceImages
    """(N, height, width, 3) uint8 BGR, aligned to a network's template."""
    weight: NDArray[np.float64]
    """(N,) above 0; only their ratios matter."""


def reference_faces(
    specification: InputSpecification, progress: Progress | None = None
) -> ReferenceFaces:
    """
    Return the reference faces as a network wants them.

    Raises:
        CatalogueError: A package cannot be obtained.
    """
    framed = [golden_faces(with_margin(specification), progress, path).images for path in LISTS]
    # The unposed ones are fewer than calibration asks for, so both are degraded together.
    faces = calibration_faces(np.concatenate(framed), specification)
    kind = np.repeat([0, 1], [len(images) * (1 + COPIES) for images in framed])
    return weighted(faces, kind)


def weighted(faces: CalibrationFaces, kind: NDArray[np.intp] | None = None) -> ReferenceFaces:
    """
    Return faces so weighted that those as they are and degraded ones count alike.

    Args:
        faces: Of both sorts; where one is missing, the other is all.
        kind: (N,) kinds that shall count alike too; None knows of one.
    """
    group = 2 * (np.zeros(len(faces.images), np.intp) if kind is None else kind) + faces.clean
    return ReferenceFaces(faces.images, 1 / np.bincount(group)[group])
