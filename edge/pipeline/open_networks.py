"""The detector and the engine pair: opened together, exchanged together, used by one thread."""

from dataclasses import dataclass

from rich.progress import Progress

from edge.config.changes import decisions
from edge.config.engine import execution_of, frames_together
from edge.config.model import Config, Source
from edge.detection.open import open_detector
from edge.gate.camera_gate import CameraGate, CameraSettings
from edge.protocols import FaceDetector
from edge.sources.files import holds_video
from engines.pair.pair import EnginePair, open_pair


@dataclass(frozen=True, slots=True)
class Networks:
    """What looks at faces."""

    detector: FaceDetector
    pair: EnginePair
    together: int = 1
    """Frames of different cameras whose faces are scored in one batch."""

    def camera_gate(self, config: Config, source: Source) -> CameraGate:
        """Return the gate of one source, with no tracks yet."""
        return CameraGate(self.detector, self.pair, camera_settings(config, source))


def camera_settings(config: Config, source: Source) -> CameraSettings:
    """Return what decides about the faces of one source."""
    decided = decisions(config, source)
    is_stills = not source.uri.is_live and not holds_video(source.uri.path)
    # Photographs are no recording of a walk: nobody is followed from one to the next.
    mode = "every" if is_stills and decided.mode == "best_shot" else decided.mode
    return CameraSettings(decided.gate, decided.tracks, mode, decided.polygons)


def open_networks(config: Config, bars: Progress | None = None) -> Networks:
    """
    Open the engine pair, prove it by its golden vectors, and open the detector.

    Args:
        config: Names them.
        bars: A running display for files that must be fetched first; None shows nothing.

    Raises:
        EnginesError: The pair is missing, wrong, or does not compute what it promised.
        DetectorError: The files are not those of the detector.
    """
    pair = open_pair(config.pair, config.threads, execution_of(config.engine))
    try:
        detector = open_detector(config.detector, bars)
        return Networks(detector, pair, frames_together(config.engine, pair.manifest.backend))
    except BaseException:
        pair.close()
        raise
