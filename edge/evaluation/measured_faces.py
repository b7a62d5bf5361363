"""Find, align, embed and measure the face of every image of an evaluation, each only once."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge.detection.central_face import central_face, portrait
from edge.errors import ImageError, NoFaceError
from edge.evaluation.curves import MeasuredFace
from edge.evaluation.face_store import Entry, FaceStore, Facts, key_of
from edge.evaluation.measures import Measure, Sample
from edge.protocols import FaceDetector
from edge.samples import Box, DetectedFace, Pixels
from edge.sources.images import read_image
from engines.biometrics.degrade import Degradation, degrade, generator_of
from engines.pair.pair import EnginePair
from engines.quality.align import align
from engines.quality.shift import unit_rows

SCHEMA = 1
"""Raise it when what is computed changes: entries kept earlier are then not used again."""


@dataclass(frozen=True, slots=True)
class Shot:
    """One image as it is judged."""

    name: str
    """Path below the folder of images."""
    degradation: Degradation | None = None
    seed: int = 0
    """Of the degradation."""

    @property
    def version(self) -> str:
        """In words."""
        if self.degradation is None:
            return "clean"
        return f"{self.degradation.fault} {self.degradation.strength}"


@dataclass(frozen=True, slots=True, eq=False)
class FaceFinder:
    """Where the images are and what finds the face in them."""

    images: Path
    detector: FaceDetector
    detector_name: str
    """With its settings: it decides what is found."""
    store: FaceStore

    def key(self, shot: Shot) -> str:
        """
        Return the name of everything that decides which face is found.

        Raises:
            ImageError: The file cannot be read.
        """
        path = self.images / shot.name
        try:
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError as error:
            raise ImageError(f"{path}: {error.strerror}") from error
        parts = ["face", SCHEMA, digest, self.detector_name]
        if shot.degradation is not None:  # the name seeds its place, direction and noise
            parts += [shot.seed, shot.name, shot.degradation.fault, shot.degradation.strength]
        return key_of(*parts)

    def find(self, shot: Shot) -> tuple[Pixels, DetectedFace]:
        """
        Return the image and its central face, both degraded where the shot says so.

        Raises:
            ImageError: The file cannot be read or decoded.
            NoFaceError: The detector finds no face.
        """
        pixels = self._pixels(shot)
        key = self.key(shot)
        entry = self.store.get(key)
        if entry is None:
            face = central_face(self.detector.detect(pixels), pixels)
            entry = Entry({} if face is None else _face_facts(face))
            self.store.put(key, entry)
        if not entry.facts:
            raise NoFaceError(f"{self.images / shot.name} ({shot.version}): no face found")
        return pixels, _face_of(entry.facts)

    def _pixels(self, shot: Shot) -> Pixels:
        if shot.degradation is None:
            return read_image(self.images / shot.name)
        pixels, face = self.find(Shot(shot.name))
        rng = generator_of(shot.name, shot.seed, shot.version)
        return degrade(portrait(pixels, face), shot.degradation, rng)


@dataclass(frozen=True, slots=True, eq=False)
class FaceMeasurer:
    """What is made of a face once it is found."""

    finder: FaceFinder
    pair: EnginePair
    measures: Mapping[str, Measure]

    def measured(self, shot: Shot) -> MeasuredFace:
        """
        Return embedding and qualities, from the store where all of them are kept.

        Raises:
            ImageError: The file cannot be read or decoded.
            NoFaceError: The detector finds no face.
            AlignmentError: Its landmarks span no face.
            EmbeddingError: An embedding has no direction.
        """
        labels = {name: f"{name} {each.settings}" for name, each in self.measures.items()}
        key = key_of("measured", self.finder.key(shot), *_networks(self.pair))
        entry = self.finder.store.get(key)
        if entry is None or not entry.facts.keys() >= set(labels.values()):
            entry = self._entry(self.sample(shot), labels, entry)
            self.finder.store.put(key, entry)
        if entry.embedding is None:
            raise ValueError(f"the entry of {shot} holds no embedding")
        qualities = {name: entry.facts[label] for name, label in labels.items()}
        return MeasuredFace(entry.embedding, qualities)

    def sample(self, shot: Shot) -> Sample:
        """Return the face with what the engine pair makes of it; raises as `measured` does."""
        pixels, face = self.finder.find(shot)
        face_image = align(pixels, face.landmarks, self.pair.specification)[None]
        dense, pruned = self.pair.embed(face_image)
        return Sample(pixels, face, face_image, dense, pruned)

    def _entry(self, sample: Sample, labels: Mapping[str, str], earlier: Entry | None) -> Entry:
        facts = dict(earlier.facts) if earlier else {}
        for name, label in labels.items():
            facts[label] = self.measures[name].quality(sample)
        return Entry(facts, unit_rows(sample.dense)[0].astype(np.float32))


def _networks(pair: EnginePair) -> list[str]:
    """
    Return what decides the embeddings: files, library, precision, input; not the whole manifest.

    A new score mapping makes another pair of the same embeddings; they need not be computed again.
    """
    manifest = pair.manifest
    files = (*sorted(manifest.files.items()), *sorted(manifest.plans.items()))
    hashes = (f"{role} {record.sha256}" for role, record in files)
    library = [manifest.backend, *filter(None, [manifest.precision])]
    return [*hashes, *library, repr(manifest.specification)]


def _face_facts(face: DetectedFace) -> Facts:
    box = face.box
    return {
        "box": [float(edge) for edge in (box.left, box.top, box.right, box.bottom)],
        "landmarks": face.landmarks.tolist(),
        "score": float(face.detector_score),
    }


def _face_of(facts: Facts) -> DetectedFace:
    landmarks = np.array(facts["landmarks"], np.float32)
    return DetectedFace(Box(*facts["box"]), landmarks, facts["score"])
