"""Faces to calibrate on: as they are, and with seeded camera faults."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engines.biometrics.degrade import (
    Degradation,
    Image,
    assigned_degradation,
    degrade,
    generator_of,
    without_margin,
)
from engines.errors import CalibrationError
from engines.quality.specification import FaceImages, InputSpecification

COPIES = 2
"""Degraded versions of each face."""

LEAST_FACES = 30
"""Fewer say nothing: a rank correlation or an AUROC of them is chance."""

DEGRADED_SHARE = 0.4
"""Of the images of labelled pairs."""


@dataclass(frozen=True, slots=True, eq=False)
class CalibrationFaces:
    """N aligned face images."""

    images: FaceImages
    """(N, height, width, 3) uint8 BGR, as the network wants them."""
    strength: NDArray[np.intp]
    """(N,) 0 for a face as it is, 1 to 5 for the strength of its fault."""

    @property
    def clean(self) -> NDArray[np.bool_]:
        """(N,) True for the faces as they are."""
        return self.strength == 0

    @property
    def usable(self) -> FaceImages:
        """The clean ones, of whose scores the median is 50."""
        return self.images[self.clean]


def calibration_faces(
    framed: Iterable[Image], specification: InputSpecification, seed: int = 0
) -> CalibrationFaces:
    """
    Return each face as it is, followed by its degraded versions.

    Args:
        framed: Faces (height, width, 3) uint8 BGR, aligned to `with_margin(specification)`, so that
            faults of the whole picture reach the face as they would in a camera.
        specification: Of the network.
        seed: Of faults, strengths and noise.

    Raises:
        CalibrationError: There are too few.
    """
    shots: list[tuple[Image, int]] = []
    faces = 0
    for faces, image in enumerate(framed, start=1):
        names = [f"{faces} {copy}" for copy in range(COPIES)]
        shots.append((_cut(image, specification), 0))
        shots += [degraded(image, name, specification, seed, share=1) for name in names]
    if faces < LEAST_FACES:
        raise CalibrationError(
            f"{faces} faces are too few to calibrate on: give {LEAST_FACES} or more"
        )
    images, strength = zip(*shots, strict=True)
    return CalibrationFaces(np.stack(images), np.array(strength, np.intp))


def degraded(
    framed: Image, name: str, specification: InputSpecification, seed: int, share: float
) -> tuple[Image, int]:
    """
    Return one face as the network wants it, degraded or not as name and seed decide, and strength.

    Args:
        framed: (height, width, 3) uint8 BGR, aligned to `with_margin(specification)`.
        name: Of the image.
        specification: Of the network.
        seed: Of fault, strength and noise.
        share: Of names that are degraded, 0 to 1.
    """
    fault: Degradation | None = assigned_degradation(name, seed, share)
    if fault is None:
        return _cut(framed, specification), 0
    seen = degrade(framed, fault, generator_of(name, seed, "pixels"))
    return _cut(seen, specification), fault.strength


def _cut(framed: Image, specification: InputSpecification) -> Image:
    return without_margin(framed[None], specification)[0]
