"""
Recorded footage through the gate of one camera: the one loop of `run`, `replay` and `tune`.

Tracks, cuts between recordings, gaps, duplicates and rate limits are those of a running gate; time
is that of the recording, so that the same footage and the same settings give the same faces.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone

from edge.gate.camera_gate import CameraGate
from edge.gate.outcome import Outcome
from edge.samples import Captured, Frame
from edge.sources.clock import SourceTime


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One frame, or the end of all tracks: of a recording, a photograph, the footage."""

    captured: Captured | None
    """None at the end of tracks."""
    seen_s: float
    """By the clock that the tracks live by."""
    outcome: Outcome


def steps(frames: Iterable[Frame], gate: CameraGate) -> Iterator[Step]:
    """
    Take footage through a gate.

    Args:
        frames: Of one camera, in their order.
        gate: Fresh.

    Raises:
        DetectorError: The detector refused a frame.
        BackendError: The inference library refused a batch.
    """
    time = SourceTime(is_live=False)
    for frame in frames:
        captured = Captured(frame, 0.0, datetime.now(timezone.utc), clock_synced=False)
        if time.is_cut(captured):
            yield Step(None, time.last_s, gate.finish(time.last_s))
        outcome = gate.take(captured, time.seen_s(captured))
        if outcome.failure is not None:
            raise outcome.failure
        yield Step(captured, time.last_s, outcome)
    yield Step(None, time.last_s, gate.finish(time.last_s))
