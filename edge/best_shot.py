"""
The best faces of each track, kept in memory until the track ends.

Pure: time and faces come in, decisions go out. A face that the gate discarded never gets in, so it
can never be forwarded. At most `keep` faces of a track are forwarded, and one of them may be
followed by better ones under the same track id (revision 1, 2, …) when it was sent early.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from edge.gate import Features
from edge.samples import Assessment
from edge.settings_tracks import TrackSettings

FAR_SMALLER = 0.6
"""A face with less than this share of the kept faces' eye distance cannot be expected to win."""


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """One face of a track that the gate would forward."""

    assessment: Assessment
    seen_s: float
    """Time of its frame."""
    revision: int = 0
    """0 for the first face sent of a track, counting up with each one sent later."""


@dataclass(slots=True)
class _Kept:
    """What is remembered of one track."""

    began_s: float
    shots: list[Shot] = field(default_factory=list)
    """Best first, at most `keep`."""
    sent: list[Shot] = field(default_factory=list)


class BestShots:
    """The tracks of one camera."""

    def __init__(self, settings: TrackSettings) -> None:
        self._settings = settings
        self._tracks: dict[int, _Kept] = {}

    def could_win(self, track_id: int, features: Features) -> bool:
        """Tell by cheap features whether scoring this face could change what is forwarded."""
        kept = self._tracks.get(track_id)
        if kept is None or len(kept.shots) < self._settings.keep:
            return True
        worst = kept.shots[-1]
        if _score(worst) >= self._settings.enough:
            return False
        return features.inter_eye_distance >= FAR_SMALLER * worst.assessment.inter_eye_distance

    def offer(self, track_id: int, assessment: Assessment, seen_s: float) -> bool:
        """
        Keep a face if it is one of its track's best so far, and tell whether it was kept.

        Raises:
            ValueError: The gate discarded this face.
        """
        if not assessment.verdict.forward or assessment.quality is None:
            raise ValueError("a discarded face was offered as a best shot")
        kept = self._tracks.setdefault(track_id, _Kept(seen_s))
        shot = Shot(assessment, seen_s)
        kept.shots = sorted([*kept.shots, shot], key=_shift)[: self._settings.keep]
        return any(one is shot for one in kept.shots)

    def early(self, now_s: float) -> list[tuple[int, Shot]]:
        """Return the faces to forward before their tracks end, with their track ids."""
        wait = self._settings.early_after
        if wait is None:
            return []
        return [
            (track_id, self._sent(kept, kept.shots[0]))
            for track_id, kept in self._tracks.items()
            if kept.shots and now_s - kept.began_s >= wait and self._worth_sending(kept)
        ]

    def end(self, track_id: int) -> list[Shot]:
        """Forget a track and return what is still to be forwarded of it, best first."""
        kept = self._tracks.pop(track_id, None)
        if kept is None:
            return []
        if not kept.sent:
            return [self._sent(kept, shot) for shot in kept.shots]
        return [self._sent(kept, kept.shots[0])] if self._worth_sending(kept) else []

    def overdue(self, now_s: float) -> Sequence[int]:
        """Return the tracks that have lasted longer than `longest`; end them."""
        return [
            track_id
            for track_id, kept in self._tracks.items()
            if now_s - kept.began_s > self._settings.longest
        ]

    def _worth_sending(self, kept: _Kept) -> bool:
        if not kept.sent:
            return True
        gain = _score(kept.shots[0]) - max(_score(shot) for shot in kept.sent)
        return gain > 0 and gain >= self._settings.upgrade_by

    def _sent(self, kept: _Kept, shot: Shot) -> Shot:
        sent = Shot(shot.assessment, shot.seen_s, revision=len(kept.sent))
        kept.sent.append(sent)
        return sent


def _shift(shot: Shot) -> float:
    # The shift decides, not the score: the score of the best faces may be flat at 100.
    assert shot.assessment.quality is not None  # noqa: S101 -- `offer` has checked
    return shot.assessment.quality.shift


def _score(shot: Shot) -> float:
    assert shot.assessment.quality is not None  # noqa: S101 -- `offer` has checked
    return shot.assessment.quality.score
