"""Open the face detector that the configuration names."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from rich.progress import Progress

from edge.config.engine import execution_of
from edge.config.model import Config, DetectorSettings
from edge.detection import mtcnn, ultraface, yunet_network
from edge.detection.mtcnn import MtcnnDetector
from edge.detection.openvino import openvino_networks
from edge.detection.plans import FoundPlans, PlannedFaceDetector, plans_for
from edge.detection.session import DetectorNetwork, Running
from edge.detection.ultraface import UltrafaceDetector
from edge.detection.yunet import YunetDetector
from edge.errors import DetectorError
from edge.protocols import FaceDetector, LocalFaceDetector
from engines.catalogue.catalogue import Catalogued, fetch, find_entry, located
from engines.errors import (
    BackendError,
    CatalogueError,
    EntryError,
    FetchError,
    HashMismatchError,
    ProviderError,
)
from engines.onnxruntime.backend import CPU
from engines.pair.execution import Execution
from engines.tensorrt.host import this_machine
from engines.tensorrt.load_gate import check_plan

log = logging.getLogger(__name__)

NETWORKS: dict[str, tuple[DetectorNetwork, ...]] = {
    "mtcnn": mtcnn.NETWORKS,
    "ultraface68": ultraface.NETWORKS,
    "yunet": (yunet_network.NETWORK,),
}
"""Of each detector, in the order of its files."""

_DETECTORS: dict[str, Callable[..., LocalFaceDetector]] = {
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
    return _opened(settings, detector_files(settings, progress), providers)


def open_configured(
    config: Config, progress: Progress | None = None, execution: Execution | None = None
) -> FaceDetector:
    """
    Open the face detector of a configuration, run by what its `engine` section names.

    Its plans run it where the engine pair has some, after they found the faces of their golden
    photographs; `close_detector` releases them.

    Args:
        config: Names detector, pair and engine.
        progress: A running display of the caller's; None shows nothing.
        execution: How to run networks; None takes the configuration's.

    Raises:
        CatalogueError, DetectorError, ProviderError: See `open_detector`.
        PairIntegrityError: Plans were changed, or find other faces than they promised.
        BackendError: Plans do not run here, and there is to be no fallback.
    """
    files = detector_files(config.detector, progress)
    return _configured(config, files, execution or execution_of(config.engine))


def open_located(config: Config, execution: Execution | None = None) -> FaceDetector:
    """
    Open a face detector as `open_configured` does, but obtain nothing.

    Raises:
        CatalogueError: The files are not in the cache; the message has the command that fetches.
    """
    files = _files(config.detector, located)
    return _configured(config, files, execution or execution_of(config.engine))


def _configured(config: Config, files: tuple[Path, ...], how: Execution) -> FaceDetector:
    settings, found = config.detector, plans_for(config, how)
    try:
        if found is None:
            return _opened(settings, files, how.providers)
        return _by_plans(settings, files, found, how)
    except BackendError as error:
        if how.fallback == "stop" or isinstance(error, ProviderError):
            raise
        log.warning(
            "running detector %s with ONNX Runtime instead of %s: %s",
            *(settings.name, "its plans" if found else "OpenVINO", error),
        )
        opened = _opened(_plain(settings), files, how.providers)
        return PlannedFaceDetector(opened, None) if found else opened


def _plain(settings: DetectorSettings) -> DetectorSettings:
    return settings.model_copy(update={"backend": "onnxruntime"})


def unobtained(settings: DetectorSettings) -> str | None:
    """
    Return which files of a detector opening it would obtain first, and the command that does now.

    Returns:
        None when all of them are here; nothing is obtained or opened.

    Raises:
        CatalogueError: Opening it would not obtain them: a file of the user's own is not there or
            not as its entry says, the entry is wrong, or the cache cannot be read.
    """
    try:
        _files(settings, located)
    except (EntryError, FetchError):
        raise
    except HashMismatchError as error:
        if settings.model is not None:
            raise
        return f"{settings.name}: {error}"
    except CatalogueError as error:
        return str(error)
    return None


def require_located(config: Config) -> None:
    """
    Say whether the detector of a configuration would open, but obtain nothing.

    ONNX files are opened. Plans are judged by their files: a second process on the GPU could take
    the memory that the running gate needs.

    Raises:
        CatalogueError: The files are not in the cache; the message has the command that fetches.
        DetectorError: The files are not those of the detector.
        ProviderError: ONNX Runtime has no such provider, or it did not load.
        PairIntegrityError: Plans were changed.
        BackendError: Plans would not load here, and there is to be no fallback.
    """
    settings, engine = config.detector, config.engine
    files = _files(settings, located)
    found = plans_for(config)
    if found is None or engine.fallback == "onnxruntime":
        judged = settings if engine.fallback == "stop" else _plain(settings)
        _opened(judged, files, engine.providers)
    if found is None:
        return
    try:
        here = this_machine(found.plans.backend)
        for plan in found.require_files(NETWORKS[settings.name], files).values():
            check_plan(plan, here)
    except BackendError:
        if engine.fallback == "stop":
            raise


def _by_plans(
    settings: DetectorSettings, files: tuple[Path, ...], found: FoundPlans, how: Execution
) -> FaceDetector:
    plans = found.require_files(NETWORKS[settings.name], files)
    networks = how.plan_set(plans, found.plans.backend)
    try:
        running = Running(settings.threads, how.providers, networks.networks)
        # The golden faces are those of the usual settings.
        usual = DetectorSettings(name=settings.name, model=settings.model)
        found.require_golden(detector_of(usual, files, running))
        return PlannedFaceDetector(detector_of(settings, files, running), networks)
    except DetectorError as error:  # of files whose hashes are right: the device refused
        networks.close()
        raise BackendError(str(error)) from error
    except BaseException:
        networks.close()
        raise


def _opened(
    settings: DetectorSettings, files: tuple[Path, ...], providers: Sequence[str]
) -> LocalFaceDetector:
    running = Running(threads=settings.threads, providers=tuple(providers))
    if settings.backend == "openvino":
        networks = openvino_networks(NETWORKS[settings.name], files, settings.threads)
        running = replace(running, instead=networks)
    return detector_of(settings, files, running)


def detector_of(
    settings: DetectorSettings, files: tuple[Path, ...], running: Running
) -> LocalFaceDetector:
    """
    Open a face detector of files that are here.

    Raises:
        DetectorError: The files are not those of this detector.
        ProviderError: ONNX Runtime has no such provider, or it did not load.
    """
    try:
        return _DETECTORS[settings.name](
            files, smallest_face=settings.smallest_face, running=running
        )
    except ValueError as error:
        names = ", ".join(file.name for file in files)
        raise DetectorError(
            f"{names}: not the files of detector {settings.name}: {error}"
        ) from error


def detector_files(
    settings: DetectorSettings, progress: Progress | None = None
) -> tuple[Path, ...]:
    """
    Return the ONNX files of a detector, and obtain them first where they are not there yet.

    Raises:
        CatalogueError: They cannot be obtained.
    """
    return _files(settings, partial(fetch, progress=progress))


def _files(
    settings: DetectorSettings, obtain: Callable[[Catalogued], tuple[Path, ...]]
) -> tuple[Path, ...]:
    if settings.model is None:
        return obtain(find_entry(settings.name))
    if settings.model.suffix == ".onnx":
        return (settings.model,)
    return obtain(find_entry(str(settings.model)))
