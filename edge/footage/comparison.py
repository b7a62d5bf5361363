"""
Of whom one configuration forwards a face and another does not, and why. Pure.

People are compared, not frames: two configurations may send different pictures of the same person.
Whose tracks are one person's is told by the place of their faces in the same footage, and by their
embeddings, which the same person's tracks share who left and came back.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import TypeAlias

import numpy as np

from edge.footage.rerun import Best, Place, Rerun, Sent, Track
from edge.samples import Box, Reason, iou
from engines.quality.specification import Embeddings

SAME_FACE = 0.5
"""Least IoU of two boxes of one frame that are the same face; detectors may differ."""
SAME_TRACK = 0.5
"""Least share of the shorter track's faces that lie where the other one's do."""
TELLING = 20.0
"""Quality score from which an embedding tells who somebody is."""
NOT_FOUND = "no face found there"
NOT_SCORED = "no face of this person was scored"
BEATEN = "good enough, but one like it was sent before"
NOTHING_SENT = "good enough, but mode observe sends nothing"
PASSES = frozenset({Reason.FORWARDED, Reason.OBSERVED})


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """One person, as both configurations saw them."""

    first: Sequence[Track]
    second: Sequence[Track]

    @property
    def is_confirmed(self) -> bool:
        """Whether one of the two looked twice, and agreed with itself."""
        return any(track.is_confirmed for track in (*self.first, *self.second))

    def sent(self) -> tuple[Sequence[Sent], Sequence[Sent]]:
        """Return the faces that each of the two sends."""
        return sent_of(self.first), sent_of(self.second)


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Everybody, in exactly one of four places."""

    both: Sequence[Compared]
    only_first: Sequence[Compared]
    only_second: Sequence[Compared]
    neither: Sequence[Compared]
    unconfirmed: tuple[int, int] = (0, 0)
    """Faces sent by each of tracks that no second look confirmed; they count nowhere else."""


def compare(first: Rerun, second: Rerun, same_above: float | None) -> Comparison:
    """
    Return of whom each configuration sends a face; the best known people first.

    Args:
        first: What one did with the footage.
        second: What the other did with the same.
        same_above: Comparison score above which two faces are surely one person's; None when the
            two have different engine pairs, whose embeddings cannot be compared.
    """
    everybody = _people(first, second, same_above)
    people = [each for each in everybody if each.is_confirmed]
    others = [each.sent() for each in everybody if not each.is_confirmed]
    places: dict[tuple[bool, bool], list[Compared]] = defaultdict(list)
    for person in people:
        sent = person.sent()
        places[bool(sent[0]), bool(sent[1])].append(person)
    return Comparison(
        both=places[True, True],
        only_first=places[True, False],
        only_second=places[False, True],
        neither=places[False, False],
        unconfirmed=(sum(len(one) for one, _ in others), sum(len(one) for _, one in others)),
    )


def why_not(tracks: Sequence[Track]) -> str:
    """Return why a configuration that saw somebody like this sent no face."""
    best = best_of(tracks)
    if best is None:
        return NOT_SCORED if tracks else NOT_FOUND
    if best.reason is Reason.OBSERVED:
        return NOTHING_SENT
    if best.reason in PASSES:
        return BEATEN
    return f"{best.reason.value}: {best.detail}"


def best_of(tracks: Sequence[Track]) -> Best | None:
    """Return the best face of several tracks of one person."""
    known = [track.best for track in tracks if track.best is not None]
    return max(known, key=lambda best: -1.0 if best.score is None else best.score, default=None)


def sent_of(tracks: Sequence[Track]) -> list[Sent]:
    """Return the faces that are sent of several tracks of one person."""
    return [sent for track in tracks for sent in track.sent]


Node = tuple[int, int]
"""Side, 0 or 1, and track."""
Faces: TypeAlias = Mapping[Place, Sequence[tuple[Node, Box]]]
"""The faces of one side by their frame, each with its track."""


def _people(first: Rerun, second: Rerun, same_above: float | None) -> list[Compared]:
    tracks = {
        (side, track.number): track
        for side, rerun in enumerate((first, second))
        for track in rerun.tracks.values()
        if track.places or track.sent
    }
    known: dict[Node, set[Node]] = {node: {node} for node in tracks}
    sides = _by_frame(tracks, 0), _by_frame(tracks, 1)
    for one, other in _at_one_place(tracks, *sides):
        _unite(known, one, other)
    apart = _seen_together(sides)
    for one, other in _alike(tracks, same_above):
        if apart.isdisjoint(product(known[one], known[other])):
            _unite(known, one, other)
    groups = {id(group): sorted(group) for group in known.values()}
    return [
        Compared(*([tracks[node] for node in group if node[0] == side] for side in (0, 1)))
        for group in groups.values()
    ]


def _unite(known: dict[Node, set[Node]], one: Node, other: Node) -> None:
    if known[one] is not known[other]:
        known[one] |= known[other]
        for node in known[one]:
            known[node] = known[one]


def _alike(tracks: dict[Node, Track], same_above: float | None) -> Iterator[tuple[Node, Node]]:
    """Yield tracks whose faces are surely one person's."""
    if same_above is None:
        return
    telling = {
        node: vector for node, track in tracks.items() if (vector := _vector(track)) is not None
    }
    for one, other in combinations(telling, 2):
        if float(np.dot(telling[one], telling[other])) > same_above:
            yield one, other


def _vector(track: Track) -> Embeddings | None:
    best = track.best
    if best is None or best.score is None or best.score < TELLING:
        return None
    return best.embedding


def _by_frame(tracks: dict[Node, Track], side: int) -> Faces:
    found: dict[Place, list[tuple[Node, Box]]] = defaultdict(list)
    for node, track in tracks.items():
        if node[0] == side:
            for place, box in track.places:
                found[place].append((node, box))
    return found


def _at_one_place(
    tracks: dict[Node, Track], first: Faces, second: Faces
) -> Iterator[tuple[Node, Node]]:
    shared: Counter[tuple[Node, Node]] = Counter()
    for place, faces in first.items():
        for node, box in faces:
            near = [(iou(beside, box), other) for other, beside in second.get(place, ())]
            overlap, other = max(near, default=(0.0, node))
            if overlap >= SAME_FACE:
                shared[node, other] += 1
    for (one, other), count in shared.items():
        shorter = min(len(tracks[one].places), len(tracks[other].places))
        if count >= SAME_TRACK * shorter:
            yield one, other


def _seen_together(sides: Iterable[Faces]) -> set[tuple[Node, Node]]:
    """Return tracks of one side that were in one frame: surely different people."""
    apart: set[tuple[Node, Node]] = set()
    for side in sides:
        for faces in side.values():
            for (one, _), (other, _) in combinations(faces, 2):
                apart |= {(one, other), (other, one)}
    return apart
