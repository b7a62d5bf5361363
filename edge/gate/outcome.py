"""What became of the faces of one frame, and of the tracks that ended with it."""

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from edge.gate.best_shot import Shot
from edge.gate.looks.glance import Sketch
from edge.samples import Assessment, Box, Pixels, Reason
from engines.errors import BackendError

Stage: TypeAlias = Literal["detect", "track", "align", "score", "decide", "encode", "deliver"]
Search: TypeAlias = Literal["whole", "followed", "none"]
"""
Where faces were sought: in the whole frame; where those that are followed were expected, and each
was there; nowhere, since the frame shows nobody, and nothing was decided.
"""
Seconds: TypeAlias = dict[Stage, float]
LARGEST_CUT = 160
"""Pixels of a side."""


class Stopwatch:
    """Tells how long each of several stages took, one after the other."""

    def __init__(self, seconds: Seconds, clock: Callable[[], float]) -> None:
        """Begin the first stage; what each took will be found in `seconds`."""
        self._seconds, self._clock = seconds, clock
        self._begin_s = clock()

    def lap(self, stage: Stage) -> None:
        """End a stage, which may have been interrupted, and begin the next one."""
        now_s = self._clock()
        self._seconds[stage] = self._seconds.get(stage, 0.0) + now_s - self._begin_s
        self._begin_s = now_s


@dataclass(frozen=True, slots=True, eq=False)
class SeenFace:
    """One face of one frame."""

    box: Box
    track_id: int
    """Of its camera since the start of its gate; one track is one person."""
    assessment: Assessment | None
    """None when the face could not have changed what is sent, and was not scored."""
    tracklet: int = 0
    """
    What the place alone says: the tracker's id, which may go on over several people. Negative in a
    photograph: nobody is followed from one to the next.
    """
    sketch: Sketch | None = None
    """What was known of it before the networks looked; None where nothing was to be scored."""

    @property
    def is_photographed(self) -> bool:
        """Tell whether it was seen in a still image."""
        return self.tracklet < 0

    def of_track(self, track_id: int) -> "SeenFace":
        """Return the same face under the id of a track."""
        return SeenFace(self.box, track_id, self.assessment, self.tracklet, self.sketch)

    def shown(self, pixels: Pixels) -> Pixels | None:
        """
        Return what may be kept to look at: the aligned face, else its part of the frame.

        Args:
            pixels: Of the frame.

        Returns:
            (height, width, 3) uint8 BGR; None when there is nothing, or a mask lies over it.
        """
        face = self.assessment
        if face is None or face.verdict.reason is Reason.MASKED:  # masks are there for privacy
            return None
        return _cut(pixels, self.box) if face.face_image is None else face.face_image


@dataclass(slots=True)
class Outcome:
    """What one frame, or the end of the source, led to."""

    seen: tuple[SeenFace, ...] = ()
    """Every face of the frame, from left to right."""
    forwarded: list[Shot] = field(default_factory=list)
    """Faces to send, of this frame or of earlier ones."""
    discarded: Counter[Reason] = field(default_factory=Counter)
    """Faces that will never be sent, by reason."""
    failure: BackendError | None = None
    """Why the faces of the frame could not be scored; what they are counted under says so too."""
    ended: tuple[int, ...] = ()
    """Tracklets unseen for too long; they ended before the frame was decided about."""
    confirmed: frozenset[int] = frozenset()
    """Tracks of faces of the frame that are people: a second look agreed with the first."""
    joined: dict[int, int] = field(default_factory=dict)
    """Tracks that turned out to be of a person known before, with the track that goes on."""
    search: Search = "whole"
    following: int = 0
    """Tracks that were alive; without any, no time that passes changes anything."""
    seconds: Seconds = field(default_factory=dict)
    """By stage; scoring is measured where the batch is made."""

    @property
    def assessments(self) -> tuple[Assessment, ...]:
        """The faces of the frame that were decided, scored or not."""
        return tuple(face.assessment for face in self.seen if face.assessment is not None)

    @property
    def faces(self) -> int:
        """Faces found in the frame."""
        return len(self.seen)


def _cut(pixels: Pixels, box: Box) -> Pixels | None:
    """Copy the pixels within a box, coarsely when they are many; None when there are none."""
    edges = (box.left, box.top, box.right, box.bottom)
    if not all(map(math.isfinite, edges)):
        return None
    left, top, right, bottom = (max(0, round(edge)) for edge in edges)
    step = max(1, max(bottom - top, right - left) // LARGEST_CUT)
    # A view would keep the whole frame in memory.
    cut = pixels[top:bottom:step, left:right:step].copy()
    return cut if cut.size else None
