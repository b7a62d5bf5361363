"""
Who was seen last, each with the best face of its track. Pure.

A threshold decides about people: what matters of one who was not forwarded is the best face, not
the newest. A thing that is taken for a face again and again, as a pattern on a pullover, comes as
many tracks with faces much alike, and is shown once.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from edge.gate.best_shot import Shot
from edge.page.picture import NO_PICTURE
from edge.samples import Pixels, Reason

MOST_PEOPLE = 120
"""Remembered of each camera, with an aligned face each; 5 MB."""
PASSED = frozenset({Reason.FORWARDED, Reason.BEST_OF_TRACK, Reason.OBSERVED})
"""Reasons of faces that are sent, or would be."""
ALIKE_ABOVE = 0.8
"""Comparison score from which on two discarded faces are shown as one."""


@dataclass(frozen=True, slots=True, eq=False)
class Remembered:
    """What decided about one face."""

    number: int
    """Unique in one run of the process; counts up with time."""
    person: int
    """The same for all faces of a track, and for no others."""
    seen_s: float
    """Seconds since 1970 by the device's clock."""
    score: float | None
    """Quality score in [0, 100]; None when it was not scored."""
    reason: Reason
    detail: str
    eyes: tuple[float, float] = (0.0, 0.0)
    """Midpoint between the eyes, as fractions of the frame's width and height."""


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """A face to look at."""

    face: Remembered
    shot: Shot
    """Without the pixels of its frame."""
    run: str
    """Makes track ids unique."""
    picture: Pixels
    """(height, width, 3) uint8 BGR: aligned, or cut from the frame."""


@dataclass(slots=True, eq=False)
class Person:
    """The faces of one track."""

    number: int
    best: Kept | None = None
    """The highest score; the largest while none is scored; None before the first is decided."""
    forwarded: int = 0
    """Faces of it that were sent."""
    is_confirmed: bool = False
    """Whether a second look agreed with the first: a person, and no pattern taken for one."""

    def improves(self, score: float | None, inter_eye_distance: float) -> bool:
        """Tell whether a face is better to judge by than the best one so far."""
        if self.best is None:
            return True
        best = self.best.face.score
        if best is None and score is None:
            return inter_eye_distance > self.best.shot.assessment.inter_eye_distance
        return score is not None and (best is None or score > best)


@dataclass(slots=True)
class People:
    """Of one camera, who was seen last comes last; not for several threads."""

    _people: OrderedDict[tuple[str, int], Person] = field(default_factory=OrderedDict)

    def of_track(self, run: str, track: int, number: int) -> Person:
        """
        Return who is on a track.

        Args:
            run: Makes track ids unique.
            track: Its id.
            number: Given to a person who is new.
        """
        person = self._people.setdefault((run, track), Person(number))
        self._people.move_to_end((run, track))
        if len(self._people) > MOST_PEOPLE:
            self._people.popitem(last=False)
        return person

    def join(self, run: str, old: int, known: int) -> None:
        """Let a track go on that turned out to be of somebody known before."""
        gone, person = self._people.pop((run, old), None), self._people.get((run, known))
        if gone is None:
            return
        if person is None:
            self._people[run, known] = gone
            return
        person.forwarded += gone.forwarded
        person.is_confirmed |= gone.is_confirmed
        best = gone.best
        if best is not None:
            apart = best.shot.assessment.inter_eye_distance
            person.best = best if person.improves(best.face.score, apart) else person.best

    def find(self, number: int) -> Person | None:
        """Return a person by number; None when it is forgotten."""
        return next((each for each in self._people.values() if each.number == number), None)

    def all(self) -> list[tuple[Kept, int]]:
        """Return the best face of everybody with the number of faces sent, newest person last."""
        return [(one.best, one.forwarded) for one in self._people.values() if one.best is not None]

    def confirmed(self) -> list[Kept]:
        """Return the best face of everybody who was looked at twice."""
        return [each.best for each in self._people.values() if each.is_confirmed and each.best]

    def forget(self) -> None:
        """Forget everybody: scores of another engine pair cannot be compared."""
        self._people.clear()


@dataclass(frozen=True, slots=True, eq=False)
class Missed:
    """Somebody of whom no face was forwarded."""

    kept: Kept
    """The best face."""
    alike: int = 0
    """Tracks with much the same face, which this one stands for as well."""


def missed(people: Iterable[tuple[Kept, int]]) -> list[Missed]:
    """
    Return those of whom nothing was forwarded, the highest score first, then the newest.

    Args:
        people: Everybody with the number of faces sent.
    """
    lost = [kept for kept, sent in people if not sent and kept.face.reason not in PASSED]
    lost.sort(key=lambda kept: (-_score(kept), -kept.face.number))
    shown: list[Missed] = []
    for kept in lost:
        place = _place_of_alike(kept, shown)
        if place is None:
            shown.append(Missed(kept))
        else:
            shown[place] = Missed(shown[place].kept, shown[place].alike + 1)
    return shown


def _score(kept: Kept) -> float:
    return -1.0 if kept.face.score is None else kept.face.score


def _place_of_alike(kept: Kept, shown: Sequence[Missed]) -> int | None:
    embedding = kept.shot.assessment.embedding
    if embedding is None:
        return None
    for place, other in enumerate(shown):
        known = other.kept.shot.assessment.embedding
        if known is not None and float(np.dot(known, embedding)) > ALIKE_ABOVE:
            return place
    return None


def has_picture(kept: Kept) -> bool:
    """Tell whether there is anything to look at: under a mask there is not."""
    return kept.picture is not NO_PICTURE
