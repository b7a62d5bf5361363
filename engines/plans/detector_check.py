"""Acceptance of a detector's plans on the device: the same faces as FP32, and how fast."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engines.errors import PairError
from engines.pair.detector_plans import FaceFigures, plan_files, read_detector_plans
from engines.pair.manifest import read_manifest
from engines.plans.device_check import WARM_RUNS, DeviceCheck
from engines.plans.planned_detector import PlannedDetector
from engines.tensorrt.backend import TensorRtNetworkSet, open_plan_set
from engines.tensorrt.sidecar import (
    DetectorAcceptance,
    Sidecar,
    read_sidecar,
    write_sidecar,
)


@dataclass(frozen=True, slots=True)
class DetectorChecked:
    """What was measured."""

    figures: FaceFigures
    networks: Mapping[str, DetectorAcceptance]
    """By name, as written into the manifest of each plan."""
    missed: tuple[str, ...]
    """Limits of the golden photographs that the faces of all photographs miss."""


def check_detector_on_device(
    folder: Path, detector: PlannedDetector, how: DeviceCheck | None = None
) -> DetectorChecked:
    """
    Run a detector's plans here, compare their faces with FP32's, time them, write it down.

    The result becomes the acceptance of each plan's manifest.

    Args:
        folder: The pair's.
        detector: The one the plans are of.
        how: Library, device and repetitions.

    Raises:
        PairError: The pair has no plans of this detector.
        BackendError: A plan cannot be loaded or run here.
    """
    chosen, manifest = how or DeviceCheck(), read_manifest(folder)
    plans = read_detector_plans(folder, manifest)
    if plans is None or plans.detector != detector.name:
        raise PairError(f"{folder}: has no plans of detector {detector.name}: build some")
    files = plan_files(folder, plans, manifest.build_command(folder, detector.name))
    sidecars = {name: read_sidecar(file.path) for name, file in files.items()}
    with closing(open_plan_set(files, chosen.runtime(plans.backend))) as opened:
        figures = detector.figures(opened.networks)
        missed = figures.missed(plans.limits)
        accepted = {
            name: _acceptance(figures, not missed, _times(opened, name, sidecar, chosen.timed_runs))
            for name, sidecar in sidecars.items()
        }
    for name, file in files.items():
        write_sidecar(file.path, sidecars[name].model_copy(update={"detection": accepted[name]}))
    return DetectorChecked(figures, accepted, missed)


def _times(
    opened: TensorRtNetworkSet, name: str, sidecar: Sidecar, runs: int
) -> NDArray[np.float64]:
    """Milliseconds of a network for the input it is tuned for, warm."""
    usual = np.zeros(sidecar.input_shapes.usual, np.float32)
    opened.device_ms(name, usual, min(WARM_RUNS, runs))
    return opened.device_ms(name, usual, runs)


def _acceptance(
    figures: FaceFigures, passed: bool, times: NDArray[np.float64]
) -> DetectorAcceptance:
    p50, p99 = np.quantile(times, (0.5, 0.99))
    return DetectorAcceptance(
        faces=figures.faces,
        box_pixels=figures.box_pixels,
        landmark_pixels=figures.landmark_pixels,
        latency_p50_ms=float(p50),
        latency_p99_ms=float(p99),
        passed=passed,
    )
