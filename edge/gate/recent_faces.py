"""Faces forwarded a short while ago, so that one who stands still is not sent again and again."""

from collections import deque
from dataclasses import dataclass

import numpy as np

from edge.config.tracks import TrackSettings
from engines.quality.specification import Embeddings

REMEMBERED = 256
"""Embeddings of one camera, half a megabyte; they exist in memory only."""


@dataclass(frozen=True, slots=True, eq=False)
class _Forwarded:
    embedding: Embeddings
    seen_s: float
    shift: float


class RecentFaces:
    """The forwarded faces of one camera."""

    def __init__(self, settings: TrackSettings) -> None:
        self.settings = settings
        """May be changed at any time."""
        self._faces: deque[_Forwarded] = deque(maxlen=REMEMBERED)

    def repeats(self, embedding: Embeddings, shift: float, seen_s: float) -> bool:
        """
        Tell whether a face repeats one forwarded recently that was as good or better.

        Args:
            embedding: (D,) float32 unit vector.
            shift: Embedding shift; lower is better. A better shot of the same person is no repeat.
            seen_s: Time of its frame.
        """
        oldest = seen_s - self.settings.duplicate_within
        return any(
            face.shift <= shift
            and float(np.dot(face.embedding, embedding)) > self.settings.duplicate_above
            for face in self._faces
            if face.seen_s >= oldest
        )

    def remember(self, embedding: Embeddings, shift: float, seen_s: float) -> None:
        """Note a face that was forwarded."""
        self._faces.append(_Forwarded(embedding, seen_s, shift))

    def forget(self) -> None:
        """Forget all faces: embeddings of another network cannot be compared with them."""
        self._faces.clear()
