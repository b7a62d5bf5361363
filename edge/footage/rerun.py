"""What one configuration did with recorded footage, face by face."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from rich.progress import Progress

from edge.footage.camera_run import steps
from edge.footage.faces import file_of, place_of
from edge.footage.frames import Report, frames_of
from edge.gate.best_shot import Shot
from edge.gate.camera_gate import CameraGate
from edge.gate.outcome import Outcome
from edge.samples import Box, Frame, Reason
from edge.sources.files import ImageFiles
from edge.sources.images import picture_of
from edge.sources.video import VideoFile
from engines.quality.specification import Embeddings


@dataclass(frozen=True, slots=True, eq=False)
class Sent:
    """One face that was forwarded."""

    frame: Frame
    """Without pixels."""
    box: Box
    track: int
    revision: int
    score: float
    detail: str
    picture: bytes
    """JPEG of the aligned face."""
    reason: Reason = Reason.FORWARDED


Place: TypeAlias = tuple[str, int]
"""The file and the index of a frame."""


@dataclass(frozen=True, slots=True, eq=False)
class Best:
    """The face of a track that scores best; one that was not scored while there is no other."""

    score: float | None
    reason: Reason
    detail: str
    where: str
    """File and place, in words."""
    picture: bytes | None
    """JPEG; None when there is nothing to look at."""
    embedding: Embeddings | None
    """(D,) float32 unit vector; None when not scored."""


@dataclass(slots=True, eq=False)
class Track:
    """What one configuration saw of somebody."""

    number: int
    is_confirmed: bool = False
    """A second look agreed with the first: a person, and no pattern that looked like one."""
    places: list[tuple[Place, Box]] = field(default_factory=list)
    """Where the faces are."""
    best: Best | None = None
    sent: list[Sent] = field(default_factory=list)

    def join(self, other: "Track") -> None:
        """Take over what is known of a track of the same person."""
        self.is_confirmed |= other.is_confirmed
        self.places += other.places
        self.sent += other.sent
        if other.best is not None and self.improves(other.best.score):
            self.best = other.best

    def improves(self, score: float | None) -> bool:
        """Tell whether a face of this score is better to judge by than the best so far."""
        if self.best is None:
            return True
        return score is not None and (self.best.score is None or score > self.best.score)


@dataclass(slots=True)
class Rerun:
    """What one configuration did with the footage."""

    faces: int = 0
    """Faces found."""
    sent: list[Sent] = field(default_factory=list)
    """In the order of their frames."""
    discarded: Counter[Reason] = field(default_factory=Counter)
    """Faces not sent, by reason."""
    tracks: dict[int, Track] = field(default_factory=dict)
    """By number."""

    def track(self, number: int) -> Track:
        """Return a track, a new one where there is none."""
        return self.tracks.setdefault(number, Track(number))


def rerun(
    sources: Iterable[ImageFiles | VideoFile], gate: CameraGate, bars: Progress, problem: Report
) -> Rerun:
    """
    Take all footage through the gate of one camera.

    Args:
        sources: Images and videos.
        gate: Fresh.
        bars: A running progress display.
        problem: Called with the error of each source that cannot be read to its end.

    Raises:
        DetectorError: The detector refused a frame.
        BackendError: The inference library refused a batch.
    """
    done = Rerun()
    for step in steps(frames_of(sources, bars, problem), gate):
        if step.captured is not None:
            _look(done, step.outcome, step.captured.frame)
        _keep(done, step.outcome)
    done.sent.sort(key=lambda sent: (sent.frame.source, sent.frame.index, sent.box.left))
    return done


def _look(done: Rerun, outcome: Outcome, frame: Frame) -> None:
    """Remember who is where, and the best face of each."""
    for place, face in enumerate(outcome.seen):
        track = done.track(face.track_id)
        # A still image cannot be looked at twice.
        track.is_confirmed |= face.track_id in outcome.confirmed or frame.time_s is None
        track.places.append(((frame.source, frame.index), face.box))
        known = face.assessment
        score = None if known is None or known.quality is None else known.quality.score
        if known is not None and track.improves(score):
            pixels = face.shown(frame.pixels)
            track.best = Best(
                score=score,
                reason=known.verdict.reason,
                detail=known.detail,
                where=f"{file_of(frame)} {place_of(frame, place)}",
                picture=None if pixels is None else picture_of(pixels),
                embedding=known.embedding,
            )


def _keep(done: Rerun, outcome: Outcome) -> None:
    done.faces += outcome.faces
    done.discarded += outcome.discarded
    for old, known in outcome.joined.items():
        if old in done.tracks:
            done.track(known).join(done.tracks.pop(old))
    for sent in _sent(outcome.forwarded):
        done.sent.append(sent)
        done.track(sent.track).sent.append(sent)


def _sent(shots: Sequence[Shot]) -> Iterator[Sent]:
    for shot in shots:
        face = shot.assessment
        assert face.face_image is not None  # noqa: S101 -- a forwarded face was scored
        assert face.quality is not None  # noqa: S101
        yield Sent(
            frame=face.frame,
            box=face.face.box,
            track=shot.track_id,
            revision=shot.revision,
            score=face.quality.score,
            detail=face.detail,
            picture=picture_of(face.face_image),
            reason=face.verdict.reason,
        )
