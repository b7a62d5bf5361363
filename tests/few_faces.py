"""
`edge-gate pair`, judging its pairs on a quarter of the known faces, without reference faces.

    python -m tests.few_faces build --out FOLDER

For tests of everything else about a pair: most of a build is embedding those faces.
"""

import sys

import numpy as np
from rich.progress import Progress

from edge.__main__ import main
from engines.build import request
from engines.build.request import known_faces
from engines.calibration.faces import CalibrationFaces
from engines.quality.specification import InputSpecification


def a_quarter(
    specification: InputSpecification, progress: Progress | None = None
) -> CalibrationFaces:
    """Return the first of the known faces."""
    faces = known_faces(specification, progress)
    return faces.of(np.arange(len(faces.images) // 4))


if __name__ == "__main__":
    vars(request).update(known_faces=a_quarter, reference_faces=lambda *_: None)
    sys.exit(main(["pair", *sys.argv[1:]]))
