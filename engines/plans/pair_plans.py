"""Add the plans of both networks to an engine pair, so that the pair runs on this device."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from rich.progress import Progress

from engines.build.build import BuildRequest, build_pair
from engines.graph.fp16_gate import Fp16Figures
from engines.onnxruntime.heap import trim_heap
from engines.pair.folder import replaced_at_once, require_destination
from engines.pair.golden_vectors import Tolerance
from engines.pair.manifest import (
    FileRecord,
    Manifest,
    identified,
    read_manifest,
    write_manifest,
)
from engines.pair.pair import open_pair
from engines.plans.build import build_plan
from engines.plans.file import PlanParts, write_plan
from engines.plans.gate import gate_pair
from engines.plans.half_pair import (
    PreparedNetwork,
    prepare_networks,
)
from engines.plans.memory import available_bytes, default_workspace
from engines.plans.options import PlanOptions
from engines.plans.request import PlanRequest
from engines.plans.timing_cache import default_path, read_timings, write_timings
from engines.plans.typing_mode import Typing, choose_typing
from engines.pruning.recipe import Role
from engines.quality.preprocess import prepare
from engines.quality.specification import FaceImages
from engines.tensorrt.api import Api, Flavour, load_api
from engines.tensorrt.cuda.choose import open_cuda
from engines.tensorrt.cuda.port import CudaPort
from engines.tensorrt.cuda.round_trip import make_round_trip
from engines.tensorrt.fingerprint import Fingerprint
from engines.tensorrt.host import this_machine
from engines.tensorrt.load_gate import on_device
from engines.tensorrt.sidecar import read_sidecar

log = logging.getLogger(__name__)

HALF_TOLERANCE = Tolerance(minimum_cosine=0.9995, shift_absolute=3e-3, shift_relative=0.05)
"""
Golden vectors are FP32 on a CPU. Emulated FP16 moves embeddings of MobileFaceNet-512 to a cosine of
0.99998 and shifts by 1e-3 at most; a device may sum in another order, hence three times that. A
wrong colour order still moves a cosine below 0.99.
"""


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


def build_pair_with_plans(
    request: BuildRequest,
    out: Path,
    options: PlanOptions,
    progress: Progress,
    tools: Tools | None = None,
) -> Manifest:
    """
    Build an engine pair and its plans into `out`, replacing a pair there only when all is proved.

    Args:
        request: Network, golden faces and recipe.
        out: The pair's folder.
        options: About the plans.
        progress: A running display of the caller's.
        tools: Library and device; None takes this machine's.

    Raises:
        BackendError: No device, no TensorRT, or it refused; see `engines.tensorrt.errors`.
        PrecisionError: FP16 does not hold this pair.
        PairError: See `build_pair`.
    """
    used = tools or Tools()
    require_destination(out)
    # First of all: a missing driver or library must not cost the minutes of the rest.
    workshop = replace(open_workshop(options, used), threads=request.threads)
    with replaced_at_once(out) as folder:
        build_pair(request, folder, progress)
        manifest = add_plans(folder, request.golden.images, workshop, progress)
        if options.flavour == "tensorrt":
            used.prove(folder)
    return manifest


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


def add_plans(folder: Path, faces: FaceImages, workshop: Workshop, progress: Progress) -> Manifest:
    """
    Build the plans of a finished pair and let its manifest name them.

    Args:
        folder: The pair's.
        faces: (N, height, width, 3) uint8 BGR aligned faces to measure FP16 on.
        workshop: Library, device and choices.
        progress: A running display of the caller's.

    Raises:
        BackendError: TensorRT refused.
        PrecisionError: FP16 does not hold this pair.
    """
    manifest, options = read_manifest(folder), workshop.options
    figures = None
    if options.precision == "fp16":
        task = progress.add_task("measuring FP16 on the golden faces", total=None)
        inputs = prepare(faces, manifest.specification)
        figures = gate_pair(folder, options, inputs, workshop.threads)
        del inputs
        progress.remove_task(task)
    plans: dict[Role, FileRecord] = {}
    networks = prepare_networks(folder, manifest, options, workshop.typing)
    for role, network in zip(manifest.files, networks, strict=True):
        path = _build_one(folder, network, figures, workshop, progress)
        sidecar = read_sidecar(path)
        plans[role] = FileRecord(
            name=path.name, sha256=sidecar.plan_sha256, bytes=sidecar.plan_bytes
        )
    update: dict[str, object] = {
        "backend": options.flavour,
        "plans": plans,
        "versions": {**manifest.versions, options.flavour: workshop.api.version},
    }
    if options.precision == "fp16":
        update["golden"] = manifest.golden.model_copy(update={"tolerance": HALF_TOLERANCE})
    changed = identified(manifest.model_copy(update=update))
    write_manifest(folder, changed)
    return changed


def _build_one(
    folder: Path,
    network: PreparedNetwork,
    figures: Fp16Figures | None,
    workshop: Workshop,
    progress: Progress,
) -> Path:
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
    parts = PlanParts(request, built, network.source, workshop.here, network.output_shapes, figures)
    return write_plan(folder, parts)


def plan_request(
    network: PreparedNetwork, workshop: Workshop, timings: bytes | None = None
) -> PlanRequest:
    """Return what TensorRT is asked for one network."""
    options = workshop.options
    return PlanRequest(
        title=network.source.role,
        onnx=network.onnx,
        input_name=network.input_name,
        input_shape=network.input_shape,
        outputs=network.outputs,
        profile=network.profile,
        workspace_bytes=workshop.workspace_bytes,
        typing=workshop.typing,
        precision=options.precision,
        kept_fp32=network.source.kept_fp32,
        sparse=bool(network.source.two_four_layers),
        timings=timings,
        compute_capability=options.compute_capability,
    )
