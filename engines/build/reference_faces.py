"""
Reference faces: of what scores are shares (`engines.quality.score_mapping`).

Posed portraits (the golden faces, mostly grey) and unposed faces in colour, out of group
photographs, whose landmarks stand in `unposed.yaml` (python tests/bench/make_golden.py): each as
it is and with six seeded camera faults, and each of these images counts alike. Weights were tried,
see docs/experiments.md.
"""

from pathlib import Path

import numpy as np
from rich.progress import Progress

from engines.biometrics.degrade import with_margin
from engines.build.golden_faces import GOLDEN, golden_faces
from engines.calibration.faces import CalibrationFaces, calibration_faces
from engines.quality.specification import FaceImages, InputSpecification

UNPOSED = Path(__file__).with_name("unposed.yaml")
LISTS = (GOLDEN, UNPOSED)


def reference_faces(
    specification: InputSpecification, progress: Progress | None = None
) -> FaceImages:
    """
    Return the reference faces as a network wants them.

    Returns:
        (N, height, width, 3) uint8 BGR, aligned to the network's template.

    Raises:
        CatalogueError: A package cannot be obtained.
    """
    return reference_copies(specification, progress).images


def reference_copies(
    specification: InputSpecification, progress: Progress | None = None
) -> CalibrationFaces:
    """
    Return the reference faces with the strength of their faults; who they are is left out.

    Raises:
        CatalogueError: A package cannot be obtained.
    """
    framed = [golden_faces(with_margin(specification), progress, path).images for path in LISTS]
    # The unposed ones are fewer than calibration asks for, so both are degraded together.
    return calibration_faces(np.concatenate(framed), specification)
