"""Generated footage of people who walk by, with a detector and a pair that know who they are."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from hypothesis import strategies as st

from edge.config.effective import CameraSettings
from edge.config.masks import polygon
from edge.config.model import GateSettings
from edge.config.tracks import TrackSettings
from edge.gate.camera_gate import CameraGate
from edge.gate.looks.following import FOR_EACH
from edge.samples import Box, DetectedFace, Frame, Pixels
from engines.biometrics.identity_scale import IdentityScale
from engines.pair.pair import EnginePair, Scored
from engines.quality.score_mapping import ScoreMapping
from engines.quality.specification import FaceImages
from tests.edge.canned import SPECIFICATION, upright_face

STEP_S = 0.2
SIDE = 130
"""Pixels of a place where somebody may stand; two of them are side by side."""
SMALLEST = 40
"""Side in pixels of the smallest face that is sought."""
SCALE = 0.6


@dataclass(frozen=True)
class Person:
    """Somebody in one frame."""

    score: int
    """Quality score that the pair gives: 0 to 100."""
    who: int = 0
    """0 to 2; two of the same number are the same person."""


@dataclass(frozen=True)
class Recording:
    """A video, or a photograph; satisfies what is asked of a file."""

    name: str
    scenes: Sequence[Sequence[Person | None]]
    is_still: bool = False

    def frames(self) -> Iterator[Frame]:
        for index, people in enumerate(self.scenes):
            time_s = None if self.is_still else index * STEP_S
            yield Frame(painted(people), self.name, index, time_s)

    def frame_count(self) -> int:
        return len(self.scenes)


def painted(people: Sequence[Person | None]) -> Pixels:
    """Return a frame in which each place has the colour of who stands there, black if nobody."""
    height = 1 + int(FOR_EACH * SMALLEST**2) // SIDE  # so much that people are followed one by one
    pixels = np.zeros((height, len(people) * SIDE, 3), np.uint8)
    for place, person in enumerate(people):
        if person is not None:
            shown = (2 * person.score + 1, 100 * person.who, 255)
            pixels[:SIDE, place * SIDE : (place + 1) * SIDE] = shown
    return pixels


class PlaceDetector:
    """Finds whoever stands at a place."""

    def detect(self, pixels: Pixels) -> Sequence[DetectedFace]:
        every = range(pixels.shape[1] // SIDE)
        places = [place for place in every if pixels[0, place * SIDE, 2] == 255]
        return [upright_face(place * SIDE + 35, 35, SCALE) for place in places]

    def detect_near(self, pixels: Pixels, box: Box) -> Sequence[DetectedFace]:
        return [face for face in self.detect(pixels) if abs(face.box.left - box.left) < SIDE]

    def smallest_sought(self) -> int:
        return SMALLEST


class ColourPair:
    """Scores by the first channel, and tells people apart by the second."""

    pair_id = "colours"
    specification = SPECIFICATION
    mapping = ScoreMapping(((0.0, 100.0), (2.0, 0.0)))
    identity = IdentityScale(60.0, 8.0)

    def assess(self, face_images: FaceImages) -> Scored:
        middle = face_images[:, 56, 56].astype(np.float64)
        angle = middle[:, 1] / 100 * 0.6  # cosines of 1, 0.83 and 0.36
        embeddings = np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)
        shift = 2 - (middle[:, 0] - 1) / 100
        return Scored(embeddings, shift.astype(np.float32))


def gate_of(settings: CameraSettings) -> CameraGate:
    return CameraGate(PlaceDetector(), cast("EnginePair", ColourPair()), settings)


people = st.none() | st.builds(Person, st.integers(0, 100), st.integers(0, 2))
scenes = st.lists(st.tuples(people, people), min_size=1, max_size=14)


@st.composite
def stays(draw: st.DrawFn) -> list[tuple[Person | None, Person | None]]:
    """Somebody who stays at a place while the score changes, and perhaps another one beside."""
    who, beside = draw(st.integers(0, 2)), draw(people)
    scores = draw(st.lists(st.integers(0, 100), min_size=1, max_size=14))
    return [(Person(score, who), beside) for score in scores]


@st.composite
def footage(draw: st.DrawFn) -> list[Recording]:
    files = draw(st.lists(st.tuples(scenes | stays(), st.booleans()), min_size=1, max_size=3))
    return [
        Recording(f"{number}.file", shown[:1] if is_still else shown, is_still)
        for number, (shown, is_still) in enumerate(files)
    ]


seconds = st.sampled_from([0.001, 0.15, 0.2, 0.3, 0.5, 1.0, 3.0, 300.0])
tracks = st.builds(
    TrackSettings,
    at_least_one_above=st.sampled_from([0.0, 16.0, 40.0, 100.0]),
    keep=st.integers(1, 3),
    early_after=st.none() | seconds,
    upgrade_by=st.sampled_from([0.0, 5.0, 30.0]),
    enough=st.sampled_from([50.0, 95.0, 100.0]),
    hysteresis=st.sampled_from([0.0, 7.5, 40.0]),
    at_most_every=seconds,
    gap=seconds,
    longest=seconds,
    duplicate_within=seconds,
    duplicate_above=st.sampled_from([-1.0, 0.5, 0.9, 1.0]),
    looks=st.sampled_from(["sparing", "every"]),
    search=st.sampled_from(["sparing", "every"]),
)
cameras = st.builds(
    CameraSettings,
    gate=st.builds(GateSettings, threshold=st.integers(0, 100).map(float)),
    tracks=tracks,
    mode=st.sampled_from(["best_shot", "every", "observe"]),
    masks=st.sampled_from([(), (polygon("0,0 0.5,0 0.5,1 0,1"),)]),
)
