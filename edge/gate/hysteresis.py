"""Who has passed the gate stays through for a little while: hysteresis, track by track. Pure."""

from dataclasses import dataclass, field, replace

import numpy as np

from edge.config.model import GateSettings
from edge.samples import Assessment, Reason, Verdict
from engines.quality.score_mapping import ScoreMapping


@dataclass(slots=True)
class Hysteresis:
    """Of one camera."""

    by: float
    """Quality score: how far below the limit the faces of a track pass that has passed before."""
    passed: set[int] = field(default_factory=set)
    """Tracks one of whose faces reached the limit."""

    def decided(self, track_id: int, face: Assessment, limit: float) -> Assessment:
        """Return the face with the verdict that its track gives it; `limit` is a quality score."""
        if face.verdict.forward:
            self.passed.add(track_id)
            return face
        if track_id not in self.passed or not _nearly_passes(face, limit - self.by):
            return face
        passes = Verdict(forward=True, reason=Reason.FORWARDED)
        return replace(face, verdict=passes, detail=f"{face.detail}, hysteresis {self.by:g}")

    def join(self, track_id: int, known: int) -> None:
        """Let what a track has passed be what another one of the same person has."""
        if track_id in self.passed:
            self.passed.remove(track_id)
            self.passed.add(known)

    def end(self, track_id: int) -> None:
        """Forget a track that has ended, or is nobody's."""
        self.passed.discard(track_id)


def limit_of(settings: GateSettings, mapping: ScoreMapping) -> float:
    """Return the quality score at which faces pass."""
    if settings.shift_at_most is None:
        return settings.threshold
    (limit,) = mapping.score(np.array([settings.shift_at_most], np.float32))
    return float(limit)


def _nearly_passes(face: Assessment, least: float) -> bool:
    """Tell whether a face was discarded for nothing but a score, and that is not below `least`."""
    is_low = face.verdict.reason is Reason.LOW_QUALITY
    return is_low and face.quality is not None and face.quality.score >= least
