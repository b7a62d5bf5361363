"""
The best face below the threshold of each track that has none above it: better than nobody.

Pure. Quality is also of the person, not of the picture alone: at one threshold some people pass in
no picture at all. So of each track the best face that reaches a floor is kept, until a better one
comes, or one that passes, or the track ends: then it leaves, when nothing else of that person did.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from edge.config.tracks import TrackSettings
from edge.gate.best_shot import Shot
from edge.samples import Reason, Verdict


@dataclass(frozen=True, slots=True, eq=False)
class _Kept:
    began_s: float
    shot: Shot


class LastResorts:
    """The tracks of one camera."""

    def __init__(self, settings: TrackSettings) -> None:
        self.settings = settings
        """May be changed while nothing is kept."""
        self._kept: dict[int, _Kept] = {}

    @property
    def held(self) -> int:
        """Faces that may still be forwarded, or be beaten."""
        return len(self._kept)

    def offer(self, shot: Shot, seen_s: float) -> Shot | None:
        """
        Keep a face of too low a quality if it is its track's best that reaches the floor.

        Args:
            shot: Scored, and below the threshold.
            seen_s: Time of its frame.

        Returns:
            The face that will not be sent: this one, the one it has beaten, or None.
        """
        quality = shot.assessment.quality
        if quality is None or quality.score < self.settings.at_least_one_above:
            return shot
        before = self._kept.get(shot.track_id)
        if before is None:
            self._kept[shot.track_id] = _Kept(seen_s, shot)
            return None
        if _shift(before.shot) <= quality.shift:
            return shot
        self._kept[shot.track_id] = _Kept(before.began_s, shot)
        return before.shot

    def take(self, track_id: int) -> Shot | None:
        """Forget a track; return the face that was kept of it."""
        kept = self._kept.pop(track_id, None)
        return None if kept is None else kept.shot

    def join(self, track_id: int, other: int) -> int:
        """
        Let a track's face compete with that of another track of the same person.

        Returns:
            How many of them have lost.
        """
        kept = self._kept.pop(track_id, None)
        if kept is None:
            return 0
        return int(self.offer(replace(kept.shot, track_id=other), kept.began_s) is not None)

    def all(self) -> Sequence[int]:
        """Return the tracks of which a face is kept."""
        return list(self._kept)

    def overdue(self, now_s: float) -> Sequence[int]:
        """Return the tracks of which one is kept for longer than `longest`: end them."""
        return [
            track_id
            for track_id, kept in self._kept.items()
            if now_s - kept.began_s > self.settings.longest
        ]


def best_of_track(shot: Shot, floor: float) -> Shot:
    """Return a face as it is forwarded by the floor, although it misses the threshold."""
    verdict = Verdict(forward=True, reason=Reason.BEST_OF_TRACK)
    words = f"{shot.assessment.detail}, at_least_one_above {floor:g}"
    return replace(shot, assessment=replace(shot.assessment, verdict=verdict, detail=words))


def _shift(shot: Shot) -> float:
    assert shot.assessment.quality is not None  # noqa: S101 -- `offer` has checked
    return shot.assessment.quality.shift
