"""
The best faces of each track, kept in memory until the track ends.

Pure: time and faces come in, decisions go out. A face that the gate discarded never gets in, so it
can never be forwarded. At most `keep` faces of a track are forwarded, and one of them may be
followed by better ones under the same track id (revision 1, 2, …) when it was sent early.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from edge.config.tracks import TrackSettings
from edge.samples import Assessment, Captured

FAR_SMALLER = 0.6
"""A face with less than this share of the kept faces' eye distance cannot be expected to win."""


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """One face of a track that the gate would forward."""

    assessment: Assessment
    captured: Captured
    """When it was seen; its frame is without pixels, which would fill the memory."""
    track_id: int
    """Of its camera since the start of the process."""
    revision: int = 0
    """0 for the first face sent of a track, counting up with each one sent later."""


@dataclass(slots=True)
class _Kept:
    """What is remembered of one track."""

    began_s: float
    shots: list[Shot] = field(default_factory=list)
    """Best first, at most `keep`."""
    sent: list[Shot] = field(default_factory=list)
    """As they were sent, with their revisions."""
    taken: list[Shot] = field(default_factory=list)
    """The same faces as they were kept."""

    @property
    def unsent(self) -> list[Shot]:
        """Those of `shots` that were not sent."""
        return [shot for shot in self.shots if not any(shot is one for one in self.taken)]


@dataclass(frozen=True, slots=True)
class Ended:
    """What is left of a track."""

    to_send: tuple[Shot, ...]
    """Best first."""
    beaten: int
    """Kept faces that are not sent after all, since one sent early is good enough."""


class BestShots:
    """The tracks of one camera."""

    def __init__(self, settings: TrackSettings) -> None:
        self._settings = settings
        self._tracks: dict[int, _Kept] = {}

    def could_win(self, track_id: int, inter_eye_distance: float) -> bool:
        """Tell whether scoring a face of so many source pixels could change what is forwarded."""
        kept = self._tracks.get(track_id)
        if kept is None or len(kept.shots) < self._settings.keep:
            return True
        worst = kept.shots[-1]
        if _score(worst) >= self._settings.enough:
            return False
        return inter_eye_distance >= FAR_SMALLER * worst.assessment.inter_eye_distance

    def offer(self, shot: Shot, seen_s: float) -> Shot | None:
        """
        Keep a face if it is one of its track's best so far; return the face that lost its place.

        Args:
            shot: A face that the gate would forward.
            seen_s: Time of its frame.

        Raises:
            ValueError: The gate discarded this face.
        """
        if not shot.assessment.verdict.forward or shot.assessment.quality is None:
            raise ValueError("a discarded face was offered as a best shot")
        kept = self._tracks.setdefault(shot.track_id, _Kept(seen_s))
        ranked = sorted([*kept.shots, shot], key=_shift)
        kept.shots, lost = ranked[: self._settings.keep], ranked[self._settings.keep :]
        # One that was sent before it lost its place is accounted for already.
        return next((one for one in lost if not any(one is sent for sent in kept.taken)), None)

    def early(self, now_s: float) -> list[Shot]:
        """Return the faces to forward before their tracks end."""
        wait = self._settings.early_after
        if wait is None:
            return []
        return [
            self._sent(kept, kept.shots[0])
            for kept in self._tracks.values()
            if kept.shots and now_s - kept.began_s >= wait and self._worth_sending(kept)
        ]

    def end(self, track_id: int) -> Ended:
        """Forget a track and return what is still to be forwarded of it."""
        kept = self._tracks.pop(track_id, None)
        if kept is None:
            return Ended((), 0)
        to_send = self._due(kept)
        return Ended(to_send, len(kept.unsent))

    def send_all(self) -> list[Shot]:
        """Return what would be forwarded if all tracks ended now; but they go on."""
        return [shot for kept in self._tracks.values() for shot in self._due(kept)]

    def _due(self, kept: _Kept) -> tuple[Shot, ...]:
        if not kept.sent:
            return tuple(self._sent(kept, shot) for shot in kept.shots)
        if kept.unsent and self._worth_sending(kept):
            return (self._sent(kept, kept.shots[0]),)
        return ()

    def overdue(self, now_s: float) -> Sequence[int]:
        """Return the tracks that have lasted longer than `longest`; end them."""
        return [
            track_id
            for track_id, kept in self._tracks.items()
            if now_s - kept.began_s > self._settings.longest
        ]

    @property
    def held(self) -> int:
        """Faces kept that were not sent yet."""
        return sum(len(kept.unsent) for kept in self._tracks.values())

    def _worth_sending(self, kept: _Kept) -> bool:
        if not kept.sent:
            return True
        gain = _score(kept.shots[0]) - max(_score(shot) for shot in kept.sent)
        return gain > 0 and gain >= self._settings.upgrade_by

    def _sent(self, kept: _Kept, shot: Shot) -> Shot:
        sent = replace(shot, revision=len(kept.sent))
        kept.sent.append(sent)
        kept.taken.append(shot)
        return sent


def _shift(shot: Shot) -> float:
    # The shift decides, not the score: the score of the best faces may be flat at 100.
    assert shot.assessment.quality is not None  # noqa: S101 -- `offer` has checked
    return shot.assessment.quality.shift


def _score(shot: Shot) -> float:
    assert shot.assessment.quality is not None  # noqa: S101 -- `offer` has checked
    return shot.assessment.quality.score
