"""Frames whose faces wait for the networks: those of several cameras are scored in one batch."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from edge.gate.assess import Candidate, ScoredFace, score_face_images
from edge.gate.looks.glance import Sketch
from edge.gate.outcome import Outcome
from edge.samples import Captured, Pixels
from engines.errors import BackendError
from engines.pair.pair import EnginePair


@dataclass(frozen=True, slots=True, eq=False)
class Pending:
    """A frame whose faces are found and followed, before the networks have seen them."""

    captured: Captured
    seen_s: float
    found: Sequence[tuple[int, Candidate, Sketch | None]]
    """Every face of the frame with its tracklet; a sketch where there is something to score."""
    images: Mapping[int, Pixels | None]
    """Of the faces to be decided, by their place in `found`; None when there is none to score."""
    outcome: Outcome
    pair: EnginePair
    """Of its camera gate; cameras of one gate share it."""

    @property
    def faces_to_score(self) -> int:
        """Size of the frame's share of a batch."""
        return sum(image is not None for image in self.images.values())


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """What the networks say of the images of one pending frame."""

    faces: Sequence[ScoredFace | None]
    """One for each of `Pending.images`, in their order."""
    failure: BackendError | None = None
    seconds: float = 0.0
    """The frame's share of the time of its batch."""


def score_pending(frames: Sequence[Pending]) -> list[Scored]:
    """
    Score the faces of several frames in one batch.

    Args:
        frames: At least one, at most one of each camera, all with the same pair.

    Returns:
        One value for each frame. When the inference library refuses the batch, each frame is tried
        by itself, so that one camera's faces do not go down with another's.
    """
    begin_s = time.perf_counter()
    images = [image for frame in frames for image in frame.images.values()]
    if not any(image is not None for image in images):
        return [Scored((None,) * len(frame.images)) for frame in frames]
    try:
        faces = score_face_images(images, frames[0].pair)
    except BackendError as error:
        if len(frames) > 1:
            return [scored for frame in frames for scored in score_pending([frame])]
        # Tracks have ended in this frame: their faces must not go down with it.
        return [Scored((None,) * len(images), error)]
    return list(_shares(frames, faces, time.perf_counter() - begin_s))


def _shares(
    frames: Sequence[Pending], faces: Sequence[ScoredFace | None], seconds: float
) -> Iterator[Scored]:
    total = sum(frame.faces_to_score for frame in frames)
    start = 0
    for frame in frames:
        end = start + len(frame.images)
        share = frame.faces_to_score / total if total else 0.0
        yield Scored(faces[start:end], None, seconds * share)
        start = end
