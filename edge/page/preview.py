"""What another threshold would have done with the faces assessed last. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from edge.gate.decision_replay import SCOREABLE
from edge.page.memory import Remembered
from edge.samples import Reason

BINS = 50
"""Of the histogram of scores."""
MOST_SHOWN = 12
"""Faces that change sides, for each direction."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What one threshold forwards."""

    faces: int
    """Faces at or above it."""
    people: int
    """Tracks with such a face."""


@dataclass(frozen=True, slots=True)
class Preview:
    """Two thresholds over the same faces."""

    faces: int
    """Assessed faces, those that a pre-check discarded among them: all rates are of these."""
    people: int
    """Tracks they belong to."""
    now: Counted
    then: Counted
    gained: tuple[Remembered, ...]
    """Faces that would be forwarded as well: of each person the closest to the threshold first."""
    lost: tuple[Remembered, ...]
    """Faces that would be discarded, in the same order."""
    gained_count: int
    lost_count: int
    unscored: dict[str, int]
    """Faces that no threshold decides about, by the words of their reason."""


def preview(faces: Sequence[Remembered], now: float, then: float) -> Preview:
    """
    Compare two thresholds.

    Args:
        faces: Of one camera, scored by one engine pair.
        now: The threshold in effect.
        then: The one to look at.
    """
    decided = list(scored(faces))
    gained = [(score, face) for score, face in decided if then <= score < now]
    lost = [(score, face) for score, face in decided if now <= score < then]
    return Preview(
        faces=len(faces),
        people=len({face.track for face in faces}),
        now=_counted(decided, now),
        then=_counted(decided, then),
        gained=_closest(gained, then),
        lost=_closest(lost, then),
        gained_count=len(gained),
        lost_count=len(lost),
        unscored=_unscored(faces),
    )


def scored(faces: Iterable[Remembered]) -> Iterable[tuple[float, Remembered]]:
    """Yield the faces that a threshold decides about, with their scores."""
    for face in faces:
        if face.score is not None and face.reason in SCOREABLE:
            yield face.score, face


def histogram(faces: Iterable[Remembered]) -> list[int]:
    """Return how many scores lie in each of the bins from 0 to 100; 100 lies in the last."""
    counts = [0] * BINS
    for score, _ in scored(faces):
        counts[min(BINS - 1, int(score * BINS / 100))] += 1
    return counts


def reason_words(reason: Reason) -> str:
    """Return a reason as people write it."""
    return reason.value.replace("_", " ")


def _unscored(faces: Sequence[Remembered]) -> dict[str, int]:
    decided = {face.number for _, face in scored(faces)}
    return dict(Counter(reason_words(face.reason) for face in faces if face.number not in decided))


def _counted(decided: Iterable[tuple[float, Remembered]], threshold: float) -> Counted:
    passing = [face for score, face in decided if score >= threshold]
    return Counted(len(passing), len({face.track for face in passing}))


def _closest(found: list[tuple[float, Remembered]], threshold: float) -> tuple[Remembered, ...]:
    """Choose the closest face of each person, the closest first; then the second of each, …."""
    found.sort(key=lambda each: abs(each[0] - threshold))
    earlier = Counter[int]()
    ranked = []
    for place, (_, face) in enumerate(found):
        ranked.append((earlier[face.track], place, face))
        earlier[face.track] += 1
    ranked.sort(key=lambda each: each[:2])
    return tuple(face for _, _, face in ranked[:MOST_SHOWN])
