"""
The manifest beside a plan: `NAME.plan.json`, all that must be known before TensorRT is asked.

A sidecar and not a prefix inside the plan, because other tools must still read the plan.
"""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from engines.catalogue.cache import sha256_of
from engines.graph.fp16_gate import Fp16Figures
from engines.graph.prelu import PReluForm
from engines.tensorrt.errors import PlanIntegrityError
from engines.tensorrt.fingerprint import Fingerprint
from engines.tensorrt.profile import BatchProfile, ShapeProfile
from engines.whole_file import write_whole

SCHEMA: Literal[1] = 1


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TensorDescription(_Record):
    """One input or output of the plan."""

    name: str
    shape: tuple[int, ...]
    """Without the batch axis; -1 where it follows the size of the image."""
    largest: tuple[int, ...] | None = None
    """Whole shape of an output for the largest input; None: the largest batch of `shape`."""


class Source(_Record):
    """The network the plan was built from."""

    role: str
    """dense, pruned, or fused; of a detector the name of the network."""
    sha256: str
    """Of the FP32 ONNX file."""
    precision: Literal["fp16", "fp32"]
    half_weights: int
    """Weights stored in FP16."""
    clamped: int
    """Weights beyond FP16's range."""
    kept_fp32: tuple[str, ...]
    """Nodes computed in FP32."""
    two_four_layers: tuple[str, ...]
    """Layers whose weights are 2:4 sparse."""
    prelu: PReluForm = "joined"
    """What TensorRT got of each PRelu; plans that do not say are of when all were joined."""


class BuildRecord(_Record):
    """How TensorRT built the plan."""

    typing: Literal["strong", "weak"]
    flags: tuple[str, ...]
    workspace_bytes: int
    layers: int
    seconds: float
    timing_cache: bool
    """Whether an earlier build's timings were used; such builds are not reproducible either."""


class OtherForm(_Record):
    """The same pair built with the other form of PRelu, timed on the same device."""

    prelu: PReluForm
    """Of the plans that were not kept."""
    latency_p50_ms: float
    faces_per_second: float
    passed: bool
    """Whether they met FP32; plans that do not are never kept."""


class DeviceAcceptance(_Record):
    """What `edge-gate pair verify --device` measured on this very device."""

    face_images: int
    min_cosine: float
    """Smallest cosine to the FP32 network on the CPU."""
    shift_error: float | None
    """Largest absolute error of the embedding shift; None for one plan of two."""
    rank_agreement: float | None
    """Spearman correlation of quality with FP32."""
    latency_p50_ms: float
    """Milliseconds for one face image, by CUDA events."""
    latency_p99_ms: float
    faces_per_second: float
    """At the largest batch size."""
    passed: bool
    other_form: OtherForm | None = None
    """None where the network has no PRelu, or no other plans could be built."""


class DetectorAcceptance(_Record):
    """What `edge-gate pair verify --device` measured of one network of a detector."""

    faces: int
    """Of real photographs, found by the plans and by FP32 on the CPU."""
    box_pixels: float
    """Furthest that an edge of a box moved, in pixels of a face 112 wide."""
    landmark_pixels: float
    latency_p50_ms: float
    """Milliseconds for the input the plan is tuned for, by CUDA events."""
    latency_p99_ms: float
    passed: bool


class Sidecar(_Record):
    """All of it."""

    schema_version: Literal[1]
    plan_sha256: str
    plan_bytes: int
    source: Source
    fp16_gate: Fp16Figures | None
    """What FP16 does to the pair on real faces, emulated on a CPU; None for FP32."""
    fingerprint: Fingerprint
    input: TensorDescription
    outputs: tuple[TensorDescription, ...]
    profile: BatchProfile
    shapes: ShapeProfile | None = None
    """Of a network that takes images of several sizes; None: batches of the input's shape."""
    build: BuildRecord
    acceptance: DeviceAcceptance | None = None
    """None until it was verified on the device."""
    detection: DetectorAcceptance | None = None
    """The same of a detector's network."""

    @property
    def input_shapes(self) -> ShapeProfile:
        """Smallest, usual and largest input."""
        return self.shapes or ShapeProfile.batches(self.profile, self.input.shape)

    def largest_output(self, output: TensorDescription) -> tuple[int, ...]:
        """Return the whole shape that an output has at most."""
        return output.largest or (self.profile.largest, *output.shape)


def sidecar_path(plan: Path) -> Path:
    """Return where the manifest of a plan lies."""
    return plan.with_name(plan.name + ".json")


def read_sidecar(plan: Path) -> Sidecar:
    """
    Return the manifest of a plan.

    Raises:
        PlanIntegrityError: It is missing, unreadable, or not of this version.
    """
    path = sidecar_path(plan)
    try:
        return Sidecar.model_validate_json(path.read_bytes())
    except OSError as error:
        raise PlanIntegrityError(
            f"{path}: {error.strerror}: a plan without its manifest is not trusted; build it again"
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise PlanIntegrityError(
            f"{path}: {place or 'content'}: {first['msg']}: build the plan again"
        ) from error


def write_sidecar(plan: Path, sidecar: Sidecar) -> None:
    """Write the manifest beside the plan; a reader sees the old or the new one, never a part."""
    write_whole(sidecar_path(plan), (sidecar.model_dump_json(indent=2) + "\n").encode())


def require_unchanged(plan: Path, sidecar: Sidecar, known: str | None = None) -> None:
    """
    Refuse a plan that is not the one its manifest describes.

    Args:
        plan: The file.
        sidecar: Its manifest.
        known: SHA-256 of the plan, where it was just taken; None takes it.

    Raises:
        PlanIntegrityError: It is missing or its SHA-256 differs.
    """
    try:
        found = known or sha256_of(plan)
    except OSError as error:
        raise PlanIntegrityError(f"{plan}: {error.strerror}: copy or build it again") from error
    if found != sidecar.plan_sha256:
        raise PlanIntegrityError(
            f"{plan}: SHA-256 is {found}, its manifest says {sidecar.plan_sha256}: "
            "the file was changed or cut short; copy or build it again"
        )
