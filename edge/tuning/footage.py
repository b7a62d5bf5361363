"""The faces of one camera's footage, as a threshold is chosen from them. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]
"""(S,) quality scores in [0, 100]; higher is better."""
Tracks = NDArray[np.intp]
"""(S,) track of each face, from 0 without gaps; a face of a still image is its own track."""
Forwarded: TypeAlias = Callable[[Sequence[float]], Sequence[Tracks]]
"""
Returns, for each of many thresholds, the track of each face that the gate forwards by it, after
best shots, repeats and rate limits; the same for the same threshold.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Footage:
    """The faces of one camera's footage."""

    score: Scores
    """(S,) of the faces that passed the pre-checks and were scored."""
    track: Tracks
    """(S,) of the same faces."""
    discarded_track: Tracks
    """(X,) of the faces that no threshold can forward: pre-checks, failed assessments."""
    minutes: float | None = None
    """Length of the recording; None for still images."""
    forwarded: Forwarded | None = None
    """What the gate makes of it; needed for `per_minute`."""
    confirmed: int | None = None
    """Tracks with a scored face that are people for sure; None where all of them are."""

    def __post_init__(self) -> None:
        if self.score.shape != self.track.shape:
            raise ValueError(f"{self.score.shape} scores for {self.track.shape} tracks")
        if not np.isfinite(self.score).all():
            raise ValueError("a score is not finite")
        if np.unique(self._every_track()).size != self.track_count:
            raise ValueError("the tracks are not numbered from 0 without gaps")

    def _every_track(self) -> Tracks:
        return np.concatenate([self.track, self.discarded_track])

    @property
    def track_count(self) -> int:
        """Number of tracks, with or without a face that can be forwarded."""
        return int(self._every_track().max(initial=-1)) + 1

    @property
    def faces(self) -> int:
        """Number of faces found, scored or not."""
        return self.score.size + self.discarded_track.size

    @property
    def people(self) -> int:
        """Number of people with a face that can be forwarded."""
        return self.tracks if self.confirmed is None else self.confirmed

    @property
    def more(self) -> str:
        """What to do where this is not enough."""
        return "record longer" if self.minutes else "give more photographs, or video"

    @property
    def tracks(self) -> int:
        """Number of tracks with a face that can be forwarded."""
        return np.unique(self.track).size


def best_of_tracks(footage: Footage, keep: int) -> NDArray[np.intp]:
    """Return the indices of the best `keep` scored faces of each track, by track, best first."""
    order = np.lexsort((-footage.score, footage.track))
    ordered = footage.track[order]
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])[: ordered.size])
    lengths = np.diff(np.append(starts, ordered.size))
    rank = np.arange(ordered.size) - np.repeat(starts, lengths)
    return order[rank < keep]
