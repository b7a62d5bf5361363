"""What plans are built with: library, device and choices; and one network's plan built with it."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from rich.progress import Progress

from engines.graph.fp16_gate import Fp16Figures
from engines.onnxruntime.heap import trim_heap
from engines.pair.execution import OpenPlanSet, open_plan_set
from engines.pair.manifest import FileRecord
from engines.pair.pair import open_pair
from engines.plans.builder.build import build_plan
from engines.plans.builder.request import PlanRequest
from engines.plans.builder.timing_cache import default_path, read_timings, write_timings
from engines.plans.builder.typing_mode import Typing, choose_typing
from engines.plans.file import PlanParts, write_plan
from engines.plans.half_pair import PreparedNetwork
from engines.plans.memory import available_bytes, default_workspace
from engines.plans.options import PlanOptions
from engines.tensorrt.api import Api, Flavour, load_api
from engines.tensorrt.cuda.choose import open_cuda
from engines.tensorrt.cuda.port import CudaPort
from engines.tensorrt.cuda.round_trip import make_round_trip
from engines.tensorrt.fingerprint import Fingerprint
from engines.tensorrt.host import this_machine
from engines.tensorrt.load_gate import on_device
from engines.tensorrt.sidecar import read_sidecar

log = logging.getLogger(__name__)


def prove(folder: Path) -> None:
    """Open a finished pair on this device, golden vectors and all."""
    open_pair(folder).close()


@dataclass(frozen=True, slots=True)
class Tools:
    """What plans are built with; tests pass their own parts."""

    cuda: Callable[[], CudaPort] = open_cuda
    api: Callable[[Flavour], Api] = load_api
    here: Callable[[Flavour], Fingerprint] = this_machine
    available: Callable[[], int] = available_bytes
    """Free memory in bytes."""
    prove: Callable[[Path], None] = prove
    plan_set: OpenPlanSet = open_plan_set
    """Opens a detector's plans."""


@dataclass(frozen=True, slots=True)
class Workshop:
    """Library, device and choices of one build."""

    options: PlanOptions
    api: Api
    typing: Typing
    here: Fingerprint
    available: Callable[[], int]
    """Free memory in bytes."""
    threads: int = 1
    """Of ONNX Runtime, while FP16 is measured."""

    @property
    def workspace_bytes(self) -> int:
        """Of what is free when asked: last of all, when nothing else is held any more."""
        return self.options.workspace_bytes or default_workspace(self.available())


def open_workshop(options: PlanOptions, tools: Tools) -> Workshop:
    """
    Ask device and library what they are, CUDA first: without a driver TensorRT crashes.

    The device is asked by a round trip: a binding that cannot load a plan must not cost the minutes
    of building one.

    Raises:
        CudaError: No device.
        BuildError: No library, or it does not offer the wanted typing.
    """
    here = tools.here(options.flavour)
    if options.flavour == "tensorrt":
        port = tools.cuda()
        try:
            here = on_device(here, make_round_trip(port).device)
        finally:
            port.close()
    elif options.compute_capability is not None:
        number = options.compute_capability.removeprefix("SM")
        here = replace(here, compute_capability=f"{number[:-1]}.{number[-1:]}")
    api = tools.api(options.flavour)
    typing = choose_typing(api, options.typing)
    workshop = Workshop(options, api, typing, replace(here, tensorrt=api.version), tools.available)
    _ = workshop.workspace_bytes  # a machine that does not tell it is found now
    return workshop


def build_network_plan(
    folder: Path,
    network: PreparedNetwork,
    figures: Fp16Figures | None,
    workshop: Workshop,
    progress: Progress,
) -> FileRecord:
    """
    Build one plan into a folder, beside its manifest.

    Args:
        folder: Where the plan goes.
        network: As TensorRT shall get it.
        figures: Of the FP16 gate, for the plan's manifest; None for FP32.
        workshop: Library, device and choices.
        progress: A running display of the caller's.

    Raises:
        BackendError: TensorRT refused.
    """
    # RTX warns that its timing caches do nothing.
    keeps_timings = workshop.options.flavour == "tensorrt"
    cache = workshop.options.timing_cache or default_path(workshop.here)
    trim_heap()
    request = plan_request(network, workshop, read_timings(cache) if keeps_timings else None)
    built = build_plan(workshop.api, request, progress)
    if built.timings:
        write_timings(cache, built.timings)
    for warning in built.warnings:
        log.info("TensorRT warned while building %s: %s", network.source.role, warning)
    parts = PlanParts(request, built, network.source, workshop.here, network.outputs, figures)
    path = write_plan(folder, parts)
    sidecar = read_sidecar(path)
    return FileRecord(name=path.name, sha256=sidecar.plan_sha256, bytes=sidecar.plan_bytes)


def plan_request(
    network: PreparedNetwork, workshop: Workshop, timings: bytes | None = None
) -> PlanRequest:
    """Return what TensorRT is asked for one network."""
    options = workshop.options
    return PlanRequest(
        title=network.source.role,
        onnx=network.onnx,
        input_name=network.input_name,
        shapes=network.shapes,
        outputs=tuple(output.name for output in network.outputs),
        workspace_bytes=workshop.workspace_bytes,
        typing=workshop.typing,
        precision=network.source.precision,
        kept_fp32=network.source.kept_fp32,
        sparse=bool(network.source.two_four_layers),
        timings=timings,
        compute_capability=options.compute_capability,
    )
