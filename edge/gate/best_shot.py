"""
The best faces of each track, kept in memory until the track ends.

Pure: time and faces come in, decisions go out. A face that the gate discarded never gets in, so it
can never be forwarded. At most `keep` faces of a track are forwarded, and one of them may be
followed by better ones under the same track id (revision 1, 2, …) when it was sent early, or when
its person comes back.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from edge.config.tracks import TrackSettings
from edge.samples import Assessment, Captured

REMEMBERED = 256
"""Tracks of one camera whose people may come back, and be sent as a better face of the same."""
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
    replaces: int | None = None
    """Revision of the same track that this better face makes superfluous; None without one."""


@dataclass(slots=True)
class _Kept:
    """What is remembered of one track."""

    began_s: float
    seen_s: float
    """When its newest face was kept; while nothing new was sent, that of the earlier stay."""
    shots: list[Shot] = field(default_factory=list)
    """Best first, one at least and at most `keep`."""
    sent: list[Shot] = field(default_factory=list)
    """As they were sent, with their revisions."""
    is_back: bool = False
    """Whether faces of an earlier stay were sent, and none of this one."""
    taken: list[Shot] = field(default_factory=list)
    """The same faces as they were kept."""

    @property
    def unsent(self) -> list[Shot]:
        """Those of `shots` that were not sent."""
        return [shot for shot in self.shots if not any(shot is one for one in self.taken)]


@dataclass(frozen=True, slots=True)
class _Past:
    """What was sent of a track that has ended, without pictures."""

    sent: list[Shot]
    seen_s: float


@dataclass(frozen=True, slots=True)
class Ended:
    """What is left of a track."""

    to_send: tuple[Shot, ...]
    """Best first."""
    beaten: int
    """Kept faces that are not sent after all, since one sent before is good enough."""
    is_repeat: bool = False
    """Whether that one was sent of an earlier stay of the same person."""


class BestShots:
    """The tracks of one camera."""

    def __init__(self, settings: TrackSettings) -> None:
        self.settings = settings
        """May be changed while no track is kept."""
        self._tracks: dict[int, _Kept] = {}
        self._past: dict[int, _Past] = {}
        """What was sent of tracks that have ended: their people may come back."""

    def could_win(self, track_id: int, inter_eye_distance: float) -> bool:
        """Tell whether scoring a face of so many source pixels could change what is forwarded."""
        kept = self._tracks.get(track_id)
        if kept is None or len(kept.shots) < self.settings.keep:
            return True
        worst = kept.shots[-1]
        if _score(worst) >= self.settings.enough:
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
        kept = self._begun(shot.track_id, seen_s)
        if not kept.is_back:
            kept.seen_s = seen_s
        ranked = sorted([*kept.shots, shot], key=_shift)
        kept.shots, lost = ranked[: self.settings.keep], ranked[self.settings.keep :]
        # One that was sent before it lost its place is accounted for already.
        return next((one for one in lost if not any(one is sent for sent in kept.taken)), None)

    def _begun(self, track_id: int, seen_s: float) -> _Kept:
        if track_id not in self._tracks:
            self._tracks[track_id] = _Kept(seen_s, seen_s)
            past = self._past.pop(track_id, None)
            if past is not None and self._counts(past, seen_s):
                self._tracks[track_id] = _Kept(seen_s, past.seen_s, sent=past.sent, is_back=True)
        return self._tracks[track_id]

    def _counts(self, past: _Past, seen_s: float) -> bool:
        above, within = self.settings.duplicate_above, self.settings.duplicate_within
        return seen_s - past.seen_s <= within and (above is None or above < 1)

    def has_face(self, track_id: int, seen_s: float) -> bool:
        """Tell whether a face of a track's person was sent, now or before, or is to be."""
        if track_id in self._tracks:
            return True
        past = self._past.get(track_id)
        return past is not None and self._counts(past, seen_s)

    def early(self, now_s: float) -> list[Shot]:
        """Return the faces to forward before their tracks end."""
        wait = self.settings.early_after
        if wait is None:
            return []
        return [
            self._sent(kept, kept.shots[0])
            for kept in self._tracks.values()
            if now_s - kept.began_s >= wait and self._worth_sending(kept)
        ]

    def end(self, track_id: int) -> Ended:
        """Forget a track and return what is still to be forwarded of it."""
        kept = self._tracks.pop(track_id, None)
        if kept is None:
            return Ended((), 0)
        to_send = self._due(kept)
        self._remember(track_id, kept)
        return Ended(to_send, len(kept.unsent), kept.is_back)

    def forget(self) -> None:
        """Forget what was sent of tracks that have ended."""
        self._past.clear()

    def drop(self, track_id: int) -> int:
        """Forget a track that is nobody's; return how many faces are not sent because of that."""
        kept = self._tracks.pop(track_id, None)
        return 0 if kept is None else len(kept.unsent)

    def join(self, track_id: int, other: int, seen_s: float) -> int:
        """
        Let the faces of a track compete with those of another track of the same person.

        Returns:
            How many of them have lost for good.
        """
        kept = self._tracks.pop(track_id, None)
        unsent = [] if kept is None else kept.unsent
        moved = [replace(shot, track_id=other) for shot in unsent]
        return sum(self.offer(shot, seen_s) is not None for shot in moved)

    def follow(self, shot: Shot, other: int) -> Shot | None:
        """
        Return a face as a revision of an earlier track of the same person.

        None when it is not so much better, or when nothing of that track is known.
        """
        earlier = self._tracks.get(other) or self._past.get(other)
        if earlier is None or not earlier.sent:
            return None
        if not _is_worth(shot, earlier.sent, self.settings.upgrade_by):
            return None
        sent = _next_revision(replace(shot, track_id=other), earlier.sent)
        earlier.sent.append(sent)
        return sent

    def _remember(self, track_id: int, kept: _Kept) -> None:
        if kept.sent:
            light = [replace(one, assessment=_light(one)) for one in kept.sent]
            self._past[track_id] = _Past(light, kept.seen_s)
            while len(self._past) > REMEMBERED:
                del self._past[next(iter(self._past))]

    def send_all(self) -> list[Shot]:
        """Return what would be forwarded if all tracks ended now; but they go on."""
        return [shot for kept in self._tracks.values() for shot in self._due(kept)]

    def _due(self, kept: _Kept) -> tuple[Shot, ...]:
        if not kept.sent:
            return tuple(self._sent(kept, shot, upgrade=False) for shot in kept.shots)
        if self._worth_sending(kept):
            return (self._sent(kept, kept.shots[0]),)
        return ()

    def overdue(self, now_s: float) -> Sequence[int]:
        """Return the tracks that have lasted longer than `longest`; end them."""
        return [
            track_id
            for track_id, kept in self._tracks.items()
            if now_s - kept.began_s > self.settings.longest
        ]

    @property
    def held(self) -> int:
        """Faces kept that were not sent yet."""
        return sum(len(kept.unsent) for kept in self._tracks.values())

    def _worth_sending(self, kept: _Kept) -> bool:
        return not kept.sent or _is_worth(kept.shots[0], kept.sent, self.settings.upgrade_by)

    def _sent(self, kept: _Kept, shot: Shot, *, upgrade: bool = True) -> Shot:
        revision = len(kept.sent)
        sent = _next_revision(shot, kept.sent) if upgrade else replace(shot, revision=revision)
        kept.sent.append(sent)
        kept.taken.append(shot)
        kept.is_back = False
        return sent


def _is_worth(shot: Shot, sent: Sequence[Shot], upgrade_by: float) -> bool:
    gain = _score(shot) - max(_score(one) for one in sent)
    return gain > 0 and gain >= upgrade_by


def _next_revision(shot: Shot, sent: Sequence[Shot]) -> Shot:
    """Return a face numbered after those sent before, the best of which it replaces."""
    best = max(sent, key=_score, default=None)
    return replace(shot, revision=len(sent), replaces=None if best is None else best.revision)


def _light(shot: Shot) -> Assessment:
    return replace(shot.assessment, face_image=None)


def _shift(shot: Shot) -> float:
    # The shift decides, not the score: the score of the best faces may be flat at 100.
    assert shot.assessment.quality is not None  # noqa: S101 -- `offer` has checked
    return shot.assessment.quality.shift


def _score(shot: Shot) -> float:
    assert shot.assessment.quality is not None  # noqa: S101 -- `offer` has checked
    return shot.assessment.quality.score
