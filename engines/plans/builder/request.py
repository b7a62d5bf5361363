"""What the builder is asked for."""

from dataclasses import dataclass
from typing import Literal

from engines.plans.builder.typing_mode import Typing
from engines.tensorrt.profile import ShapeProfile


@dataclass(frozen=True, slots=True, eq=False)
class PlanRequest:
    """What to build."""

    title: str
    """Shown beside the progress bars."""
    onnx: bytes
    """FP16 graph for strong typing, FP32 graph for weak typing or an FP32 plan."""
    input_name: str
    shapes: ShapeProfile
    """Smallest, usual and largest input."""
    outputs: tuple[str, ...]
    """Names that the parsed network must have, in this order."""
    workspace_bytes: int
    typing: Typing
    precision: Literal["fp16", "fp32"] = "fp16"
    kept_fp32: tuple[str, ...] = ()
    """Nodes to pin to FP32; used with weak typing, the FP16 graph has them in it already."""
    sparse: bool = False
    """Let TensorRT use sparse kernels for layers that are 2:4 sparse."""
    timings: bytes | None = None
    """Earlier timing cache, empty for a new one, None to keep none."""
    compute_capability: str | None = None
    """For RTX, whose plans are made for a device that is not here: its enum name, e.g. SM86."""
