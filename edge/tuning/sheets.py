"""Which faces a person should look at before choosing a threshold."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from edge.footage.faces import ObservedFace, scored
from edge.samples import Reason

BESIDE = 12
"""Faces on each side of the threshold."""
NEAR = 20
"""Quality score: what is further from the threshold is not beside it."""
ENDS = 12
"""Best and worst faces."""
OF_A_REASON = 8

_Order = Callable[[tuple[ObservedFace, float]], float]


@dataclass(frozen=True, slots=True)
class Sheets:
    """Faces to look at."""

    forwarded: Sequence[ObservedFace]
    """Just forwarded: of each track the lowest score at or above the threshold, lowest first."""
    discarded: Sequence[ObservedFace]
    """Just discarded: of each track the highest score below the threshold, highest first."""
    best: Sequence[ObservedFace]
    worst: Sequence[ObservedFace]
    reasons: Sequence[tuple[Reason, int, Sequence[ObservedFace]]]
    """Each reason of a pre-check with its count and some faces, the most frequent first."""


def sheets(faces: Sequence[ObservedFace], threshold: float) -> Sheets:
    """Return the faces to look at around a threshold: one of a track, since people differ."""
    decided = sorted(scored(faces), key=lambda each: each[1])
    above = [each for each in decided if threshold <= each[1] <= threshold + NEAR]
    below = [each for each in decided if threshold - NEAR <= each[1] < threshold]
    return Sheets(
        forwarded=_lowest(above, BESIDE),
        discarded=_highest(below, BESIDE),
        best=_highest(decided, ENDS),
        worst=_lowest(decided, ENDS),
        reasons=_by_reason(faces),
    )


def _lowest(faces: Iterable[tuple[ObservedFace, float]], count: int) -> list[ObservedFace]:
    return _ends(faces, count, lambda each: each[1])


def _highest(faces: Iterable[tuple[ObservedFace, float]], count: int) -> list[ObservedFace]:
    return _ends(faces, count, lambda each: -each[1])


def _ends(
    faces: Iterable[tuple[ObservedFace, float]], count: int, order: _Order
) -> list[ObservedFace]:
    return distinct([face for face, _ in sorted(faces, key=order)], count)


def distinct(faces: Sequence[ObservedFace], count: int) -> list[ObservedFace]:
    """Return the first face of each track, in their order."""
    first: dict[int, ObservedFace] = {}
    for face in faces:
        first.setdefault(face.track, face)
    return list(first.values())[:count]


def _by_reason(
    faces: Sequence[ObservedFace],
) -> list[tuple[Reason, int, Sequence[ObservedFace]]]:
    decided = {id(face) for face, _ in scored(faces)}
    groups: dict[Reason, list[ObservedFace]] = {}
    for face in faces:
        if id(face) not in decided:
            groups.setdefault(face.reason, []).append(face)
    ranked = sorted(groups.items(), key=lambda item: -len(item[1]))
    return [(reason, len(group), distinct(group, OF_A_REASON)) for reason, group in ranked]
