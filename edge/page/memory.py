"""
What the page remembers of each camera: the newest frame while somebody looks, and small faces.

The worker's thread writes and the threads of browsers read. Everything is bounded, nothing is
encoded here, and nothing ever reaches a disk.
"""

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count, islice

from edge.gate.observation import Observation
from edge.gate.outcome import SeenFace
from edge.page.picture import NO_PICTURE, cut_thumbnail, live_jpeg, thumbnail
from edge.samples import Assessment, Captured, Pixels, Reason

MOST_ASSESSED = 500
"""Faces of each camera that a threshold is tried on; 5 MB."""
MOST_LATEST = 24
"""Faces of each camera shown as last forwarded, and as last discarded."""
MOST_BOXES = 50
"""Of one live picture."""
WATCHED_S = 5.0
"""A camera is watched for so long after a browser asked for its picture."""

_NUMBERS = count(1)
"""Of frames and faces, so that a browser never takes one for another, also after a reload."""


@dataclass(frozen=True, slots=True, eq=False)
class Remembered:
    """One face."""

    number: int
    """Unique in one run of the process; counts up with time."""
    seen_s: float
    """Seconds since 1970 by the device's clock."""
    track: int
    """Of its camera since it was opened."""
    score: float | None
    """Quality score in [0, 100]; None when it was not scored."""
    reason: Reason
    detail: str
    small: Pixels
    """(56, 56, 3) uint8 BGR."""


@dataclass(frozen=True, slots=True)
class Boxed:
    """A face in a live picture."""

    left: float
    """Fractions of the frame's width and height, like the three that follow."""
    top: float
    right: float
    bottom: float
    kind: str
    """good, bad, or seen: passed the threshold, discarded, or not scored."""
    label: str


@dataclass(frozen=True, slots=True, eq=False)
class Live:
    """The newest frame of a watched camera."""

    number: int
    seen_s: float
    """Seconds since 1970 by the device's clock."""
    width: int
    height: int
    jpeg: bytes
    faces: tuple[Boxed, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Frame:
    number: int
    captured: Captured
    seen: tuple[SeenFace, ...]


class CameraMemory:
    """One camera."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._encoding = threading.Lock()
        self._assessed: deque[Remembered] = deque(maxlen=MOST_ASSESSED)
        self._forwarded: deque[Remembered] = deque(maxlen=MOST_LATEST)
        self._pair_id = ""
        self._newest: _Frame | None = None
        self._watched_until_s = float("-inf")
        self._live: Live | None = None

    def take(self, observation: Observation) -> None:
        """Remember what one frame led to; called by the worker, and quick."""
        noted = list(self._assessments(observation))
        sent = [
            self._remembered(shot.assessment, shot.track_id, thumbnail(shot.assessment.face_image))
            for shot in observation.outcome.forwarded
            if shot.assessment.face_image is not None
        ]
        with self._lock:
            self._forget_other_pairs(observation.outcome.seen)
            self._assessed.extend(noted)
            self._forwarded.extend(sent)
            if observation.captured is not None:
                self._keep_frame(observation.captured, observation.outcome.seen)

    def assessed(self) -> list[Remembered]:
        """Return the faces assessed last, at most 500, oldest first."""
        with self._lock:
            return list(self._assessed)

    def forwarded(self) -> list[Remembered]:
        """Return the faces forwarded last, at most 24, newest first."""
        with self._lock:
            return list(reversed(self._forwarded))

    def discarded(self) -> list[Remembered]:
        """Return the newest discarded face of each track and reason, at most 24, newest first."""
        newest: dict[tuple[int, Reason], Remembered] = {}
        for face in reversed(self.assessed()):
            if face.reason != Reason.FORWARDED:
                newest.setdefault((face.track, face.reason), face)
        return list(islice(newest.values(), MOST_LATEST))

    def small(self, number: int) -> Pixels | None:
        """Return the small picture of a face; None when it is forgotten."""
        with self._lock:
            every = (*self._assessed, *self._forwarded)
        return next((face.small for face in every if face.number == number), None)

    def live(self, after: int) -> Live | None:
        """
        Return the newest frame, encoded by the caller's thread, once for all who ask.

        Args:
            after: Number of the frame that the caller has; None is returned if it is the newest.
        """
        with self._encoding:
            with self._lock:
                self._watched_until_s = self._monotonic() + WATCHED_S
                newest = self._newest
            if newest is None:  # frames may have come that nobody watched
                self._live = None
            elif self._live is None or self._live.number != newest.number:
                self._live = _live(newest)
            return self._live if self._live is not None and self._live.number > after else None

    def _keep_frame(self, captured: Captured, seen: tuple[SeenFace, ...]) -> None:
        is_watched = self._monotonic() < self._watched_until_s
        self._newest = _Frame(next(_NUMBERS), captured, seen) if is_watched else None

    def _assessments(self, observation: Observation) -> Iterator[Remembered]:
        if observation.captured is None:
            return
        pixels = observation.captured.frame.pixels
        for seen in observation.outcome.seen:
            face = seen.assessment
            if face is not None:
                yield self._remembered(face, seen.track_id, _small(face, pixels))

    def _remembered(self, face: Assessment, track: int, small: Pixels) -> Remembered:
        return Remembered(
            number=next(_NUMBERS),
            seen_s=time.time(),
            track=track,
            score=None if face.quality is None else face.quality.score,
            reason=face.verdict.reason,
            detail=face.detail,
            small=small,
        )

    def _forget_other_pairs(self, faces: tuple[SeenFace, ...]) -> None:
        """Forget scores of another engine pair: they cannot be compared."""
        for seen in faces:
            if seen.assessment is not None and seen.assessment.pair_id != self._pair_id:
                self._pair_id = seen.assessment.pair_id
                self._assessed.clear()


def _small(face: Assessment, pixels: Pixels) -> Pixels:
    if face.verdict.reason is Reason.MASKED:  # the operator does not want to see what is there
        return NO_PICTURE
    if face.face_image is None:
        return cut_thumbnail(pixels, face.face.box)
    return thumbnail(face.face_image)


def _live(newest: _Frame) -> Live:
    captured = newest.captured
    height, width = captured.frame.pixels.shape[:2]
    finite = [seen for seen in newest.seen if math.isfinite(_area(seen))]
    largest = sorted(finite, key=lambda seen: -_area(seen))
    return Live(
        number=newest.number,
        seen_s=captured.wall.timestamp(),
        width=width,
        height=height,
        jpeg=live_jpeg(captured.frame.pixels),
        faces=tuple(_boxed(seen, width, height) for seen in islice(largest, MOST_BOXES)),
    )


def _area(seen: SeenFace) -> float:
    return seen.box.width * seen.box.height


def _boxed(seen: SeenFace, width: int, height: int) -> Boxed:
    kind, label = _words(seen.assessment)
    box = seen.box
    return Boxed(
        left=box.left / width,
        top=box.top / height,
        right=box.right / width,
        bottom=box.bottom / height,
        kind=kind,
        label=label,
    )


def _words(face: Assessment | None) -> tuple[str, str]:
    """Return the kind of a box and its label, which says the same without colour."""
    if face is None:
        return "seen", "not better than before"
    score = "" if face.quality is None else f"{face.quality.score:.0f}"
    if face.verdict.forward:
        return "good", score
    reason = face.verdict.reason.value.replace("_", " ")
    return "bad", f"{score} {reason}".strip()
