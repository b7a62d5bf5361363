"""The networks that look at the scenes."""

from pathlib import Path

from rich.progress import Progress

from edge.config.model import DetectorSettings
from edge.detection.open import open_detector
from edge.protocols import FaceDetector
from engines.build.request import build_catalogued
from engines.catalogue.catalogue import find_entry
from engines.pair.pair import EnginePair, open_pair


def opened(folder: Path, network: str = "mobilefacenet512") -> tuple[FaceDetector, EnginePair]:
    """Return the default detector and an engine pair, built into a new folder."""
    build_catalogued(find_entry(network), folder, 1, Progress(disable=True))
    return open_detector(DetectorSettings()), open_pair(folder)
