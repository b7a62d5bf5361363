"""
Follow faces from frame to frame, so that one person gives one best shot.

Predicted boxes are matched to detected ones greedily by buffered IoU: both boxes are enlarged
before they are compared, because small faces leave their own outline between two frames.
Source of the buffer: Yang et al., arXiv 2211.14317.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from edge.gate.kalman import Motion, box_of, corrected, first_motion, predicted
from edge.samples import Box, iou

BUFFER = 0.3
"""Share of a box's side by which it is enlarged on each side before boxes are compared."""
STEADY = 0.5
"""Least intersection over union of a box with the one expected of a track that moves steadily."""


@dataclass(frozen=True, slots=True)
class TrackerSettings:
    """When two boxes are one face."""

    min_overlap: float = 0.2
    """Least buffered IoU of a predicted and a detected box, in (0, 1]."""
    max_gap_s: float = 1.0
    """A face unseen for longer than this has left; seconds."""


@dataclass(frozen=True, slots=True)
class Tracked:
    """What one frame did to the tracks."""

    ids: tuple[int, ...]
    """Track id of each detected box, in the order given; ids start at 1 and never return."""
    ended: tuple[int, ...]
    """Ids of the tracks that ended before this frame."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a track is expected."""

    box: Box
    seen_s: float
    """When it was last matched."""
    is_steady: bool
    """Its face was where it had been expected, the last time that it was matched."""


@dataclass(frozen=True, slots=True, eq=False)
class _Track:
    motion: Motion
    seen_s: float
    """When it was last matched."""
    is_steady: bool = False


@dataclass(slots=True)
class Tracker:
    """Gives each face of one camera an id that survives short occlusion."""

    settings: TrackerSettings = field(default_factory=TrackerSettings)
    _tracks: dict[int, _Track] = field(default_factory=dict)
    _last_id: int = 0

    @property
    def alive(self) -> int:
        """Number of tracks."""
        return len(self._tracks)

    def update(self, boxes: Sequence[Box], time_s: float) -> Tracked:
        """
        Match the boxes of one frame to the tracks.

        Args:
            boxes: Detected faces, any order.
            time_s: Time of the frame; a time before the last frame's counts as that one's.
        """
        ended = self.expire(time_s)
        expected = self._expected(time_s)
        matches = self._matches(expected, boxes)
        ids = tuple(matches.get(index) or self._next_id() for index in range(len(boxes)))
        for track_id, box in zip(ids, boxes, strict=True):
            self._tracks[track_id] = self._seen(track_id, expected.get(track_id), box, time_s)
        return Tracked(ids, ended)

    def places(self, time_s: float) -> list[Place]:
        """Return where the faces of all tracks are expected at a time."""
        return [
            Place(box_of(motion), track.seen_s, track.is_steady)
            for motion, track in zip(
                self._expected(time_s).values(), self._tracks.values(), strict=True
            )
        ]

    def _expected(self, time_s: float) -> dict[int, Motion]:
        return {
            track_id: predicted(track.motion, max(0.0, time_s - track.seen_s))
            for track_id, track in self._tracks.items()
        }

    def expire(self, time_s: float) -> tuple[int, ...]:
        """End the tracks unseen for longer than `max_gap_s` and return their ids."""
        ended = tuple(
            track_id
            for track_id, track in self._tracks.items()
            if time_s - track.seen_s > self.settings.max_gap_s
        )
        for track_id in ended:
            del self._tracks[track_id]
        return ended

    def end_all(self) -> tuple[int, ...]:
        """End every track, at the end of a source, and return their ids."""
        ended = tuple(self._tracks)
        self._tracks.clear()
        return ended

    def _next_id(self) -> int:
        self._last_id += 1
        return self._last_id

    def _matches(self, expected: Mapping[int, Motion], boxes: Sequence[Box]) -> dict[int, int]:
        """Return box index -> track id, the best overlaps first."""
        pairs = sorted(
            (-iou(where, box), track_id, index)
            for track_id, where, index, box in _near(expected, boxes)
        )
        return _greedy(pairs, self.settings.min_overlap)

    def _seen(self, track_id: int, expected: Motion | None, box: Box, time_s: float) -> _Track:
        if expected is None:
            return _Track(first_motion(box), time_s)
        before = self._tracks[track_id]
        is_steady = iou(box_of(expected), box) >= STEADY
        seen_s = max(time_s, before.seen_s)
        return _Track(corrected(expected, box), seen_s, is_steady)


def _near(
    expected: Mapping[int, Motion], boxes: Sequence[Box]
) -> Iterator[tuple[int, Box, int, Box]]:
    """
    Yield tracks with the boxes that they may overlap, both enlarged.

    In a crowd most boxes lie beside each other: a box that begins beyond the end of another, or
    further before it than the widest is wide, is never looked at.
    """
    enlarged = _from_left(boxes)
    lefts = [box.left for _, box in enlarged]
    widest = max((box.width for _, box in enlarged), default=0.0)
    for track_id, motion in expected.items():
        where = _enlarged(box_of(motion))
        first, end = bisect_left(lefts, where.left - widest), bisect_left(lefts, where.right)
        for index, box in enlarged[first:end]:
            yield track_id, where, index, box


def _greedy(pairs: Sequence[tuple[float, int, int]], min_overlap: float) -> dict[int, int]:
    matches: dict[int, int] = {}
    taken: set[int] = set()
    for negative_overlap, track_id, index in pairs:
        if -negative_overlap < min_overlap:
            break
        if index not in matches and track_id not in taken:
            matches[index] = track_id
            taken.add(track_id)
    return matches


def touching(boxes: Sequence[Box], more_than: float) -> set[int]:
    """
    Return the places of boxes that overlap another one.

    Args:
        boxes: In any order; those side by side are not compared.
        more_than: Buffered IoU, 0 to 1.
    """
    if len(boxes) < 2:
        return set()
    enlarged = _from_left(boxes)
    found: set[int] = set()
    for place, (index, box) in enumerate(enlarged, start=1):
        end = bisect_left(enlarged, box.right, lo=place, key=lambda one: one[1].left)
        for other, beside in enlarged[place:end]:
            if iou(box, beside) > more_than:
                found |= {index, other}
    return found


def buffered_iou(first: Box, second: Box) -> float:
    """Return intersection over union of two boxes enlarged by `BUFFER`; 0 to 1."""
    return iou(_enlarged(first), _enlarged(second))


def _from_left(boxes: Sequence[Box]) -> list[tuple[int, Box]]:
    """Return boxes enlarged, each with its place, by where they begin."""
    enlarged = ((place, _enlarged(box)) for place, box in enumerate(boxes))
    return sorted(enlarged, key=lambda one: one[1].left)


def _enlarged(box: Box) -> Box:
    across, down = BUFFER * box.width, BUFFER * box.height
    return Box(box.left - across, box.top - down, box.right + across, box.bottom + down)
