"""What the operator chooses about plans."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from engines.graph.fp16_gate import Fp16Limits
from engines.graph.prelu import PReluForm
from engines.plans.planned_detector import PlannedDetector
from engines.tensorrt.api import Flavour
from engines.tensorrt.profile import USUAL_PROFILE, BatchProfile


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """How to build the plans of an engine pair."""

    flavour: Flavour = "tensorrt"
    precision: Literal["fp16", "fp32"] = "fp16"
    typing: Literal["auto", "strong", "weak"] = "auto"
    profile: BatchProfile = USUAL_PROFILE
    workspace_bytes: int | None = None
    """None takes a quarter of the free memory, see `memory.default_workspace`."""
    keep_fp32: tuple[str, ...] | None = None
    """Nodes to compute in FP32; None keeps the last linear layer and what follows it."""
    prelu: PReluForm = "spelled"
    """What TensorRT gets of a PRelu: spelled out it is fused into the convolution before it."""
    timing_cache: Path | None = None
    """None keeps one for each TensorRT and device in the user's cache folder."""
    compute_capability: str | None = None
    """For RTX only: the device to build for, for example SM86; None builds for any."""
    clamp_budget: int = 0
    """Weights beyond FP16's range that may be clamped."""
    limits: Fp16Limits = Fp16Limits()  # noqa: RUF009 -- frozen
    detector: PlannedDetector | None = None
    """A face detector whose plans shall go with the pair's; None builds those of the pair alone."""
