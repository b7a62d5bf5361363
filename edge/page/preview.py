"""What another threshold would have done with the faces assessed last. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from edge.gate.decision_replay import SCOREABLE
from edge.page.people import Kept, Remembered
from edge.samples import Reason

BINS = 50
"""Of the histogram of scores."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What one threshold forwards."""

    faces: int
    """Faces at or above it."""
    people: int
    """People with such a face."""


@dataclass(frozen=True, slots=True)
class Preview:
    """Two thresholds over the same faces."""

    faces: int
    """Assessed faces, those that a pre-check discarded among them: all rates are of these."""
    people: int
    """Those seen last, and remembered with their best face."""
    now: Counted
    then: Counted
    gained: tuple[Kept, ...]
    """The best face of everybody who would pass as well, the closest to the threshold first."""
    lost: tuple[Kept, ...]
    """The best face of everybody who would be lost, in the same order."""
    unscored: dict[str, int]
    """Faces that no threshold decides about, by the words of their reason."""


def preview(
    faces: Sequence[Remembered], people: Sequence[Kept], now: float, then: float
) -> Preview:
    """
    Compare two thresholds.

    Args:
        faces: Of one camera, scored by one engine pair.
        people: The best face of everybody.
        now: The threshold in effect.
        then: The one to look at.
    """
    scores = [score for score, _ in scored(faces)]
    best = [(score, kept) for kept in people for score, _ in scored([kept.face])]
    return Preview(
        faces=len(faces),
        people=len(people),
        now=_counted(scores, best, now),
        then=_counted(scores, best, then),
        gained=_closest([each for each in best if then <= each[0] < now], then),
        lost=_closest([each for each in best if now <= each[0] < then], then),
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


def _counted(
    scores: Iterable[float], best: Iterable[tuple[float, Kept]], threshold: float
) -> Counted:
    return Counted(
        faces=sum(score >= threshold for score in scores),
        people=sum(score >= threshold for score, _ in best),
    )


def _closest(found: Iterable[tuple[float, Kept]], threshold: float) -> tuple[Kept, ...]:
    return tuple(kept for _, kept in sorted(found, key=lambda each: abs(each[0] - threshold)))
