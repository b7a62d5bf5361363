"""
Follow faces from frame to frame, so that one person gives one best shot.

Predicted boxes are matched to detected ones greedily by buffered IoU: both boxes are enlarged
before they are compared, because small faces leave their own outline between two frames.
Source of the buffer: Yang et al., arXiv 2211.14317.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from edge.gate.kalman import Motion, box_of, corrected, first_motion, predicted
from edge.samples import Box

BUFFER = 0.3
"""Share of a box's side by which it is enlarged on each side before boxes are compared."""


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


@dataclass(frozen=True, slots=True, eq=False)
class _Track:
    motion: Motion
    seen_s: float
    """When it was last matched."""


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
        matches = self._matches(boxes, time_s)
        ids = tuple(matches.get(index) or self._next_id() for index in range(len(boxes)))
        for track_id, box in zip(ids, boxes, strict=True):
            self._tracks[track_id] = self._seen(track_id, box, time_s)
        return Tracked(ids, ended)

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

    def _matches(self, boxes: Sequence[Box], time_s: float) -> dict[int, int]:
        """Return box index -> track id, the best overlaps first."""
        expected = {
            track_id: box_of(predicted(track.motion, max(0.0, time_s - track.seen_s)))
            for track_id, track in self._tracks.items()
        }
        pairs = sorted(
            (-buffered_iou(where, box), track_id, index)
            for track_id, where in expected.items()
            for index, box in enumerate(boxes)
        )
        return _greedy(pairs, self.settings.min_overlap)

    def _seen(self, track_id: int, box: Box, time_s: float) -> _Track:
        track = self._tracks.get(track_id)
        if track is None:
            return _Track(first_motion(box), time_s)
        elapsed = max(0.0, time_s - track.seen_s)
        motion = corrected(predicted(track.motion, elapsed), box)
        return _Track(motion, max(time_s, track.seen_s))


def _greedy(pairs: Sequence[tuple[float, int, int]], min_overlap: float) -> dict[int, int]:
    matches: dict[int, int] = {}
    for negative_overlap, track_id, index in pairs:
        if -negative_overlap < min_overlap:
            break
        if index not in matches and track_id not in matches.values():
            matches[index] = track_id
    return matches


def buffered_iou(first: Box, second: Box) -> float:
    """Return intersection over union of two boxes enlarged by `BUFFER`; 0 to 1."""
    return iou(_enlarged(first), _enlarged(second))


def iou(first: Box, second: Box) -> float:
    """Return intersection over union of two boxes; 0 to 1."""
    width = min(first.right, second.right) - max(first.left, second.left)
    height = min(first.bottom, second.bottom) - max(first.top, second.top)
    if width <= 0 or height <= 0:
        return 0.0
    common = width * height
    return common / (first.width * first.height + second.width * second.height - common)


def _enlarged(box: Box) -> Box:
    across, down = BUFFER * box.width, BUFFER * box.height
    return Box(box.left - across, box.top - down, box.right + across, box.bottom + down)
