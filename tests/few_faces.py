"""
`edge-gate pair`, with a quarter of the golden faces, of what is made of them to judge on, and of
the photographs that a detector is tried on.

    python -m tests.few_faces build --out FOLDER

For tests of everything else about a pair: most of a build is embedding and finding faces. There are
no reference faces.
"""

import sys
from dataclasses import replace

from rich.progress import Progress

from edge.__main__ import main
from edge.commands import pair
from edge.config.model import DetectorSettings
from edge.detection.planned import DetectorToPlan, detector_to_plan
from engines.biometrics.degrade import with_margin
from engines.build import request
from engines.build.golden_faces import GoldenFaces, golden_faces
from engines.calibration.faces import CalibrationFaces, calibration_faces
from engines.quality.specification import InputSpecification


def few_golden(specification: InputSpecification, progress: Progress | None = None) -> GoldenFaces:
    """Return the first quarter of the golden faces: just so many that they can be calibrated on."""
    golden = golden_faces(specification, progress)
    count = len(golden.images) // 4
    return replace(golden, images=golden.images[:count], subjects=golden.subjects[:count])


def a_quarter(
    specification: InputSpecification, progress: Progress | None = None
) -> CalibrationFaces:
    """Return the first of the known faces: what is made of the first golden ones."""
    golden = few_golden(with_margin(specification), progress)
    return calibration_faces(golden.images, specification, subjects=golden.subjects)


def few_photographs(settings: DetectorSettings, progress: Progress | None = None) -> DetectorToPlan:
    """Return a detector with some of its photographs: on those P-Net, too, misplaces a face."""
    whole = detector_to_plan(settings, progress)
    return replace(whole, pictures=whole.pictures[1::4])


OF_A_PROGRAM = {"golden_faces": few_golden, "reference_faces": lambda *_: None}
"""What a build takes instead; the known faces are made of the golden ones, and as few by that."""

if __name__ == "__main__":
    vars(request).update(OF_A_PROGRAM)
    vars(pair).update(detector_to_plan=few_photographs)
    sys.argv.insert(1, "pair")
    sys.exit(main())
