"""Who walked by: one event for each track that is not seen any more. Pure."""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field

from edge.config.tracks import Mode
from edge.gate.observation import Observation
from edge.gate.outcome import SeenFace
from edge.history.tables import Event
from edge.samples import Reason
from engines.amounts import amount

MOST_OPEN = 2000
"""Tracks at once of all cameras; the one seen longest ago is told first."""
QUIET_S = 10.0
"""Who was not seen for so long has left; at least twice the camera's `tracks.gap`."""
HELD_BACK = {
    Reason.OBSERVED: "good enough; in mode observe nobody is sent",
    Reason.DUPLICATE: "good enough; a face of the same person was sent before "
    "(tracks.duplicate_within)",
}
_Key = tuple[str, str, int]
"""Camera, run, track."""


@dataclass(slots=True)
class _Walk:
    mode: Mode
    quiet_s: float
    seen_s: float = 0.0
    score: float | None = None
    reason: Reason = Reason.NOT_BEST
    detail: str = ""
    forwarded: int = 0

    def see(self, seen: SeenFace) -> None:
        face = seen.assessment
        if face is not None:
            score = None if face.quality is None else face.quality.score
            self.take(score, face.verdict.reason, face.detail)

    def take(self, score: float | None, reason: Reason, detail: str) -> None:
        if self.score is None or (score is not None and score > self.score):
            self.score, self.reason, self.detail = score, reason, detail


@dataclass(slots=True)
class Walks:
    """The tracks of all cameras; not for several threads."""

    _open: OrderedDict[_Key, _Walk] = field(default_factory=OrderedDict)
    """Who was seen last comes last."""

    def take(self, observation: Observation, mode: Mode, gap_s: float, now_s: float) -> None:
        """
        Note what one frame led to.

        Args:
            observation: Of one camera.
            mode: Of it.
            gap_s: Its `tracks.gap`.
            now_s: Of a clock that does not run backwards.
        """
        camera, run, outcome = observation.camera, observation.run, observation.outcome
        fresh = _Walk(mode, max(QUIET_S, 2 * gap_s))
        for old, known in outcome.joined.items():
            self._join((camera, run, old), (camera, run, known))
        for seen in outcome.seen:
            self._at((camera, run, seen.track_id), fresh, now_s).see(seen)
        for shot in outcome.forwarded:
            self._at((camera, run, shot.track_id), fresh, now_s).forwarded += 1

    def over(self, now_s: float, wall_s: float) -> Iterator[Event]:
        """
        Yield an event for each track that is over, and forget it.

        Args:
            now_s: Of the clock of `take`.
            wall_s: The same moment in seconds since 1970.
        """
        left = len(self._open) - MOST_OPEN
        for number, (key, walk) in enumerate(list(self._open.items())):
            unseen_s = now_s - walk.seen_s
            if number < left or unseen_s > walk.quiet_s:
                del self._open[key]
                yield _event(walk, key[0], wall_s - unseen_s)

    def _at(self, key: _Key, fresh: _Walk, now_s: float) -> _Walk:
        walk = self._open.setdefault(key, _Walk(fresh.mode, fresh.quiet_s))
        self._open.move_to_end(key)
        walk.seen_s = now_s
        return walk

    def _join(self, old: _Key, known: _Key) -> None:
        """Let a track go on that turned out to be of somebody known before."""
        walk = self._open.pop(old, None)
        if walk is None:
            return
        before = self._open.setdefault(known, walk)
        if before is not walk:
            before.forwarded += walk.forwarded
            before.take(walk.score, walk.reason, walk.detail)


def _event(walk: _Walk, camera: str, wall_s: float) -> Event:
    if walk.forwarded:
        words = f"{amount(walk.forwarded, 'face')} forwarded"
        return Event(wall_s, camera, Reason.FORWARDED.value, walk.score, words)
    reason, words = walk.reason, walk.detail
    if reason is Reason.FORWARDED:  # it reached the threshold, and was held back
        reason = Reason.OBSERVED if walk.mode == "observe" else Reason.DUPLICATE
        words = HELD_BACK[reason]
    return Event(wall_s, camera, reason.value, walk.score, words)
