"""The detector and the engine pair: opened together, exchanged together, used by one thread."""

import logging
from dataclasses import dataclass

from rich.progress import Progress

from edge.config.effective import in_effect
from edge.config.engine import execution_of, frames_together
from edge.config.model import Config, Source
from edge.detection.open import open_configured
from edge.detection.plans import close_detector
from edge.gate.camera_gate import CameraGate
from edge.protocols import FaceDetector, engine_of
from engines.onnxruntime.heap import trim_heap
from engines.pair.pair import EnginePair, open_pair

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Networks:
    """What looks at faces."""

    detector: FaceDetector
    pair: EnginePair
    together: int = 1
    """Frames of different cameras whose faces are scored in one batch."""

    def close(self) -> None:
        """Release pair and detector; safe to call twice."""
        self.pair.close()
        close_detector(self.detector)

    def camera_gate(self, config: Config, source: Source) -> CameraGate:
        """Return the gate of one source, with no tracks yet."""
        return CameraGate(self.detector, self.pair, in_effect(config, source).faces)


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
    log.info("engine pair %s is run by %s", pair.pair_id, pair.engine)
    try:
        detector = open_configured(config, bars)
        log.info("detector %s is run by %s", config.detector.name, engine_of(detector))
        trim_heap()  # of what it took to read the detector's files, and to rewrite them
        return Networks(detector, pair, frames_together(config.engine, pair.manifest.backend))
    except BaseException:
        pair.close()
        raise
