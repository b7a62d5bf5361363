"""Every face of recorded footage with its score, its track and a small picture: mode `observe`."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from edge.footage.album import Album, Pasted
from edge.footage.camera_run import Step
from edge.gate.best_shot import Shot
from edge.gate.decision_replay import SCOREABLE, RecordedFrame, recorded
from edge.gate.outcome import SeenFace
from edge.samples import Assessment, Captured, Frame, Reason
from edge.sources.images import picture_of

LONGEST_NAME = 16


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
    """Quality score in [0, 100]; None where a pre-check discarded the face."""
    reason: Reason
    """Under the configuration as it is."""
    detail: str
    shown: bytes | Pasted | None
    """See `picture`."""

    @property
    def picture(self) -> bytes | None:
        """JPEG of the aligned face, or of its part of the frame; None when there is neither."""
        return self.shown.read() if isinstance(self.shown, Pasted) else self.shown


FaceOfFrame: TypeAlias = tuple[str, int, int]
"""Source and index of a frame, and position of a face in it."""


def face_of_frame(face: Assessment) -> FaceOfFrame:
    """Return what names a face among those of one run."""
    return face.frame.source, face.frame.index, face.face_index


@dataclass(slots=True)
class Run:
    """What one camera gate saw from its first frame to its last: track ids are its own."""

    frames: list[RecordedFrame] = field(default_factory=list)
    tracks: dict[FaceOfFrame, int] = field(default_factory=dict)
    """`ObservedFace.track` of each face, by a gate that saw all of them."""
    places: dict[FaceOfFrame, int] = field(default_factory=dict)
    """Position of each face in `Observed.faces`."""

    def track_of(self, shot: Shot) -> int:
        """Return `ObservedFace.track` of a face that would be forwarded."""
        return self.tracks[face_of_frame(shot.assessment)]


@dataclass(slots=True)
class Observed:
    """What the footage of one camera showed."""

    faces: list[ObservedFace] = field(default_factory=list)
    frames: int = 0
    video_s: float = 0.0
    """Seconds of video."""
    stills: int = 0
    """Still images among the frames."""
    runs: list[Run] = field(default_factory=list)
    """The same faces as the gate knows them, to decide about them again."""
    confirmed: frozenset[int] = frozenset()
    """Tracks that are people: a second look agreed with the first."""
    album: Album = field(default_factory=Album)
    """Where the pictures of faces are."""


def observe(steps: Iterable[Step], look: Callable[[Step], None] = lambda _: None) -> Observed:
    """
    Remember what a gate in mode `observe` says of all footage of one camera.

    Args:
        steps: Of that gate.
        look: Is shown each step too.
    """
    observed = Observed(runs=[Run()])
    watch = _Watch(observed, observed.runs[0])
    for step in steps:
        watch.take(step)
        look(step)
    watch.end_recording()
    watch.numbers.settle(observed)
    return observed


class TrackNumbers:
    """Numbers the tracks from 0 without gaps, when it is known which of them are of one person."""

    def __init__(self) -> None:
        self._faces: list[tuple[Run, FaceOfFrame, int]] = []
        self._joined: dict[tuple[int, int], int] = {}
        self._confirmed: set[tuple[int, int]] = set()

    def add(self, run: Run, face: FaceOfFrame, track_id: int) -> None:
        """Note the gate's track of the next of the observed faces."""
        self._faces.append((run, face, track_id))

    def join(self, run: Run, joined: Mapping[int, int]) -> None:
        """Note tracks of one person."""
        self._joined.update({(id(run), old): known for old, known in joined.items()})

    def confirm(self, run: Run, tracks: Iterable[int]) -> None:
        """Note tracks that are people."""
        self._confirmed.update((id(run), track_id) for track_id in tracks)

    def settle(self, observed: Observed) -> None:
        """Give every observed face its number, and say which numbers are people."""
        numbers: dict[tuple[int, int], int] = {}
        for place, (run, face, track_id) in enumerate(self._faces):
            number = numbers.setdefault(self._final(id(run), track_id), len(numbers))
            run.tracks[face], run.places[face] = number, place
            observed.faces[place] = replace(observed.faces[place], track=number)
        known = {self._final(*track) for track in self._confirmed}
        observed.confirmed = frozenset(numbers[each] for each in known & numbers.keys())

    def _final(self, run: int, track_id: int) -> tuple[int, int]:
        while (run, track_id) in self._joined:
            track_id = self._joined[run, track_id]
        return run, track_id


class _Watch:
    """The footage while it is looked at."""

    def __init__(self, observed: Observed, run: Run) -> None:
        self._observed, self._run = observed, run
        self.numbers = TrackNumbers()
        self._newest: Captured | None = None
        self._times: list[float] = []

    def take(self, step: Step) -> None:
        self.numbers.join(self._run, step.outcome.joined)
        self.numbers.confirm(self._run, step.outcome.confirmed)
        if step.captured is None:
            self.end_recording()
            if self._newest is not None:
                self._run.frames.append(recorded(self._newest, step.seen_s, step.outcome))
            return
        self._newest, frame = step.captured, step.captured.frame
        self._observed.frames += 1
        if frame.time_s is None:
            self._observed.stills += 1
        else:
            self._times.append(frame.time_s)
        if step.outcome.search == "none":
            return
        self._run.frames.append(recorded(step.captured, step.seen_s, step.outcome))
        self._observed.faces += [
            self._face(face, place, frame)
            for place, face in enumerate(step.outcome.seen)
            if _is_our_business(face)
        ]

    def end_recording(self) -> None:
        """Add the length of a video: to the end of its last frame."""
        if self._times:
            lasted = self._times[-1] - self._times[0]
            self._observed.video_s += lasted + lasted / max(1, len(self._times) - 1)
        self._times = []

    def _face(self, seen: SeenFace, place: int, frame: Frame) -> ObservedFace:
        face, time_s = seen.assessment, frame.time_s
        assert face is not None  # noqa: S101 -- a gate that observes decides about every face
        self.numbers.add(self._run, face_of_frame(face), seen.track_id)
        pixels = seen.shown(frame.pixels)
        return ObservedFace(
            file=file_of(frame),
            place=place_of(frame, place),
            time_s=None if time_s is None else self._observed.video_s + time_s - self._times[0],
            track=seen.track_id,
            score=None if face.quality is None else face.quality.score,
            reason=face.verdict.reason,
            detail=face.detail,
            shown=None if pixels is None else self._observed.album.put(picture_of(pixels)),
        )


def _is_our_business(face: SeenFace) -> bool:
    return face.assessment is not None and face.assessment.verdict.reason is not Reason.MASKED


def file_of(frame: Frame) -> str:
    """Return the name of a frame's file without its folder, shortened in its middle."""
    name = frame.source_text.rsplit("/", 1)[-1]
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 7]}…{name[-6:]}"


def place_of(frame: Frame, place: int) -> str:
    """Return the time of a frame within a video, and the position of a face in it."""
    return f"{'' if frame.time_s is None else f'{frame.time_s:.2f} s '}#{place}"


def scored(faces: Iterable[ObservedFace]) -> Iterator[tuple[ObservedFace, float]]:
    """Yield the faces that a threshold decides about, with their scores."""
    for face in faces:
        if face.reason in SCOREABLE and face.score is not None:
            yield face, face.score
