"""
A track is one person: what the tracker follows by place, told apart by what the networks say.

Pure. The tracker's tracklets are geometry: one goes on over two people who stand at the same place
one after the other, and two change hands when people pass each other. Here each tracklet is given
to the person whose faces its own are alike; a face that is not like those before it begins another
track, or one that is known already. How much alike is the engine pair's own scale
(`engines.biometrics.identity_scale`), and a face of low quality says little: the least likeness
that is asked of it falls with its score, down to nothing.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations

import numpy as np

from edge.config.tracks import TrackSettings
from edge.gate.outcome import SeenFace
from edge.gate.tracker import buffered_iou
from edge.samples import Box
from engines.biometrics.identity_scale import IdentityScale
from engines.quality.specification import Embeddings

TELLING = 15.0
"""
Quality score below which a face says nothing about who it is. Measured on the scenes of
`tests/scenes`: likeness to one's own mean face, 1 % quantile, is 0.23 and less below, 0.40 from 15
to 20, 0.51 to 25, 0.58 to 30, 0.67 to 40 and 0.75 above.
"""
SURE = 40.0
"""Quality score from which one face is enough to tell that somebody else stands there now."""
YOUNG = 6
"""Looks within which a track may still turn out to be of a person known before."""
REMEMBERED = 256
"""People of one camera whose mean faces are kept, in memory only: half a megabyte."""


@dataclass(slots=True)
class _Person:
    """What is known of one track's person."""

    seen_s: float
    mean: Embeddings | None = None
    """(D,) sum of the embeddings by score, None before the first telling look."""
    unit: Embeddings | None = None
    """The same of length 1."""
    looks: int = 0
    """Telling faces."""
    instead_of: int | None = None
    """The track whose tracklet this one took over because of a single doubtful face."""
    apart: set[int] = field(default_factory=set)
    """Tracks seen in one frame with it: surely other people."""

    def likeness(self, embedding: Embeddings) -> float:
        """Return the comparison score with the mean face; -1 when there is none."""
        return -1.0 if self.unit is None else float(np.dot(self.unit, embedding))

    def learn(self, embedding: Embeddings, score: float) -> None:
        """Add a face."""
        weighted = score * embedding
        self.mean = weighted if self.mean is None else self.mean + weighted
        self.unit = self.mean / np.linalg.norm(self.mean)
        self.looks += 1

    def forget(self) -> None:
        """Forget the faces, and that any was seen."""
        self.mean = self.unit = self.instead_of = None
        self.looks = 0


@dataclass(slots=True)
class Changes:
    """What a frame taught about tracks that were told apart before."""

    joined: list[tuple[int, int]] = field(default_factory=list)
    """A track, and the one of the same person that goes on in its place."""
    dropped: list[int] = field(default_factory=list)
    """Tracks of one doubtful face, after which its place showed the person before again."""


@dataclass(frozen=True, slots=True)
class _Look:
    """A face that says who it is."""

    tracklet: int
    embedding: Embeddings
    score: float


