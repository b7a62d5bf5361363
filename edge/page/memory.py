"""
What the page remembers of each camera: the newest frame while somebody looks, and small faces.

The worker's thread writes and the threads of browsers read. Everything is bounded, nothing is
encoded here, and nothing ever reaches a disk.
"""

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count, islice

from edge.gate.best_shot import Shot
from edge.gate.decision_replay import without_pixels
from edge.gate.observation import Observation
from edge.gate.outcome import SeenFace
from edge.page.people import Kept, Missed, People, Person, Remembered, missed
from edge.page.picture import NO_PICTURE, cut_thumbnail, live_jpeg
from edge.samples import Assessment, Captured, Pixels, Reason

MOST_ASSESSED = 500
"""Faces of each camera that a threshold is tried on."""
MOST_LATEST = 24
"""Faces of each camera shown as forwarded last; 1 MB."""
MOST_BOXES = 50
"""Of one live picture."""
WATCHED_S = 5.0
"""A camera is watched for so long after a browser asked for its picture."""

_NUMBERS = count(1)
"""Of frames and faces, so that a browser never takes one for another, also after a reload."""


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
        self._people = People()
        self._sent: deque[Kept] = deque(maxlen=MOST_LATEST)
        self._pair_id = ""
        self._newest: _Frame | None = None
        self._watched_until_s = float("-inf")
        self._live: Live | None = None

    def take(self, observation: Observation) -> None:
        """Remember what one frame led to; called by the worker, and quick."""
        with self._lock:
            self._forget_other_pairs(observation.outcome.seen)
            for old, known in observation.outcome.joined.items():
                self._people.join(observation.run, old, known)
            if observation.captured is not None:
                self._note(observation, observation.captured)
                self._keep_frame(observation.captured, observation.outcome.seen)
            for shot in observation.outcome.forwarded:
                self._note_sent(shot, observation.run)

    def assessed(self) -> list[Remembered]:
        """Return the faces assessed last, at most 500, oldest first."""
        with self._lock:
            return list(self._assessed)

    def people(self) -> list[Kept]:
        """Return the best face of everybody seen last, at most 120."""
        with self._lock:
            return [kept for kept, _ in self._people.all()]

    def confirmed(self) -> list[Kept]:
        """Return the best face of everybody seen last who was looked at twice."""
        with self._lock:
            return self._people.confirmed()

    def missed(self) -> list[Missed]:
        """Return those of whom no face was forwarded, the best face of each, the best first."""
        with self._lock:
            everybody = self._people.all()
        return missed(everybody)

    def forwarded(self) -> list[Kept]:
        """Return the faces forwarded last, at most 24, newest first."""
        with self._lock:
            return list(reversed(self._sent))

    def sent(self, number: int) -> Kept | None:
        """Return a face that was forwarded; None when it is forgotten."""
        return next((kept for kept in self.forwarded() if kept.face.number == number), None)

    def best_of(self, person: int) -> Kept | None:
        """Return the best face of somebody; None when it is forgotten."""
        with self._lock:
            found = self._people.find(person)
            return None if found is None else found.best

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

    def _note(self, observation: Observation, captured: Captured) -> None:
        for seen in observation.outcome.seen:
            face = seen.assessment
            if face is not None:
                person = self._people.of_track(observation.run, seen.track_id, next(_NUMBERS))
                person.is_confirmed |= seen.track_id in observation.outcome.confirmed
                noted = _remembered(face, person, captured)
                self._assessed.append(noted)
                if person.improves(noted.score, face.inter_eye_distance):
                    person.best = _kept(noted, seen, captured, observation.run)

    def _note_sent(self, shot: Shot, run: str) -> None:
        image = shot.assessment.face_image
        if image is None:
            return
        person = self._people.of_track(run, shot.track_id, next(_NUMBERS))
        person.forwarded += 1
        noted = _remembered(shot.assessment, person, shot.captured)
        self._sent.append(Kept(noted, shot, run, image))
        if person.best is None:
            person.best = self._sent[-1]

    def _forget_other_pairs(self, faces: tuple[SeenFace, ...]) -> None:
        """Forget scores of another engine pair: they cannot be compared."""
        for seen in faces:
            if seen.assessment is not None and seen.assessment.pair_id != self._pair_id:
                self._pair_id = seen.assessment.pair_id
                self._assessed.clear()
                self._people.forget()


def _remembered(face: Assessment, person: Person, captured: Captured) -> Remembered:
    height, width = captured.frame.pixels.shape[:2]
    (left, top), (right, bottom) = face.face.landmarks[:2].tolist()
    return Remembered(
        number=next(_NUMBERS),
        person=person.number,
        seen_s=captured.wall.timestamp(),
        score=None if face.quality is None else face.quality.score,
        reason=face.verdict.reason,
        detail=face.detail,
        eyes=((left + right) / 2 / max(width, 1), (top + bottom) / 2 / max(height, 1)),
    )


def _kept(noted: Remembered, seen: SeenFace, captured: Captured, run: str) -> Kept:
    """Keep a face without its frame, which would fill the memory."""
    face, light = seen.assessment, without_pixels(captured)
    assert face is not None  # noqa: S101 -- it was noted
    picture = _picture(face, captured.frame.pixels)
    image = None if picture is NO_PICTURE else face.face_image
    shot = Shot(replace(face, frame=light.frame, face_image=image), light, seen.track_id)
    return Kept(noted, shot, run, picture)


def _picture(face: Assessment, pixels: Pixels) -> Pixels:
    if face.verdict.reason is Reason.MASKED:  # the operator does not want to see what is there
        return NO_PICTURE
    return cut_thumbnail(pixels, face.face.box) if face.face_image is None else face.face_image


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
    score = "" if face.quality is None else str(int(face.quality.score))
    if face.verdict.forward:
        return "good", score
    reason = face.verdict.reason.value.replace("_", " ")
    return "bad", f"{score} {reason}".strip()
