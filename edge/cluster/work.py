"""
What workers of a cluster have in common: the same software and the same engine pair, or none.

Everything here runs in the worker's process. One part is computed at a time in each process, since
detector and engine pair are for one thread; both stay open from part to part.
"""

import platform
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import PIL

from edge import __version__
from edge.config.model import DetectorSettings
from edge.detection.open import open_detector
from edge.errors import ClusterError, EdgeError
from edge.protocols import FaceDetector
from engines.errors import EnginesError
from engines.pair.pair import EnginePair, open_pair

ONE_PART = threading.Lock()
"""Held while a part is computed: `dask worker` may have several threads."""
OPEN_AT_ONCE = 2
"""Engine pairs: the one that judges and the one that verifies."""


@dataclass(frozen=True, slots=True)
class PairPlace:
    """An engine pair as all machines see it."""

    folder: Path
    """Absolute; on a file system that all workers share."""
    pair_id: str
    threads: int
    """For each network call, the same everywhere."""


def software() -> dict[str, str]:
    """Return the versions that decide the numbers."""
    return {
        "edge-gate": __version__,
        "machine": platform.machine(),
        "python": platform.python_version().rpartition(".")[0],
        "onnxruntime": onnxruntime.__version__,
        "opencv": cv2.__version__,
        "numpy": np.__version__,
        "pillow": PIL.__version__,
    }


def require_software(wanted: Mapping[str, str]) -> None:
    """
    Return if this process runs the same versions.

    Raises:
        ClusterError: It does not; the message names machine, versions and what to install.
    """
    mine = software()
    different = [
        f"{name} {mine.get(name)} instead of {version}"
        for name, version in wanted.items()
        if mine.get(name) != version
    ]
    if different:
        raise ClusterError(
            f"the worker on {socket.gethostname()} has {', '.join(different)}: install the same "
            "release there with the same constraints.txt, start the worker again, and run the same "
            "command: it goes on from here"
        )


@lru_cache(maxsize=OPEN_AT_ONCE)
def worker_pair(place: PairPlace) -> EnginePair:
    """
    Return the engine pair, opened once in this process.

    Raises:
        ClusterError: It cannot be opened here, or is another one.
    """
    try:
        pair = open_pair(place.folder, place.threads)
    except EnginesError as error:
        raise ClusterError(
            f"the worker on {socket.gethostname()} cannot open the pair: {error}; every worker "
            "needs it under this path"
        ) from error
    if pair.pair_id != place.pair_id:
        pair.close()
        raise ClusterError(
            f"the worker on {socket.gethostname()} has pair {pair.pair_id} in {place.folder}, this "
            f"job is for pair {place.pair_id}: copy it there, or share one folder"
        )
    return pair


@lru_cache(maxsize=1)
def worker_detector(settings: DetectorSettings) -> FaceDetector:
    """
    Return the detector, opened once in this process.

    Raises:
        ClusterError: It cannot be opened here.
    """
    try:
        return open_detector(settings)
    except (EdgeError, EnginesError) as error:
        raise ClusterError(
            f"the worker on {socket.gethostname()} cannot open the detector: {error}"
        ) from error
