"""
The decisions of a camera gate once more, on faces that were found, followed and scored before.

What was recorded of a gate in mode `observe` is what the detector, the tracker and the networks
said. All that comes after them is asked of the same `Selection` that a running gate asks, so that
what is told of a threshold is what the gate would do by it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from edge.config.effective import CameraSettings
from edge.config.model import GateSettings
from edge.gate.decision import decide
from edge.gate.looks.glance import Glance
from edge.gate.outcome import Outcome, SeenFace
from edge.gate.selection import Selection
from edge.samples import Captured, Frame, Reason
from engines.biometrics.identity_scale import IdentityScale

NO_PIXELS = np.empty((0, 0, 3), np.uint8)
SCOREABLE = frozenset({Reason.FORWARDED, Reason.LOW_QUALITY})
"""Reasons of the faces that a threshold decides about; pre-checks have discarded all others."""


@dataclass(frozen=True, slots=True, eq=False)
class RecordedFrame:
    """What one frame, or the end of tracks without one, told a gate that scored every face."""

    captured: Captured
    """Without pixels."""
    seen_s: float
    """By the clock that its tracks live by."""
    ended: tuple[int, ...]
    """Tracklets that ended before its faces were looked at."""
    seen: tuple[SeenFace, ...] = ()
    """Its faces, without pictures."""

    def glances(self) -> list[Glance]:
        """Return what was known of its faces before the networks looked at them."""
        return [_glance(face) for face in self.seen]

    def looked(self, looked_at: frozenset[int]) -> list[SeenFace]:
        """Return its faces as they are to a gate that looks at those of these tracklets only."""
        return [_looked(face, looked_at) for face in self.seen]


def recorded(captured: Captured, seen_s: float, outcome: Outcome) -> RecordedFrame:
    """Return what is to be remembered of a frame; nothing in it holds a picture."""
    light = without_pixels(captured)
    seen = tuple(
        face
        if face.assessment is None
        else replace(face, assessment=replace(face.assessment, frame=light.frame, face_image=None))
        for face in outcome.seen
    )
    return RecordedFrame(light, seen_s, outcome.ended, seen)


def without_pixels(captured: Captured) -> Captured:
    """Return the same frame without its pixels, which would fill the memory."""
    frame = captured.frame
    light = Frame(NO_PIXELS, frame.source, frame.index, frame.time_s)
    return Captured(light, captured.monotonic_s, captured.wall, captured.clock_synced)


def replayed(
    frames: Iterable[RecordedFrame], settings: CameraSettings, limit: float, scale: IdentityScale
) -> Iterator[Outcome]:
    """
    Yield what a gate of these settings does with each frame.

    Args:
        frames: Of one camera and one run of its gate, in their order, until all tracks have ended.
            They were recorded with the same pre-checks, masks, pair and `tracks.gap`.
        settings: Decide.
        limit: Quality score at which faces pass by them.
        scale: Of the pair that scored.
    """
    selection = Selection(settings, limit, scale)
    for frame in frames:
        outcome = Outcome(ended=frame.ended)
        selection.begin(frame.ended, frame.seen_s, outcome)
        looked_at = selection.worth_a_look(frame.glances(), frame.seen_s)
        seen = [decided_again(face, settings.gate) for face in frame.looked(looked_at)]
        selection.conclude(seen, frame.captured, frame.seen_s, outcome)
        yield outcome


def _glance(face: SeenFace) -> Glance:
    eyes = 0.0 if face.assessment is None else face.assessment.inter_eye_distance
    return Glance(face.tracklet, face.box, eyes, face.sketch)


def _looked(face: SeenFace, looked_at: frozenset[int]) -> SeenFace:
    known = face.assessment
    if known is None or (face.sketch is None and known.verdict.reason not in SCOREABLE):
        return face
    return face if face.tracklet in looked_at else replace(face, assessment=None)


def decided_again(face: SeenFace, gate: GateSettings) -> SeenFace:
    """Return a face with the verdict of other settings, if a threshold decides about it."""
    known = face.assessment
    if known is None or known.verdict.reason not in SCOREABLE:
        return face
    verdict = decide(known.quality, gate)
    if verdict == known.verdict:
        return face
    return replace(face, assessment=replace(known, verdict=verdict))
