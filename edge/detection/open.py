"""Open the face detector that the configuration names."""

from pathlib import Path

from rich.progress import Progress

from edge.config.model import DetectorSettings
from edge.detection.mtcnn import MtcnnDetector
from edge.detection.ultraface import UltrafaceDetector
from edge.detection.yunet import YunetDetector
from edge.errors import DetectorError
from edge.protocols import FaceDetector
from engines.catalogue.catalogue import fetch, find_entry


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
    files = _files(settings, progress)
    try:
        return _opened(settings, files)
    except ValueError as error:
        names = ", ".join(file.name for file in files)
        raise DetectorError(
            f"{names}: not the files of detector {settings.name}: {error}"
        ) from error


def _opened(settings: DetectorSettings, files: tuple[Path, ...]) -> FaceDetector:
    smallest_face, threads = settings.smallest_face, settings.threads
    match settings.name:
        case "mtcnn":
            return MtcnnDetector(files, smallest_face=smallest_face, threads=threads)
        case "ultraface68":
            return UltrafaceDetector(files, smallest_face=smallest_face, threads=threads)
        case "yunet":
            return YunetDetector(files, smallest_face=smallest_face, threads=threads)


def _files(settings: DetectorSettings, progress: Progress | None) -> tuple[Path, ...]:
    if settings.model is None:
        return fetch(find_entry(settings.name), progress)
    if settings.model.suffix == ".onnx":
        return (settings.model,)
    return fetch(find_entry(str(settings.model)), progress)