class People:
    """The people before one camera."""

    def __init__(self, settings: TrackSettings, scale: IdentityScale) -> None:
        self.settings, self.scale = settings, scale
        """May be changed at any time, the scale together with `forget`."""
        self._people: dict[int, _Person] = {}
        self._of: dict[int, int] = {}
        """Track of each tracklet; no two have the same."""
        self._open: set[int] = set()
        self._last_id = 0
        self._oldest_s = -math.inf
        """Nobody who has left was seen before it; unknown when somebody has just left."""

    @property
    def alive(self) -> int:
        """Tracks that have not ended."""
        return len(self._open)

    def track_of(self, tracklet: int) -> int | None:
        """Return the track that a tracklet's next face belongs to as far as its place tells."""
        return self._of.get(tracklet)

    def in_doubt(self, track_id: int) -> bool:
        """Tell whether another look is needed to know who this is."""
        return self._people[track_id].looks == 0 or self.is_doubted(track_id)

    def is_doubted(self, track_id: int) -> bool:
        """Tell whether it took over a place because of a single doubtful face."""
        return self._people[track_id].instead_of is not None

    def waits_for_a_second_look(self, track_id: int) -> bool:
        """Tell whether one look has told who this is, and none has confirmed it."""
        return self._people[track_id].looks == 1

    def is_confirmed(self, track_id: int) -> bool:
        """Tell whether two looks at least agreed about the person."""
        return self._people[track_id].looks > 1

    def are_apart(self, first: int, second: int) -> bool:
        """Tell whether two tracks were seen in one frame, and so are two people."""
        person = self._people.get(first)
        return person is not None and second in person.apart

    def new_track(self, seen_s: float) -> int:
        """Return the id of a track that begins."""
        self._last_id += 1
        self._oldest_s = -math.inf
        self._people[self._last_id] = _Person(seen_s)
        return self._last_id

    def identified(self, seen: Sequence[SeenFace], seen_s: float) -> tuple[list[int], Changes]:
        """
        Return the track of each face of a frame.

        Args:
            seen: With the tracklet that each belongs to.
            seen_s: Time of the frame.
        """
        self._forget_old(seen_s)
        frame = _Frame(self, seen, seen_s)
        ids = frame.resolved()
        for track in (*frame.changes.dropped, *(old for old, _ in frame.changes.joined)):
            self._forget(track)
        for track in ids:
            self._people[track].seen_s = seen_s
        self._open.update(ids)
        self._tell_apart(ids, [face.box for face in seen])
        return ids, frame.changes

    def strangers(self, seen: Sequence[SeenFace], seen_s: float) -> list[int]:
        """Return a track for each face of a photograph: nobody is known from one to the next."""
        self._forget_old(seen_s)
        ids = [self.new_track(seen_s) for _ in seen]
        self._of.update(zip((face.tracklet for face in seen), ids, strict=True))
        self._open.update(ids)
        return ids

    def _tell_apart(self, ids: Sequence[int], boxes: Sequence[Box]) -> None:
        """Note who was seen beside whom; two boxes over one another may be one face."""
        for (first, here), (second, there) in combinations(zip(ids, boxes, strict=True), 2):
            apart = self._people[first].apart
            if second not in apart and buffered_iou(here, there) == 0:
                apart.add(second)
                self._people[second].apart.add(first)

    def _forget(self, track: int) -> None:
        self._open.discard(track)
        gone = self._people.pop(track)
        for other in gone.apart:
            self._people[other].apart.discard(track)

    def end(self, tracklets: Sequence[int], seen_s: float) -> list[int]:
        """
        Return the tracks that are over.

        Args:
            tracklets: Those that ended.
            seen_s: Time of the frame.
        """
        left = {self._of.pop(tracklet, None) for tracklet in tracklets} - {None}
        followed = set(self._of.values())
        nobody = not followed
        over = [
            track
            for track in sorted(self._open - followed)
            if nobody or track in left or seen_s - self._people[track].seen_s > self.settings.gap
        ]
        if over:
            self._open -= set(over)
            self._oldest_s = -math.inf
        return over

    def forget(self, scale: IdentityScale) -> None:
        """Forget all faces: those of another pair cannot be compared with."""
        self.scale = scale
        for person in self._people.values():
            person.forget()

    def _forget_old(self, seen_s: float) -> None:
        """Forget those who have left long ago, and the oldest when they are too many."""
        oldest = seen_s - self.settings.duplicate_within
        if self._oldest_s >= oldest:
            return
        gone = [track for track in self._people if track not in self._open]
        many = len(gone) - REMEMBERED
        for number, track in enumerate(sorted(gone, key=lambda one: self._people[one].seen_s)):
            if number < many or self._people[track].seen_s < oldest:
                self._forget(track)
        left = (self._people[track].seen_s for track in gone if track in self._people)
        self._oldest_s = min(left, default=math.inf)

    def least_likeness(self, score: float) -> float:
        """Return the comparison score below which a face of this quality is of somebody else."""
        low, high = self.scale.unlike_below, self.scale.doubtful_below
        share = min(1.0, max(0.0, (score - TELLING) / (SURE - TELLING)))
        return low + share * (high - low)

    @property
    def same_above(self) -> float:
        """Comparison score above which two faces are surely one person's."""
        own = self.settings.duplicate_above
        return self.scale.same_above if own is None else own


class _Crowd:
    """The mean faces of many people, compared with one face at once."""

    def __init__(self, people: Mapping[int, _Person]) -> None:
        known = {track: one.unit for track, one in people.items() if one.unit is not None}
        self._tracks = list(known)
        self._units = np.stack([*known.values()]) if known else None

    def above(self, least: float, embedding: Embeddings) -> dict[int, float]:
        """Return the comparison scores above this one, by track."""
        if self._units is None:
            return {}
        scores = self._units @ embedding
        return {self._tracks[row]: float(scores[row]) for row in np.flatnonzero(scores > least)}


