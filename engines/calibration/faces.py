"""Faces to calibrate on: as they are, and with seeded camera faults."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engines.amounts import amount
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

COPIES = 6
"""Degraded versions of each face."""

LEAST_FACES = 30
"""Fewer say nothing: a rank correlation of them is chance."""

DEGRADED_SHARE = 0.4
"""Of the images of labelled pairs."""


@dataclass(frozen=True, slots=True, eq=False)
class CalibrationFaces:
    """N aligned face images."""

    images: FaceImages
    """(N, height, width, 3) uint8 BGR, as the network wants them."""
    strength: NDArray[np.intp]
    """(N,) 0 for a face as it is, 1 to 5 for the strength of its fault."""
    photograph: NDArray[np.intp]
    """(N,) number of the photograph; copies of one share it."""
    subject: NDArray[np.intp]
    """(N,) number of the person, from 0; a photograph of somebody unknown has one of its own."""
    known: NDArray[np.bool_]
    """(N,) True where the subject is known, so that another known one is surely somebody else."""

    @property
    def clean(self) -> NDArray[np.bool_]:
        """(N,) True for the faces as they are."""
        return self.strength == 0

    def of(self, chosen: NDArray[np.intp]) -> "CalibrationFaces":
        """Return the faces at these places."""
        return CalibrationFaces(
            self.images[chosen],
            self.strength[chosen],
            self.photograph[chosen],
            self.subject[chosen],
            self.known[chosen],
        )


def calibration_faces(
    framed: Iterable[Image],
    specification: InputSpecification,
    seed: int = 0,
    subjects: Sequence[str] | None = None,
) -> CalibrationFaces:
    """
    Return each face as it is, followed by its degraded versions.

    Args:
        framed: Faces (height, width, 3) uint8 BGR, aligned to `with_margin(specification)`, so that
            faults of the whole picture reach the face as they would in a camera.
        specification: Of the network.
        seed: Of faults, strengths and noise.
        subjects: Who is on each; equal names are one person. None: nobody knows.

    Raises:
        CalibrationError: There are too few.
    """
    shots = with_faults(framed, specification, seed)
    faces = len(shots) // (1 + COPIES)
    if faces < LEAST_FACES:
        raise CalibrationError(
            f"{amount(faces, 'face is', 'faces are')} too few to calibrate on: "
            f"give {LEAST_FACES} or more"
        )
    images, strength = zip(*shots, strict=True)
    people = np.arange(faces)
    if subjects is not None:
        people = np.unique(np.array(subjects), return_inverse=True)[1]
    return CalibrationFaces(
        np.stack(images),
        np.array(strength, np.intp),
        np.arange(faces).repeat(1 + COPIES),
        people.repeat(1 + COPIES),
        np.full(len(images), subjects is not None),
    )


def with_faults(
    framed: Iterable[Image], specification: InputSpecification, seed: int = 0, first: int = 1
) -> list[tuple[Image, int]]:
    """
    Return each face as the network wants it, followed by its degraded versions, with the strength.

    Args:
        framed: As of `calibration_faces`.
        specification: Of the network.
        seed: Of faults, strengths and noise.
        first: Number of the first face, which they also depend on.
    """
    shots: list[tuple[Image, int]] = []
    for number, image in enumerate(framed, start=first):
        shots.append((_cut(image, specification), 0))
        names = [f"{number} {copy}" for copy in range(COPIES)]
        shots += [degraded(image, name, specification, seed, share=1) for name in names]
    return shots


def together(known: CalibrationFaces, others: CalibrationFaces) -> CalibrationFaces:
    """Return the faces of both, nobody being in both."""
    photographs, people = int(known.photograph.max()) + 1, int(known.subject.max()) + 1
    return CalibrationFaces(
        np.concatenate((known.images, others.images)),
        np.concatenate((known.strength, others.strength)),
        np.concatenate((known.photograph, others.photograph + photographs)),
        np.concatenate((known.subject, others.subject + people)),
        np.concatenate((known.known, others.known)),
    )


def strangers(images: FaceImages, strength: NDArray[np.intp]) -> CalibrationFaces:
    """Return faces of which nobody knows who they are or what they are copies of."""
    each = np.arange(len(images))
    return CalibrationFaces(images, strength, each, each, np.zeros(len(images), bool))


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
