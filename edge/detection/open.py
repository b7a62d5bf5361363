"""Open the face detector that the configuration names."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from rich.progress import Progress

from edge.config.model import Config, DetectorSettings
from edge.detection.mtcnn import MtcnnDetector
from edge.detection.session import Running
from edge.detection.ultraface import UltrafaceDetector
from edge.detection.yunet import YunetDetector
from edge.errors import DetectorError
from edge.protocols import FaceDetector
from engines.catalogue.catalogue import Catalogued, fetch, find_entry, located
from engines.onnxruntime.backend import CPU

_DETECTORS: dict[str, Callable[..., FaceDetector]] = {
    "mtcnn": MtcnnDetector,
    "ultraface68": UltrafaceDetector,
    "yunet": YunetDetector,
}


def open_detector(
    settings: DetectorSettings,
    progress: Progress | None = None,
    providers: Sequence[str] = CPU,
) -> FaceDetector:
    """
    Open a face detector, and obtain its files first where they are not there yet.

    Args:
        settings: `model` may be an ONNX file, for a detector of one file, or a YAML file that
            holds a catalogue entry of the user's own.
        progress: A running display of the caller's; None shows nothing.
        providers: Of ONNX Runtime, in order of preference; the first one must be in use.

    Raises:
        CatalogueError: The files cannot be obtained.
        DetectorError: The files are not those of this detector.
        ProviderError: ONNX Runtime has no such provider, or it did not load.
    """
    return _opened(settings, _files(settings, partial(fetch, progress=progress)), providers)


def open_configured(config: Config, progress: Progress | None = None) -> FaceDetector:
    """
    Open the face detector of a configuration, run by what its `engine` section names.

    Raises:
        CatalogueError, DetectorError, ProviderError: See `open_detector`.
    """
    return open_detector(config.detector, progress, config.engine.providers)


def open_located(config: Config) -> FaceDetector:
    """
    Open a face detector as `open_configured` does, but obtain nothing.

    Raises:
        CatalogueError: The files are not in the cache; the message has the command that fetches.
        DetectorError: The files are not those of the detector.
        ProviderError: ONNX Runtime has no such provider, or it did not load.
    """
    settings = config.detector
    return _opened(settings, _files(settings, located), config.engine.providers)


def _opened(
    settings: DetectorSettings, files: tuple[Path, ...], providers: Sequence[str]
) -> FaceDetector:
    running = Running(threads=settings.threads, providers=tuple(providers))
    try:
        return _DETECTORS[settings.name](
            files, smallest_face=settings.smallest_face, running=running
        )
    except ValueError as error:
        names = ", ".join(file.name for file in files)
        raise DetectorError(
            f"{names}: not the files of detector {settings.name}: {error}"
        ) from error


def _files(
    settings: DetectorSettings, obtain: Callable[[Catalogued], tuple[Path, ...]]
) -> tuple[Path, ...]:
    if settings.model is None:
        return obtain(find_entry(settings.name))
    if settings.model.suffix == ".onnx":
        return (settings.model,)
    return obtain(find_entry(str(settings.model)))
