"""What a build would do, without doing it and without a GPU."""

from collections.abc import Iterator
from contextlib import contextmanager
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
from engines.plans.planned_detector import PlannedDetector
from engines.plans.second_opinion_plan import prepare_opinion
from engines.plans.set_networks import prepare_set
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
        figures, plans = _of_pair(folder, request, options, workshop, obstacles)
    detector = None
    with _noted(obstacles):
        if options.detector is not None:
            detector, planned = _of_detector(options.detector, options, workshop, request.threads)
            plans += planned
    return Forecast(
        plans=tuple(plans),
        typing=workshop.typing if workshop else None,
        workspace_bytes=workshop.workspace_bytes if workshop else options.workspace_bytes,
        needed_bytes=needed_bytes(request.network),
        figures=figures,
        obstacles=tuple(obstacles),
        detector=detector,
    )


@contextmanager
def _noted(obstacles: list[str]) -> Iterator[None]:
    """Take what half precision does not hold for an obstacle."""
    try:
        yield
    except PrecisionError as error:
        obstacles.append(str(error))


def _of_pair(
    folder: Path,
    request: BuildRequest,
    options: PlanOptions,
    workshop: Workshop | None,
    obstacles: list[str],
) -> tuple[Fp16Figures | None, list[ForecastPlan]]:
    """Return what half precision does to a finished pair, and its plans."""
    images, figures = request.golden.images, None
    with _noted(obstacles):
        if options.precision == "fp16":
            inputs = prepare(images, request.network.specification)
            figures = gate_pair(folder, options, inputs, request.threads)
    plans = _plans(folder, options, workshop)
    with _noted(obstacles):
        opinion = prepare_opinion(folder, images, options, _typing(workshop), request.threads)
        plans += [] if opinion is None else [_plan(opinion, workshop)]
    return figures, plans


def _typing(workshop: Workshop | None) -> Typing:
    return workshop.typing if workshop else "strong"


def _plans(folder: Path, options: PlanOptions, workshop: Workshop | None) -> list[ForecastPlan]:
    manifest = read_manifest(folder)
    try:
        networks = prepare_networks(folder, manifest, options, _typing(workshop))
        return [_plan(each, workshop) for each in networks]
    except PrecisionError:  # an obstacle already
        networks = prepare_networks(folder, manifest, replace(options, precision="fp32"), "weak")
        return [_plan(each, workshop) for each in networks]


def _of_detector(
    detector: PlannedDetector, options: PlanOptions, workshop: Workshop | None, threads: int
) -> tuple[HalfDetector | None, list[ForecastPlan]]:
    """Return what half precision does to its faces, and its plans."""
    gated = gate_detector(detector, options, threads) if options.precision == "fp16" else None
    kept = {} if gated is None else gated.kept
    networks = prepare_set(detector.networks, options, _typing(workshop), kept)
    return gated, [_plan(each, workshop) for each in networks]


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
