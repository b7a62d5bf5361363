"""
One configuration over recorded footage, as a camera would have lived it; by time stamps alone.

Nothing here looks at a clock, so that the same footage and the same settings give the same faces.
Each file, and each still image, is taken as an hour after the one before it: no track and no
duplicate reaches over.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from rich.progress import Progress

from edge.errors import SourceError
from edge.footage.assess_files import Report
from edge.gate.best_shot import Shot
from edge.gate.camera_gate import CameraGate
from edge.gate.outcome import Outcome
from edge.samples import Box, Captured, Frame, Reason, Verdict
from edge.sources.files import ImageFiles, VideoFile
from edge.sources.images import picture_of

APART_S = 3600.0
_START = datetime(2000, 1, 1, tzinfo=timezone.utc)


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
    start_s = 0.0
    for source in sources:
        task = bars.add_task(source.name, total=source.frame_count())
        seen_s, taken = start_s, 0
        try:
            for taken, (seen_s, frame) in enumerate(_timed(source, start_s), start=1):
                _take(done, gate, frame, seen_s)
                bars.update(task, completed=taken)
        except SourceError as error:
            problem(error)
        _keep(done, gate.finish(seen_s))
        start_s = seen_s + APART_S
        bars.update(task, total=taken)
    done.sent.sort(key=lambda sent: (sent.frame.source, sent.frame.index, sent.box.left))
    return done


def _timed(source: ImageFiles | VideoFile, start_s: float) -> Iterator[tuple[float, Frame]]:
    """Yield frames with their times on one clock that never runs backwards."""
    now_s = start_s
    for number, frame in enumerate(source.frames()):
        own_s = number * APART_S if frame.time_s is None else frame.time_s
        now_s = max(now_s, start_s + own_s)
        yield now_s, frame


def _take(done: Rerun, gate: CameraGate, frame: Frame, seen_s: float) -> None:
    captured = Captured(frame, seen_s, _START + timedelta(seconds=seen_s), clock_synced=True)
    outcome = gate.take(captured, seen_s)
    if outcome.failure is not None:
        raise outcome.failure
    done.decided[frame.source, frame.index] = [
        Decided(face.face.box, face.verdict, face.detail) for face in outcome.assessments
    ]
    _keep(done, outcome)


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
