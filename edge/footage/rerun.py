"""What one configuration did with recorded footage, face by face."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from rich.progress import Progress

from edge.footage.camera_run import steps
from edge.footage.frames import Report, frames_of
from edge.gate.best_shot import Shot
from edge.gate.camera_gate import CameraGate
from edge.gate.outcome import Outcome
from edge.samples import Box, Frame, Reason, Verdict
from edge.sources.files import ImageFiles
from edge.sources.images import picture_of
from edge.sources.video import VideoFile


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of one face of one frame, before its track was looked at."""

    box: Box
    verdict: Verdict
    detail: str


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


@dataclass(slots=True)
class Rerun:
    """What one configuration did with the footage."""

    faces: int = 0
    """Faces found."""
    sent: list[Sent] = field(default_factory=list)
    """In the order of their frames."""
    discarded: Counter[Reason] = field(default_factory=Counter)
    """Faces not sent, by reason."""
    decided: dict[tuple[str, int], list[Decided]] = field(default_factory=dict)
    """By the file and the index of the frame."""


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
            frame = step.captured.frame
            done.decided[frame.source, frame.index] = [
                Decided(face.face.box, face.verdict, face.detail)
                for face in step.outcome.assessments
            ]
        _keep(done, step.outcome)
    done.sent.sort(key=lambda sent: (sent.frame.source, sent.frame.index, sent.box.left))
    return done


def _keep(done: Rerun, outcome: Outcome) -> None:
    done.faces += outcome.faces
    done.discarded += outcome.discarded
    done.sent += _sent(outcome.forwarded)


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
        )
