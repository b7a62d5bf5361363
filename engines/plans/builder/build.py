"""
From an ONNX graph to a serialised plan, through whichever TensorRT is given.

TensorRT reports failure by None, False, -1, or only in its log. Each of these is asked for here,
and what a setter was told is read back.
"""

import threading
import time
from dataclasses import dataclass, field
from typing import Any

from rich.progress import Progress

from engines.plans.builder import typing_mode
from engines.plans.builder.onnx_parse import parse_onnx
from engines.plans.builder.progress import PhaseBars, cancel_on_interrupt, progress_monitor
from engines.plans.builder.request import PlanRequest
from engines.tensorrt.api import Api, translated_errors
from engines.tensorrt.errors import BuildError
from engines.tensorrt.logger import last_words, open_logger


@dataclass(frozen=True, slots=True, eq=False)
class BuiltPlan:
    """A serialised plan and how it came about."""

    content: bytes
    layers: int
    seconds: float
    flags: tuple[str, ...]
    timings: bytes | None
    """Timing cache after the build; None if none was asked for."""
    warnings: tuple[str, ...] = field(repr=False, default=())
    """TensorRT's own."""


def build_plan(
    api: Api, request: PlanRequest, progress: Progress, cancelled: threading.Event | None = None
) -> BuiltPlan:
    """
    Build one plan; minutes on a Jetson, seconds with TensorRT-RTX.

    Args:
        api: The library; for plain TensorRT probe CUDA before calling this.
        request: What to build.
        progress: Where the phases are drawn; a started one, or one that is never shown.
        cancelled: Set from another thread to stop the build at its next step; Ctrl-C sets it.

    Raises:
        BuildError: TensorRT refused; the message ends with its own words.
        KeyboardInterrupt: The build was cancelled.
    """
    stop = cancelled or threading.Event()
    logger = open_logger(api.module)
    with translated_errors("create a builder"):
        builder = api.module.Builder(logger)
    network = builder.create_network(typing_mode.network_flags(api, request.typing))
    parse_onnx(api, network, request, logger)
    config = builder.create_builder_config()
    flags = _configure(api, config, request, logger)
    if request.typing == "weak" and request.precision == "fp16":
        typing_mode.keep_full_precision(api, network, request.kept_fp32)
    _add_profile(builder, config, request, logger)
    bars = PhaseBars(progress, request.title)
    if "progress" in api.features:
        monitor = progress_monitor(api.module, bars, stop)  # held: TensorRT only points at it
        config.progress_monitor = monitor
    began = time.monotonic()
    with cancel_on_interrupt(stop, asked="progress" in api.features):
        plan = builder.build_serialized_network(network, config)
    bars.close()
    if stop.is_set():
        raise KeyboardInterrupt
    if plan is None:
        raise BuildError(f"TensorRT {api.version} built no plan: {last_words(logger)}")
    return BuiltPlan(
        content=bytes(memoryview(plan)),
        layers=network.num_layers,
        seconds=time.monotonic() - began,
        flags=flags,
        timings=_timings(config) if request.timings is not None else None,
        warnings=tuple(logger.warnings),
    )


def _configure(api: Api, config: Any, request: PlanRequest, logger: Any) -> tuple[str, ...]:
    """Set and read back: setters log what they refuse, they do not raise."""
    trt = api.module
    workspace = trt.MemoryPoolType.WORKSPACE
    config.set_memory_pool_limit(workspace, request.workspace_bytes)
    if config.get_memory_pool_limit(workspace) != request.workspace_bytes:
        raise BuildError(
            f"TensorRT refused a workspace of {request.workspace_bytes} bytes: "
            f"{last_words(logger)}: give another --workspace"
        )
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    flags = _flags(request)
    for name in flags:
        flag = getattr(trt.BuilderFlag, name)
        config.set_flag(flag)
        if not config.get_flag(flag):
            raise BuildError(f"TensorRT refused the flag {name}: {last_words(logger)}")
    if request.compute_capability is not None:
        _set_compute_capability(api, config, request.compute_capability, logger)
    if logger.errors:
        raise BuildError(f"TensorRT refused a setting: {last_words(logger)}")
    if request.timings is not None:
        _use_timings(config, request.timings)
    return flags


def _flags(request: PlanRequest) -> tuple[str, ...]:
    flags = []
    if request.typing == "weak" and request.precision == "fp16":
        flags += ["FP16", "OBEY_PRECISION_CONSTRAINTS"]
    if request.sparse:
        flags.append("SPARSE_WEIGHTS")
    return tuple(flags)


def _set_compute_capability(api: Api, config: Any, name: str, logger: Any) -> None:
    if "compute_capability" not in api.features:
        raise BuildError(
            f"TensorRT {api.version} builds only for the GPU it runs on: "
            "leave out --compute-capability"
        )
    members = api.module.ComputeCapability
    if not hasattr(members, name):
        known = ", ".join(each for each in dir(members) if each.startswith("SM"))
        raise BuildError(f"no compute capability {name} in {api.flavour} {api.version}: {known}")
    config.num_compute_capabilities = 1
    if not config.set_compute_capability(getattr(members, name), 0):
        raise BuildError(f"TensorRT refused {name}: {last_words(logger)}")


def _use_timings(config: Any, timings: bytes) -> None:
    # None where the bytes are none of its caches, False where they are of another device or
    # version: a new one then takes their place, and where there is none either, none is kept.
    for content in (timings, b""):
        cache = config.create_timing_cache(content)
        if cache is not None and config.set_timing_cache(cache, ignore_mismatch=False):
            return


def _timings(config: Any) -> bytes | None:
    cache = config.get_timing_cache()
    return None if cache is None else bytes(memoryview(cache.serialize()))


def _add_profile(builder: Any, config: Any, request: PlanRequest, logger: Any) -> None:
    """Without a profile a dynamic axis builds None; a contradictory one is answered with -1."""
    shapes = request.shapes
    profile = builder.create_optimization_profile()
    profile.set_shape(request.input_name, *shapes.all)
    if not profile or config.add_optimization_profile(profile) < 0:
        sizes = f"batch sizes {tuple(shape[0] for shape in shapes.all)}"
        raise BuildError(
            f"TensorRT refused {sizes if shapes.is_batches else f'shapes {shapes.all}'} "
            f"(smallest, usual, largest must ascend): {last_words(logger)}"
        )
