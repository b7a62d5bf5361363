"""The files of a plan: their names, and writing both so that a reader never sees half of it."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from engines.graph.fp16_gate import Fp16Figures
from engines.plans.builder.build import BuiltPlan
from engines.plans.builder.request import PlanRequest
from engines.tensorrt.fingerprint import Fingerprint
from engines.tensorrt.plan_header import HEADER_BYTES, read_header
from engines.tensorrt.profile import ShapeProfile
from engines.tensorrt.sidecar import (
    SCHEMA,
    BuildRecord,
    Sidecar,
    Source,
    TensorDescription,
    sidecar_path,
    write_sidecar,
)
from engines.whole_file import write_whole


@dataclass(frozen=True, slots=True)
class PlanParts:
    """All that a plan's manifest is made of."""

    request: PlanRequest
    built: BuiltPlan
    source: Source
    fingerprint: Fingerprint
    outputs: tuple[TensorDescription, ...]
    """In the request's order; (D,) for an embedding."""
    figures: Fp16Figures | None = None
    """What the FP16 gate measured on the whole pair; None for FP32."""


def plan_name(request: PlanRequest, source: Source, fingerprint: Fingerprint) -> str:
    """
    Return a file name that says what the plan is and where it runs.

    For example dense-87aacdfe-fp16-b1_4_8-trt10.3.0-sm8.7x8.plan.
    """
    batch = _sizes(request.shapes)
    library = f"{'rtx' if fingerprint.flavour == 'rtx' else 'trt'}{fingerprint.tensorrt}"
    device = f"sm{fingerprint.compute_capability or 'any'}"
    if fingerprint.multiprocessors is not None:
        device += f"x{fingerprint.multiprocessors}"
    form = () if source.prelu == "spelled" else (source.prelu,)
    words = (source.role, source.sha256[:8], source.precision, *form, batch, library, device)
    return "-".join(words) + ".plan"


def _sizes(shapes: ShapeProfile) -> str:
    if shapes.is_batches:
        return "b" + "_".join(str(shape[0]) for shape in shapes.all)
    return "to" + "x".join(str(axis) for axis in shapes.largest[1:])


def write_plan(folder: Path, parts: PlanParts) -> Path:
    """
    Write a plan and its manifest; the manifest comes last, and without it a plan is not used.

    Raises:
        PlanIntegrityError: What TensorRT returned is too short, or (RTX) not as long as it says.
    """
    content = parts.built.content
    path = folder / plan_name(parts.request, parts.source, parts.fingerprint)
    read_header(content[:HEADER_BYTES], len(content), path.name)
    folder.mkdir(parents=True, exist_ok=True)
    sidecar_path(path).unlink(missing_ok=True)
    write_whole(path, content)
    write_sidecar(path, _sidecar(parts))
    return path


def _sidecar(parts: PlanParts) -> Sidecar:
    request, built, shapes = parts.request, parts.built, parts.request.shapes
    return Sidecar(
        schema_version=SCHEMA,
        plan_sha256=hashlib.sha256(built.content).hexdigest(),
        plan_bytes=len(built.content),
        source=parts.source,
        fp16_gate=parts.figures,
        fingerprint=parts.fingerprint,
        input=TensorDescription(name=request.input_name, shape=shapes.row),
        outputs=parts.outputs,
        profile=shapes.batch_sizes,
        shapes=None if shapes.is_batches else shapes,
        build=BuildRecord(
            typing=request.typing,
            flags=built.flags,
            workspace_bytes=request.workspace_bytes,
            layers=built.layers,
            seconds=round(built.seconds, 3),
            timing_cache=bool(request.timings),
        ),
    )
