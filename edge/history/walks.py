"""Who walked by: one event for each track when it has ended. Pure."""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field

from edge.config.tracks import Mode
from edge.gate.observation import Observation
from edge.gate.outcome import SeenFace
from edge.history.tables import Event
from edge.samples import Reason

MOST_OPEN = 2000
"""Tracks that have not ended; those of a camera that is gone never do."""


@dataclass(slots=True)
class _Walk:
    score: float | None = None
    reason: Reason = Reason.NOT_BEST
    detail: str = ""
    forwarded: int = 0

    def see(self, seen: SeenFace) -> None:
        face = seen.assessment
        if face is None:
            return
        score = None if face.quality is None else face.quality.score
        if self.score is None or (score is not None and score > self.score):
            self.score, self.reason, self.detail = score, face.verdict.reason, face.detail


@dataclass(slots=True)
class Walks:
    """The tracks of all cameras; for one thread."""

    _open: OrderedDict[tuple[str, str, int], _Walk] = field(default_factory=OrderedDict)

    def take(self, observation: Observation, mode: Mode, wall_s: float) -> Iterator[Event]:
        """
        Yield what happened: one event for each track that ended.

        Args:
            observation: What one frame led to.
            mode: Of its camera.
            wall_s: Now, seconds since 1970.
        """
        outcome = observation.outcome
        for seen in outcome.seen:
            self._walk(observation, seen.track_id).see(seen)
        for shot in outcome.forwarded:
            self._walk(observation, shot.track_id).forwarded += 1
        for track in outcome.ended:
            walk = self._open.pop((observation.camera, observation.run, track), None)
            if walk is not None:
                yield _event(walk, observation.camera, mode, wall_s)

    def _walk(self, observation: Observation, track: int) -> _Walk:
        walk = self._open.setdefault((observation.camera, observation.run, track), _Walk())
        if len(self._open) > MOST_OPEN:
            self._open.popitem(last=False)
        return walk


def _event(walk: _Walk, camera: str, mode: Mode, wall_s: float) -> Event:
    if walk.forwarded:
        words = f"{walk.forwarded} face{'s' * (walk.forwarded > 1)} forwarded"
        return Event(wall_s, camera, Reason.FORWARDED.value, walk.score, words)
    reason, words = walk.reason, walk.detail
    if reason is Reason.FORWARDED:  # it reached the threshold, and was held back
        reason = Reason.OBSERVED if mode == "observe" else Reason.DUPLICATE
    return Event(wall_s, camera, reason.value, walk.score, words)
