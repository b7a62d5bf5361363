"""Honest fakes of the seams: a detector that finds what it is told, an engine pair that adds up."""

from collections.abc import Sequence

import numpy as np

from edge.samples import Box, DetectedFace, Frame, Pixels
from engines.biometrics.identity_scale import IdentityScale
from engines.errors import EmbeddingError
from engines.pair.pair import Scored
from engines.quality.score_mapping import ScoreMapping
from engines.quality.specification import FaceImages, InputSpecification

ARCFACE = (
    (38.2946, 51.6963),
    (73.5318, 51.5014),
    (56.0252, 71.7366),
    (41.5493, 92.3655),
    (70.7299, 92.2041),
)
SPECIFICATION = InputSpecification(112, 112, "bgr", 127.5, 128.0, "nchw", ARCFACE)


def upright_face(left: float = 100, top: float = 100, scale: float = 1.0, score: float = 0.99):
    """A face whose landmarks are the template, moved and scaled."""
    landmarks = (np.array(ARCFACE) * scale + [left, top]).astype(np.float32)
    side = 112 * scale
    return DetectedFace(Box(left, top, left + side, top + side), landmarks, score)


def frame_of(pixels: Pixels, time_s: float | None = None) -> Frame:
    return Frame(pixels, "photo.jpg", 0, time_s)


class CannedDetector:
    """Satisfies the Protocol `FaceDetector`."""

    def __init__(self, faces: Sequence[DetectedFace]) -> None:
        self._faces = faces

    def detect(self, pixels: Pixels) -> Sequence[DetectedFace]:  # noqa: ARG002 -- what it is told
        return self._faces


class BrightnessPair:
    """
    Scores like an engine pair: the brighter a face image, the smaller its shift.

    A face image that is black in every pixel has no direction, as a network's zero output has none.
    """

    pair_id = "brightness"
    specification = SPECIFICATION
    mapping = ScoreMapping(((0.0, 100.0), (2.0, 0.0)))
    identity = IdentityScale(60.0, 8.0)

    def __init__(self) -> None:
        self.batches: list[int] = []

    def assess(self, face_images: FaceImages) -> Scored:
        self.batches.append(len(face_images))
        means = face_images.reshape(len(face_images), -1).mean(axis=1)
        if (means == 0).any():
            raise EmbeddingError("a face image is black")
        embeddings = np.tile(np.array([1, 0], np.float32), (len(face_images), 1))
        return Scored(embeddings, (2 - means / 127.5).astype(np.float32))
