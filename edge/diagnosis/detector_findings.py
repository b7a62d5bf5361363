"""Findings about the face detector: what would run it here, and whether it would."""

from collections.abc import Iterator
from pathlib import Path

from edge.config.engine import execution_of
from edge.config.model import Config, DetectorSettings
from edge.detection.open import open_located
from edge.detection.plans import PlannedFaceDetector, close_detector, plans_for
from edge.diagnosis.doctor import Finding, State
from edge.errors import DetectorError
from edge.protocols import engine_of
from engines.errors import CatalogueError, EnginesError
from engines.pair.execution import Execution
from engines.pair.manifest import read_manifest
from engines.plans.check import detector_state
from engines.tensorrt.probe import Probe


def detector_plan_findings(
    folder: Path, chosen: DetectorSettings | None = None
) -> Iterator[Finding]:
    """
    Yield whether the plans of a detector that a pair has would load, as far as files tell.

    Args:
        folder: Of an engine pair; of none, or one without plans, nothing is said.
        chosen: The configured detector; None where nothing is configured.
    """
    try:
        manifest = read_manifest(folder)
    except EnginesError:
        return  # said of the pair
    if manifest.flavour is None:
        return
    wanted = manifest.build_command(folder, chosen.name, chosen.model) if chosen else ""
    topic, state = f"detector of {folder}", detector_state(folder, manifest, rebuild=wanted)
    plans = state.plans
    remedy = wanted or manifest.build_command(folder, plans.detector if plans else "mtcnn")
    for fault in state.faults:
        yield Finding(topic, "problem", fault, remedy)
    if state.faults:
        return
    if plans is None:
        text = "the pair has plans and none of a detector: ONNX Runtime runs that"
        yield Finding(topic, "note", text, remedy)
        return
    networks = ", ".join(f"{name} in {each.precision}" for name, each in plans.networks.items())
    text = f"plans of {plans.detector} ({networks}) load, as far as files tell"
    yield Finding(topic, "ok", text)


def detector_findings(
    config: Config, probe: Probe, execution: Execution | None = None
) -> Iterator[Finding]:
    """
    Yield whether the configured detector opens here, and what runs it; nothing is obtained.

    Args:
        config: Names detector, pair and engine.
        probe: TensorRT is only touched where CUDA has answered.
        execution: How to run networks; None takes the configuration's.
    """
    topic, how = f"detector {config.detector.name}", execution or execution_of(config.engine)
    try:
        planned = plans_for(config, how, warns=False)  # opening it does
        if planned and how.fallback == "stop" and probe.device is None:
            yield Finding(topic, "problem", "its plans need a GPU, and CUDA found none", "see CUDA")
            return
        detector = open_located(config, how)
    except CatalogueError as error:
        yield _told(topic, "note", error)
        return
    except (DetectorError, EnginesError) as error:
        yield _told(topic, "problem", error)
        return
    try:
        text = f"opens: {engine_of(detector)}"
        if isinstance(detector, PlannedFaceDetector) and detector.is_planned:
            text = f"finds the faces of its golden photographs: {detector.engine}"
        yield Finding(topic, "ok", text)
    finally:
        close_detector(detector)


def _told(topic: str, state: State, error: Exception) -> Finding:
    what, _, remedy = str(error).rpartition(": ")
    return Finding(topic, state, what or str(error), remedy if what else "")
