"""
In which frames all is searched: at once when something new moves, else every now and then.

Between two searches the faces that are followed are about where the tracker expects them, as long
as it was right about each of them the last time, and nobody else can have come while the rest of
the picture stays as it was: it is enough to look for them there. What moves is told by a small grey
picture. Pure but for that picture, and by the time of frames alone: the same footage is searched in
the same frames by `run`, `replay` and `tune`, whatever is decided about its faces.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.gate.tracker import Place
from edge.samples import Box, Pixels

WIDTH = 80
"""Cells across a thumbnail."""
LEVEL = 12
"""Grey values by which a cell differs when something moves in it; noise is below."""
MOST_CELLS = 2
"""Cells in which something may move that is no face."""
WITH_SOMEBODY_S = 0.3
"""Longest time between two searches while somebody is followed: for who comes behind him."""
EMPTY_S = 1.0
"""The same while there is nobody."""
MISSED_S = 0.15
"""For so long a face that was not found is sought in every frame; then it has left its place."""
KNOWN_S = 2.0
"""
So long motion counts as known where faces were sought meanwhile: hands, bodies and doors move all
the time. Only while somebody is followed, so that whoever comes first is found at once.
"""
BESIDE, ABOVE, BELOW = 1.0, 0.5, 3.0
"""Sides of a face's box by which hair, shoulders and chest may move about it."""
ROUNDING_S = 0.001
"""By which the times of frames may be rounded, as in Matroska."""

Cells = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Thumbnail:
    """A frame, small and grey."""

    grey: NDArray[np.uint8]
    """(height, 80) uint8."""
    cell: float
    """Source pixels that a cell is wide and high."""


def thumbnail_of(pixels: Pixels) -> Thumbnail:
    """
    Return the thumbnail of a frame: every few pixels of its green channel, averaged.

    Args:
        pixels: (height, width, 3) uint8 BGR.
    """
    height, width = pixels.shape[:2]
    step = max(1, width // (4 * WIDTH))
    few = np.ascontiguousarray(pixels[::step, ::step, 1])
    size = WIDTH, max(1, round(WIDTH * height / width))
    grey = cv2.resize(few, size, interpolation=cv2.INTER_AREA)
    return Thumbnail(grey.astype(np.uint8), width / WIDTH)


class Seeking:
    """When all that one camera shows is searched for faces."""

    def __init__(self) -> None:
        self._sought_s = 0.0
        self._thumbnail: Thumbnail | None = None
        """Of the newest frame that was searched; None when the next one has to be."""
        self._moved_s: NDArray[np.float64] = np.empty((0, 0))
        """When something last moved in a cell of a frame that was searched."""

    def forget(self) -> None:
        """Search the next frame."""
        self._thumbnail = None

    def known(
        self, thumbnail: Thumbnail, places: Sequence[Place], seen_s: float, gap_s: float
    ) -> Sequence[Place] | None:
        """
        Return where the faces of a frame are expected; None when it may show others too.

        Args:
            thumbnail: Of the frame.
            places: Where the tracks are expected in it.
            seen_s: Its time.
            gap_s: After which a face unseen has left.
        """
        before = self._thumbnail
        if before is None or before.grey.shape != thumbnail.grey.shape:
            return None
        followed = [place for place in places if place.seen_s >= self._sought_s]
        if not all(place.is_steady for place in followed):
            return None
        if any(_is_missed(place, self._sought_s, seen_s) for place in places):
            return None
        if any(seen_s - place.seen_s > gap_s for place in places):
            return None  # its track ends now
        if seen_s - self._sought_s > self._wait_s(followed, gap_s) - ROUNDING_S:
            return None
        is_new = self._is_new(_moved(before, thumbnail), followed, thumbnail.cell, seen_s)
        return None if is_new else followed

    def _wait_s(self, followed: Sequence[Place], gap_s: float) -> float:
        if not followed:
            return EMPTY_S
        # No track may end because its face was not sought.
        return min(WITH_SOMEBODY_S, gap_s / 2)

    def _is_new(self, moved: Cells, followed: Sequence[Place], cell: float, seen_s: float) -> bool:
        for place in followed:
            moved[_around(place.box, cell)] = False
        if followed and np.count_nonzero(moved) > MOST_CELLS:
            moved &= seen_s - self._moved_s > KNOWN_S
        return bool(np.count_nonzero(moved) > MOST_CELLS)

    def sought(self, thumbnail: Thumbnail | None, seen_s: float) -> None:
        """Note a frame that was searched; without a thumbnail, the next one has to be too."""
        before = self._thumbnail
        if thumbnail is None:
            self._thumbnail = None
            return
        if before is None or before.grey.shape != thumbnail.grey.shape:
            self._moved_s = np.full(thumbnail.grey.shape, -np.inf)
        else:
            near = cv2.dilate(_moved(before, thumbnail).astype(np.uint8), np.ones((5, 5), np.uint8))
            self._moved_s[near > 0] = seen_s
        self._thumbnail, self._sought_s = thumbnail, seen_s


def _is_missed(place: Place, sought_s: float, seen_s: float) -> bool:
    return place.seen_s < sought_s and seen_s - place.seen_s <= MISSED_S


def _moved(before: Thumbnail, now: Thumbnail) -> Cells:
    return np.asarray(cv2.absdiff(now.grey, before.grey) > LEVEL)


def _around(box: Box, cell: float) -> tuple[slice, slice]:
    """Return the cells in which a person moves whose face is expected in a box."""
    across, down = BESIDE * box.width, box.height
    left, right = box.left - across, box.right + across
    top, bottom = box.top - ABOVE * down, box.bottom + BELOW * down
    return _cells(top, bottom, cell), _cells(left, right, cell)


def _cells(begin: float, end: float, cell: float) -> slice:
    return slice(max(0, int(begin / cell)), max(0, int(end / cell) + 1))
