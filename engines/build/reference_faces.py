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
from engines.calibration.faces import COPIES, CalibrationFaces, strangers, with_faults
from engines.quality.specification import FaceImages, InputSpecification

UNPOSED = Path(__file__).with_name("unposed.yaml")
LISTS = (GOLDEN, UNPOSED)


def reference_faces(
    posed: CalibrationFaces, specification: InputSpecification, progress: Progress | None = None
) -> FaceImages:
    """
    Return the reference faces as a network wants them: the posed ones, then the others.

    Args:
        posed: `known_faces` of the specification; their copies with faults are not made again.
        specification: Of the network.
        progress: A running display of the caller's; None shows nothing.

    Returns:
        (N, height, width, 3) uint8 BGR, aligned to the network's template.

    Raises:
        CatalogueError: A package cannot be obtained.
    """
    return reference_copies(posed, specification, progress).images


def reference_copies(
    posed: CalibrationFaces, specification: InputSpecification, progress: Progress | None = None
) -> CalibrationFaces:
    """
    Return the reference faces with the strength of their faults; who they are is left out.

    Raises:
        CatalogueError: A package cannot be obtained.
    """
    unposed = golden_faces(with_margin(specification), progress, UNPOSED).images
    first = len(posed.images) // (1 + COPIES) + 1
    shots = with_faults(unposed, specification, first=first)
    images, strength = zip(*shots, strict=True)
    return strangers(
        np.concatenate((posed.images, np.stack(images))),
        np.concatenate((posed.strength, np.array(strength, np.intp))),
    )