class _Frame:
    """Who is who in one frame."""

    def __init__(self, people: People, seen: Sequence[SeenFace], seen_s: float) -> None:
        self._all, self._known, self._of = people, people._people, people._of  # noqa: SLF001
        self._seen_s = seen_s
        self._tracklets = [face.tracklet for face in seen]
        self._looks = [look for face in seen if (look := _look_at(face)) is not None]
        self._by_face = people.settings.identity
        self._before = {each: self._of[each] for each in self._tracklets if each in self._of}
        self._track: dict[int, int] = {}
        """Found so far, by tracklet."""
        self.changes = Changes()

    def resolved(self) -> list[int]:
        """Return the track of each face, and remember whose each tracklet is now."""
        if not self._looks and len(self._before) == len(self._tracklets):
            return [*self._before.values()]  # places alone say it, and no two have the same track
        followed = [look for look in self._looks if look.tracklet in self._before]
        # Those known best first, so that nobody young takes their name.
        for look in sorted(followed, key=self._known_less):
            self._stay(look, self._before[look.tracklet])
        for look in self._looks:
            if look.tracklet not in self._track:
                self._move(look)
        for tracklet in self._tracklets:
            if tracklet not in self._track:
                self._follow(tracklet)
        for tracklet, track in self._track.items():
            self._take(tracklet, track)
        return [self._track[tracklet] for tracklet in self._tracklets]

    @cached_property
    def _crowd(self) -> "_Crowd":
        """Everybody as they were known before; who learns a face in this frame is taken."""
        return _Crowd(self._known)

    def _known_less(self, look: _Look) -> int:
        return -self._known[self._before[look.tracklet]].looks

    def _stay(self, look: _Look, track: int) -> None:
        """Let a face that is like those before it stay with its track."""
        if track in self._track.values():
            return
        person = self._known[track]
        doubted = person.instead_of
        if doubted is not None and self._is_again(doubted, look, person):
            self.changes.dropped.append(track)
            self._give(look, doubted)
        elif person.looks and self._is_another(look, person):
            return
        else:
            self._give(look, self._joined(look, track) if person.looks < YOUNG else track)

    def _is_another(self, look: _Look, person: _Person) -> bool:
        return self._by_face and person.likeness(look.embedding) < self._least(look)

    def _is_again(self, doubted: int, look: _Look, person: _Person) -> bool:
        """Tell whether a face shows the person before, and not the one of the doubtful face."""
        before = self._known.get(doubted)
        if before is None or doubted in self._track.values():
            return False
        return before.likeness(look.embedding) >= max(
            self._least(look), person.likeness(look.embedding)
        )

    def _joined(self, look: _Look, track: int) -> int:
        """Return who a young track is: somebody known before, if the face surely is theirs."""
        known = self._surely(look, but=track)
        if known is None or self._all.are_apart(track, known):
            return track
        self.changes.joined.append((track, known))
        return known

    def _least(self, look: _Look) -> float:
        return self._all.least_likeness(look.score)

    def _move(self, look: _Look) -> None:
        """Give a face that is not like those before it to somebody known, or to nobody yet."""
        known = self._surely(look)
        before = self._before.get(look.tracklet)
        if known is not None:
            self._give(look, known)
            return
        unlike = None if before is None else self._known[before].likeness(look.embedding)
        track = self._all.new_track(self._seen_s)
        sure = look.score >= SURE and unlike is not None and unlike < self._all.scale.unlike_below
        if not sure:
            self._known[track].instead_of = before
        self._give(look, track)

    def _surely(self, look: _Look, but: int | None = None) -> int | None:
        """Return the known person whom a face surely shows; nobody is twice in one frame."""
        if not self._by_face:
            return None
        taken = {*self._track.values(), *self._gone, but}
        likeness = self._crowd.above(self._all.same_above, look.embedding)
        free = [track for track in likeness if track not in taken]
        return max(free, key=likeness.__getitem__, default=None)

    def _follow(self, tracklet: int) -> None:
        """Let a face that says nothing go on with its place; or with the place that it left."""
        taken = {*self._track.values(), *self._gone}
        before = self._before.get(tracklet)
        if before in self._track.values():
            # Somebody surely is that person: the two have changed places.
            thief = next(each for each, track in self._track.items() if track == before)
            before = self._before.get(thief)
        if before is None or before in taken:
            before = self._all.new_track(self._seen_s)
        self._track[tracklet] = before

    @property
    def _gone(self) -> set[int]:
        """Tracks that are no more."""
        return {*self.changes.dropped, *(old for old, _ in self.changes.joined)}

    def _give(self, look: _Look, track: int) -> None:
        self._track[look.tracklet] = track
        person = self._known[track]
        if person.looks and person.instead_of is not None:
            person.instead_of = None
        person.learn(look.embedding, look.score)

    def _take(self, tracklet: int, track: int) -> None:
        for other in [each for each, one in self._of.items() if one == track and each != tracklet]:
            del self._of[other]
        self._of[tracklet] = track


def _look_at(face: SeenFace) -> _Look | None:
    known = face.assessment
    if known is None or known.embedding is None or known.quality is None:
        return None
    score = known.quality.score
    return _Look(face.tracklet, known.embedding, score) if score >= TELLING else None


def is_telling(face: SeenFace) -> bool:
    """Tell whether a face was scored, and high enough to say who it is."""
    return _look_at(face) is not None
