"""Every face of recorded footage with its score, its track and a small picture: mode `observe`."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from rich.progress import Progress

from edge.errors import SourceError
from edge.footage.assess_files import Assess, Report
from edge.gate.tracker import Tracker, TrackerSettings
from edge.samples import Assessment, Frame, Reason
from edge.sources.files import ImageFiles, VideoFile
from edge.sources.images import picture_of

LONGEST_NAME = 16
SCOREABLE = frozenset({Reason.FORWARDED, Reason.LOW_QUALITY})
"""Reasons of the faces that a threshold decides about; pre-checks have discarded all others."""


@dataclass(frozen=True, slots=True, eq=False)
class ObservedFace:
    """What the report needs of one face; the frame is forgotten."""

    file: str
    """Short name of the file."""
    place: str
    """Time within a video, position in its frame."""
    time_s: float | None
    """Seconds from the start of the footage, videos one after the other; None in a still image."""
    track: int
    """From 0; faces of one person walking by share it, and those of still images never do."""
    score: float | None
    """Quality score in [0, 100], also of faces that a pre-check discarded; None if not scored."""
    reason: Reason
    """Under the configuration as it is."""
    detail: str
    picture: bytes | None
    """JPEG of the aligned face; None when it could not be aligned."""


@dataclass(slots=True)
class Observed:
    """What the footage of one camera showed."""

    faces: list[ObservedFace] = field(default_factory=list)
    frames: int = 0
    video_s: float = 0.0
    """Seconds of video."""
    stills: int = 0
    """Still images among the frames."""


def observe(
    sources: Iterable[ImageFiles | VideoFile], assess: Assess, bars: Progress, report: Report
) -> Observed:
    """
    Take all footage through the gate and forward nothing.

    Args:
        sources: Images and videos, as one camera's.
        assess: Takes a frame through the gate.
        bars: A running progress display.
        report: Called with the error of each source that cannot be read to its end.
    """
    observed = Observed()
    for source in sources:
        task = bars.add_task(source.name, total=source.frame_count())
        watch = _Watch(observed)
        try:
            for frame in source.frames():
                watch.take(frame, assess(frame))
                bars.advance(task)
        except SourceError as error:
            report(error)
        watch.close()
        # Unreadable images and inexact frame counts must not leave a bar short of its end.
        bars.update(task, total=watch.frames, completed=watch.frames)
    return observed


class _Watch:
    """One source while it is looked at."""

    def __init__(self, observed: Observed) -> None:
        self._observed = observed
        self._tracker = Tracker(TrackerSettings())
        self._tracks: dict[int, int] = {}
        self._next_track = 1 + max((face.track for face in observed.faces), default=-1)
        self._times: list[float] = []
        self.frames = 0

    def take(self, frame: Frame, faces: Sequence[Assessment]) -> None:
        self.frames += 1
        self._observed.frames += 1
        if frame.time_s is None:
            self._observed.stills += 1
            ids: Sequence[int] = [-1 - self.frames * 10_000 - n for n in range(len(faces))]
        else:
            self._times.append(frame.time_s)
            ids = self._tracker.update([each.face.box for each in faces], frame.time_s).ids
        self._observed.faces += [
            self._face(face, track_id) for face, track_id in zip(faces, ids, strict=True)
        ]

    def close(self) -> None:
        """Add the length of a video: to the end of its last frame."""
        if self._times:
            lasted = self._times[-1] - self._times[0]
            self._observed.video_s += lasted + lasted / max(1, len(self._times) - 1)

    def _face(self, face: Assessment, track_id: int) -> ObservedFace:
        time_s = face.frame.time_s
        return ObservedFace(
            file=file_of(face.frame),
            place=place_of(face),
            time_s=None if time_s is None else self._observed.video_s + time_s - self._times[0],
            track=self._tracks.setdefault(track_id, self._next_track + len(self._tracks)),
            score=None if face.quality is None else face.quality.score,
            reason=face.verdict.reason,
            detail=face.detail,
            picture=None if face.face_image is None else picture_of(face.face_image),
        )


def file_of(frame: Frame) -> str:
    """Return the name of a frame's file without its folder, shortened in its middle."""
    name = frame.source_text.rsplit("/", 1)[-1]
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 7]}…{name[-6:]}"


def place_of(face: Assessment) -> str:
    """Return the time of a face within a video, and its position in its frame."""
    time_s = face.frame.time_s
    return f"{'' if time_s is None else f'{time_s:.2f} s '}#{face.face_index}"


def scored(faces: Iterable[ObservedFace]) -> Iterator[tuple[ObservedFace, float]]:
    """Yield the faces that a threshold decides about, with their scores."""
    for face in faces:
        if face.reason in SCOREABLE and face.score is not None:
            yield face, face.score
