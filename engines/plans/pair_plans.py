"""Add the plans of both networks to an engine pair, so that the pair runs on this device."""

from dataclasses import replace
from pathlib import Path

from rich.progress import Progress

from engines.build.build import BuildRequest, build_pair
from engines.pair.folder import replaced_at_once, require_destination
from engines.pair.golden_vectors import Tolerance
from engines.pair.manifest import (
    FileRecord,
    Manifest,
    read_manifest,
    write_changed,
)
from engines.plans.detector_plans import add_detector_plans, prove_detector
from engines.plans.gate import gate_pair
from engines.plans.half_pair import (
    prepare_networks,
)
from engines.plans.options import PlanOptions
from engines.plans.second_opinion_plan import add_second_opinion_plan
from engines.plans.workshop import Tools, Workshop, build_network_plan, open_workshop
from engines.pruning.recipe import Role
from engines.quality.preprocess import prepare
from engines.quality.specification import FaceImages

HALF_TOLERANCE = Tolerance(minimum_cosine=0.9995, shift_absolute=3e-3, shift_relative=0.05)
"""
Golden vectors are FP32 on a CPU. Emulated FP16 moves embeddings of MobileFaceNet-512 to a cosine of
0.99998 and shifts by 1e-3 at most; a device may sum in another order, hence three times that. A
wrong colour order still moves a cosine below 0.99.
"""


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
        add_plans(folder, request.golden.images, workshop, progress)
        manifest = add_second_opinion_plan(folder, request.golden.images, workshop, progress)
        if options.detector is not None:
            manifest = add_detector_plans(folder, options.detector, workshop, progress)
        if options.flavour == "tensorrt":
            used.prove(folder)
            if options.detector is not None:
                prove_detector(folder, manifest, options.detector, used.plan_set)
    return manifest


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
        plans[role] = build_network_plan(folder, network, figures, workshop, progress)
    update: dict[str, object] = {
        "backend": options.flavour,
        "plans": plans,
        "versions": {**manifest.versions, options.flavour: workshop.api.version},
    }
    if options.precision == "fp16":
        update["golden"] = manifest.golden.model_copy(update={"tolerance": HALF_TOLERANCE})
    return write_changed(folder, manifest, update)
