"""
Whether a picture shows the person of a photograph.

Compared are embeddings of the engine pair's dense network. They are computed on the spot and live
as long as the command that asks.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edge.detection.central_face import central_face
from edge.errors import UsageError
from edge.protocols import FaceDetector
from edge.samples import DetectedFace, Pixels
from edge.sources.images import read_image
from engines.amounts import amount
from engines.errors import AlignmentError, EmbeddingError
from engines.pair.pair import EnginePair
from engines.quality.align import align
from engines.quality.specification import Embeddings

BORDER = 0.5
"""Of its sides: a cut face is framed with it, since detectors want to see surroundings."""


class Likeness:
    """Compares faces with those of photographs of one person."""

    def __init__(
        self, photographs: Sequence[Path], detector: FaceDetector, pair: EnginePair
    ) -> None:
        """
        Find the person.

        Args:
            photographs: One or several, each showing this person and nobody else.
            detector: Finds the face in them, and in pictures not aligned as the pair wants.
            pair: Compares; stays open as long as this is used.

        Raises:
            UsageError: A photograph shows no face, or several.
            ImageError: A photograph cannot be read.
        """
        self._detector, self._pair = detector, pair
        self._person = np.stack([self._embedding(self._portrait(path)) for path in photographs])

    @property
    def pair_id(self) -> str:
        """Embeddings of this pair can be compared by `score_of`."""
        return self._pair.pair_id

    def score_of(self, embedding: Embeddings) -> float:
        """
        Return the comparison score of a (D,) unit vector with the photograph most alike.

        Returns:
            Cosine in [-1, 1]; higher is more alike.
        """
        return float((self._person @ embedding).max())

    def score(self, picture: Pixels) -> float | None:
        """
        Return the comparison score of a face image.

        Args:
            picture: (height, width, 3) uint8 BGR: aligned for the pair, or any cut of a face.

        Returns:
            As `score_of`; None when no face is found in it.
        """
        size = (self._pair.specification.height, self._pair.specification.width)
        try:
            face_image = picture if picture.shape[:2] == size else self._aligned(picture)
            return None if face_image is None else self.score_of(self._embedding(face_image))
        except (AlignmentError, EmbeddingError):
            return None

    def _portrait(self, path: Path) -> Pixels:
        pixels = read_image(path)
        faces = self._detector.detect(pixels)
        if len(faces) != 1:
            raise UsageError(f"{path}: {_advice(faces)}")
        try:
            return align(pixels, faces[0].landmarks, self._pair.specification)
        except AlignmentError as error:
            raise UsageError(f"{path}: {error}: give another photograph") from error

    def _aligned(self, picture: Pixels) -> Pixels | None:
        framed = np.pad(
            picture, [(round(BORDER * side),) * 2 for side in picture.shape[:2]] + [(0, 0)]
        )
        face = central_face(self._detector.detect(framed), framed)
        return None if face is None else align(framed, face.landmarks, self._pair.specification)

    def _embedding(self, face_image: Pixels) -> Embeddings:
        return self._pair.assess(face_image[None]).embeddings[0]


def _advice(faces: Sequence[DetectedFace]) -> str:
    if not faces:
        return "no face found: give a photograph that shows the person's face larger and from ahead"
    return f"{amount(len(faces), 'face')} found: cut out the one person it is about"
