"""Open the face detector that the configuration names."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from rich.progress import Progress

from edge.config.model import DetectorSettings
from edge.detection.mtcnn import MtcnnDetector
from edge.detection.ultraface import UltrafaceDetector
from edge.detection.yunet import YunetDetector
from edge.errors import DetectorError
from edge.protocols import FaceDetector
from engines.catalogue.catalogue import Catalogued, fetch, find_entry, located


def open_detector(settings: DetectorSettings, progress: Progress | None = None) -> FaceDetector:
    """
    Open a face detector, and obtain its files first where they are not there yet.

    Args:
        settings: `model` may be an ONNX file, for a detector of one file, or a YAML file that
            holds a catalogue entry of the user's own.
        progress: A running display of the caller's; None shows nothing.

    Raises:
        CatalogueError: The files cannot be obtained.
        DetectorError: The files are not those of this detector.
    """
    return _opened(settings, _files(settings, partial(fetch, progress=progress)))


def open_located(settings: DetectorSettings) -> FaceDetector:
    """
    Open a face detector as `open_detector` does, but obtain nothing.

    Raises:
        CatalogueError: The files are not in the cache; the message has the command that fetches.
        DetectorError: The files are not those of this detector.
    """
    return _opened(settings, _files(settings, located))


def _opened(settings: DetectorSettings, files: tuple[Path, ...]) -> FaceDetector:
    try:
        return _detector(settings, files)
    except ValueError as error:
        names = ", ".join(file.name for file in files)
        raise DetectorError(
            f"{names}: not the files of detector {settings.name}: {error}"
        ) from error


def _detector(settings: DetectorSettings, files: tuple[Path, ...]) -> FaceDetector:
    smallest_face, threads = settings.smallest_face, settings.threads
    match settings.name:
        case "mtcnn":
            return MtcnnDetector(files, smallest_face=smallest_face, threads=threads)
        case "ultraface68":
            return UltrafaceDetector(files, smallest_face=smallest_face, threads=threads)
        case "yunet":
            return YunetDetector(files, smallest_face=smallest_face, threads=threads)


def _files(
    settings: DetectorSettings, obtain: Callable[[Catalogued], tuple[Path, ...]]
) -> tuple[Path, ...]:
    if settings.model is None:
        return obtain(find_entry(settings.name))
    if settings.model.suffix == ".onnx":
        return (settings.model,)
    return obtain(find_entry(str(settings.model)))
