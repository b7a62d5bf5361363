"""What a build would do, without doing it and without a GPU."""

from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.progress import Progress

from engines.build.build import BuildRequest, build_pair
from engines.build.memory import needed_bytes
from engines.errors import BackendError, PrecisionError
from engines.graph.fp16_gate import Fp16Figures
from engines.pair.manifest import read_manifest
from engines.plans.builder.typing_mode import Typing
from engines.plans.detector_plans import HalfDetector, gate_detector
from engines.plans.file import plan_name
from engines.plans.gate import gate_pair
from engines.plans.half_pair import PreparedNetwork, prepare_networks
from engines.plans.options import PlanOptions
from engines.plans.workshop import Tools, Workshop, open_workshop, plan_request
from engines.quality.preprocess import prepare


@dataclass(frozen=True, slots=True)
class ForecastPlan:
    """One plan that would be built."""

    name: str | None
    """Of the file; None where no TensorRT or no device is here to name it after."""
    role: str
    weights_bytes: int
    """About what the plan will weigh; kernels come on top."""
    two_four_layers: int
    uneven_layers: tuple[tuple[str, int], ...]
    """Convolutions whose output channels are no multiple of 8, with their number."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """All of it."""

    plans: tuple[ForecastPlan, ...]
    typing: Typing | None
    workspace_bytes: int | None
    needed_bytes: int
    """About what the build needs before TensorRT starts."""
    figures: Fp16Figures | None
    obstacles: tuple[str, ...]
    """Why the build would fail here; empty if it would go through."""
    detector: HalfDetector | None = None
    """What half precision does to the faces of the detector that shall go with it."""


def forecast(
    request: BuildRequest, options: PlanOptions, progress: Progress, tools: Tools | None = None
) -> Forecast:
    """
    Build the pair for ONNX Runtime in a scratch folder and say what its plans would be.

    Raises:
        PairError: The pair itself would be refused; see `build_pair`.
    """
    obstacles: list[str] = []
    workshop: Workshop | None = None
    try:
        workshop = open_workshop(options, tools or Tools())
    except BackendError as error:
        obstacles.append(str(error))
    with TemporaryDirectory(prefix="edge-gate-") as scratch:
        folder = Path(scratch) / "pair"
        build_pair(request, folder, progress)
        figures = None
        if options.precision == "fp16":
            try:
                inputs = prepare(request.golden.images, request.network.specification)
                figures = gate_pair(folder, options, inputs, request.threads)
            except PrecisionError as error:
                obstacles.append(str(error))
        plans = _plans(folder, options, workshop)
    detector = None
    if options.detector is not None and options.precision == "fp16":
        try:
            detector = gate_detector(options.detector, options, request.threads)
        except PrecisionError as error:
            obstacles.append(str(error))
    return Forecast(
        plans=plans,
        typing=workshop.typing if workshop else None,
        workspace_bytes=workshop.workspace_bytes if workshop else options.workspace_bytes,
        needed_bytes=needed_bytes(request.network),
        figures=figures,
        obstacles=tuple(obstacles),
        detector=detector,
    )


def _plans(
    folder: Path, options: PlanOptions, workshop: Workshop | None
) -> tuple[ForecastPlan, ...]:
    typing, manifest = workshop.typing if workshop else "strong", read_manifest(folder)
    try:
        networks = prepare_networks(folder, manifest, options, typing)
        return tuple(_plan(each, workshop) for each in networks)
    except PrecisionError:  # an obstacle already
        networks = prepare_networks(folder, manifest, replace(options, precision="fp32"), "weak")
        return tuple(_plan(each, workshop) for each in networks)


def _plan(network: PreparedNetwork, workshop: Workshop | None) -> ForecastPlan:
    source, name = network.source, None
    if workshop is not None:
        name = plan_name(plan_request(network, workshop), source, workshop.here)
    return ForecastPlan(
        name=name,
        role=source.role,
        weights_bytes=len(network.onnx),
        two_four_layers=len(source.two_four_layers),
        uneven_layers=network.uneven_layers,
    )
