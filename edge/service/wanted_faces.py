"""Which faces a purge is about, and what came of looking for them."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from edge.errors import ImageError
from edge.samples import Pixels
from engines.quality.specification import Embeddings

EVER = -math.inf
"""Seconds: an age that every face has, also one stored by a clock that ran ahead."""


class Person(Protocol):
    """Whose faces are looked for; see `edge.service.likeness`."""

    @property
    def pair_id(self) -> str:
        """Of the pair whose embeddings `score_of` compares."""

    def score_of(self, embedding: Embeddings) -> float:
        """Return the comparison score of a (D,) unit vector."""

    def score(self, picture: Pixels) -> float | None:
        """Return the comparison score of a face image; None when it cannot be compared."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which faces are to be deleted: those of which all of this is so."""

    older_than_s: float = EVER
    """Seconds since they were stored."""
    camera: str | None = None
    """Name; None for all."""
    person: Person | None = None
    """None for everybody."""
    match_score: float = 1.0
    """Comparison score from which a face is this person's."""

    @property
    def by_age_alone(self) -> bool:
        """Whether nobody needs to look into the faces."""
        return self.camera is None and self.person is None


@dataclass(frozen=True, slots=True)
class Purged:
    """One face that was deleted, or would be; or a line of a history."""

    name: str
    """Idempotency key, file name without extension, camera and number, or a file set aside."""
    bytes: int
    """0 in a history."""
    stored_at: float
    """Seconds since 1970 by the device's clock."""
    score: float | None = None
    """Comparison score; None when nothing was compared."""
    kind: str = "face"
    """`face`, or what a history has: `count`, `event`, `mark`."""


@dataclass(slots=True)
class Purge:
    """What came of one place."""

    gone: list[Purged] = field(default_factory=list)
    nearest: float | None = None
    """Highest comparison score of the faces that stay; None when none was compared."""
    unknown: list[str] = field(default_factory=list)
    """Names of what stays because nobody can tell whose it is, or of which camera."""
    is_faceless: bool = False
    """It has counts, events and marks, which nobody can compare with a person."""


Looked = Callable[[], None]
"""Called for each face that was compared: it takes a while."""


@dataclass(slots=True)
class Search:
    """The faces of one place beside what is wanted."""

    wanted: Wanted
    looked: Looked
    found: Purge = field(default_factory=Purge)
    scores: dict[str, float] = field(default_factory=dict)
    """Of the faces that matched, by name."""

    def is_of_camera(self, name: str, camera: str | None) -> bool:
        """Tell whether a face is of the wanted camera; None when nobody knows its camera."""
        if self.wanted.camera is None:
            return True
        if camera is None:
            self.found.unknown.append(name)
        return camera == self.wanted.camera

    def matches(self, name: str, score: Callable[[Person], float | None]) -> bool:
        """Tell whether a face is the wanted person's, by what this returns of that person."""
        if self.wanted.person is None:
            return True
        self.looked()
        try:
            found = score(self.wanted.person)
        except ImageError:
            found = None
        if found is None:
            self.found.unknown.append(name)
            return False
        if found >= self.wanted.match_score:
            self.scores[name] = found
            return True
        nearest = self.found.nearest
        self.found.nearest = found if nearest is None else max(found, nearest)
        return False

    def gone(self, name: str, size: int, stored_at: float) -> None:
        """Note a face that was deleted, or would be."""
        self.found.gone.append(Purged(name, size, stored_at, self.scores.get(name)))


def nobody_waits() -> None:
    """Show no progress."""
