"""Faces forwarded a short while ago, so that nobody is sent again and again."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edge.config.tracks import TrackSettings
from engines.quality.specification import Embeddings

REMEMBERED = 256
"""Embeddings of one camera, half a megabyte; they exist in memory only."""


@dataclass(frozen=True, slots=True, eq=False)
class Forwarded:
    """A face that was sent."""

    track_id: int
    embedding: Embeddings
    """(D,) float32 unit vector."""
    seen_s: float
    shift: float
    """Embedding shift; lower is better."""


class RecentFaces:
    """The forwarded faces of one camera."""

    def __init__(self, settings: TrackSettings) -> None:
        self.settings = settings
        """May be changed at any time."""
        self._faces: deque[Forwarded] = deque(maxlen=REMEMBERED)

    def like(
        self,
        face: Forwarded,
        same_above: float,
        are_apart: Callable[[int, int], bool] = lambda *_: False,
    ) -> Forwarded | None:
        """
        Return the best face of the same person that was forwarded recently, None without one.

        Args:
            face: Not sent yet.
            same_above: Comparison score above which two faces are one person's.
            are_apart: Tells whether two tracks are surely of two people.
        """
        oldest = face.seen_s - self.settings.duplicate_within
        alike = [
            one
            for one in self._faces
            if one.seen_s >= oldest
            and float(np.dot(one.embedding, face.embedding)) > same_above
            and not are_apart(one.track_id, face.track_id)
        ]
        return min(alike, key=lambda one: one.shift, default=None)

    def likeness(self, face: Forwarded) -> float | None:
        """Return the highest comparison score with what was sent of its track; None without any."""
        return max(
            (
                float(np.dot(one.embedding, face.embedding))
                for one in self._faces
                if one.track_id == face.track_id
            ),
            default=None,
        )

    def remember(self, face: Forwarded) -> None:
        """Note a face that was forwarded."""
        self._faces.append(face)

    def forget(self) -> None:
        """Forget all faces: embeddings of another network cannot be compared with them."""
        self._faces.clear()
