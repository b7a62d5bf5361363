"""
The one place that imports TensorRT, and the list of everything we ask of it.

Which way to take is decided by what the library offers, never by its version number, and enum
members are taken by name, never by value: STRONGLY_TYPED is bit 1 in TensorRT 10 and bit 0 in 11,
where 10 had EXPLICIT_BATCH.
"""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal

from engines.tensorrt.errors import BuildError

Flavour = Literal["tensorrt", "rtx"]

ALWAYS: dict[str, tuple[str, ...]] = {
    "": ("Builder", "OnnxParser", "Runtime", "ILogger", "float32"),
    "BuilderFlag": ("SPARSE_WEIGHTS",),
    "MemoryPoolType": ("WORKSPACE",),
    "ProfilingVerbosity": ("DETAILED",),
    "LayerInformationFormat": ("JSON",),
    "TensorIOMode": ("INPUT",),
    "ILogger": ("ERROR", "WARNING", "INTERNAL_ERROR", "log"),
    "Builder": (
        "build_serialized_network",
        "create_builder_config",
        "create_network",
        "create_optimization_profile",
    ),
    "INetworkDefinition": (
        "get_input",
        "get_layer",
        "get_output",
        "num_inputs",
        "num_layers",
        "num_outputs",
    ),
    "ITensor": ("dtype", "name"),
    "ILayer": ("get_output", "name", "num_outputs"),
    "OnnxParser": ("get_error", "num_errors", "parse"),
    "ParserError": ("desc", "node"),
    "IOptimizationProfile": ("set_shape",),
    "IBuilderConfig": (
        "add_optimization_profile",
        "create_timing_cache",
        "get_flag",
        "get_memory_pool_limit",
        "get_timing_cache",
        "profiling_verbosity",
        "set_flag",
        "set_memory_pool_limit",
        "set_timing_cache",
    ),
    "ITimingCache": ("serialize",),
    "Runtime": ("deserialize_cuda_engine",),
    "ICudaEngine": (
        "create_engine_inspector",
        "create_execution_context",
        "get_tensor_dtype",
        "get_tensor_mode",
        "get_tensor_name",
        "get_tensor_profile_shape",
        "get_tensor_shape",
        "num_io_tensors",
    ),
    "EngineInspector": ("get_engine_information",),
    "IExecutionContext": (
        "execute_async_v3",
        "get_tensor_shape",
        "set_input_shape",
        "set_tensor_address",
    ),
}
"""Class (or the module, "") and the names used on it whatever the version."""

OPTIONAL: dict[str, tuple[str, ...]] = {
    "explicit_batch": ("NetworkDefinitionCreationFlag.EXPLICIT_BATCH",),
    "strong_typing": ("NetworkDefinitionCreationFlag.STRONGLY_TYPED",),
    "weak_typing": (
        "BuilderFlag.FP16",
        "BuilderFlag.OBEY_PRECISION_CONSTRAINTS",
        "ILayer.precision",
        "ILayer.set_output_type",
    ),
    "progress": (
        "IProgressMonitor",
        "IProgressMonitor.phase_start",
        "IProgressMonitor.step_complete",
        "IProgressMonitor.phase_finish",
        "IBuilderConfig.progress_monitor",
    ),
    "node_names": ("ParserError.node_name",),
    "compute_capability": (
        "ComputeCapability",
        "IBuilderConfig.num_compute_capabilities",
        "IBuilderConfig.set_compute_capability",
    ),
}
"""Feature and the names it needs; a version has all of a feature's names or is not asked."""

_CANDIDATES: dict[Flavour, tuple[str, ...]] = {
    "tensorrt": ("tensorrt", "tensorrt_bindings"),
    "rtx": ("tensorrt_rtx", "tensorrt_rtx_bindings"),
}
_ADVICE: dict[Flavour, str] = {
    "tensorrt": "on a Jetson install python3-libnvinfer with apt and use a venv made with "
    "--system-site-packages; elsewhere: pip install 'edge-gate[tensorrt]'",
    "rtx": "pip install 'edge-gate[rtx]'",
}


@dataclass(frozen=True, slots=True)
class Api:
    """A TensorRT module and what it offers."""

    module: Any
    flavour: Flavour
    features: frozenset[str]
    """Names of OPTIONAL."""

    @property
    def version(self) -> str:
        """Return the version the library states."""
        return str(self.module.__version__)


def load_api(flavour: Flavour) -> Api:
    """
    Import TensorRT.

    Importing needs no driver; creating anything does, and without one plain TensorRT crashes the
    process instead of raising, so ask CUDA first.

    Raises:
        BuildError: The library is not installed or does not load; the message says what to do.
    """
    reasons = []
    for name in _CANDIDATES[flavour]:
        try:
            return describe(importlib.import_module(name), flavour)
        except ImportError as error:  # noqa: PERF203 -- two names, once
            reasons.append(f"{name}: {error}")
    raise BuildError(f"TensorRT does not load ({'; '.join(reasons)}): {_ADVICE[flavour]}")


def describe(module: ModuleType | Any, flavour: Flavour) -> Api:
    """Return the module with the features it has."""
    found = {
        feature for feature, names in OPTIONAL.items() if all(_has(module, name) for name in names)
    }
    if flavour == "rtx":
        # RTX 1.4 still lists BuilderFlag.FP16, takes it in silence, and then builds nothing.
        found.discard("weak_typing")
    return Api(module, flavour, frozenset(found))


def _has(module: Any, name: str) -> bool:
    current = module
    for part in name.split("."):
        if not hasattr(current, part):
            return False
        current = getattr(current, part)
    return True


@contextmanager
def translated_errors(action: str) -> Iterator[None]:
    """
    Turn what the bindings raise into a BuildError.

    pybind11 raises TypeError "factory function returned nullptr" where a C++ factory failed, which
    for TensorRT nearly always means that no driver or no GPU is there.
    """
    try:
        yield
    except TypeError as error:
        if "nullptr" not in str(error):
            raise
        raise BuildError(
            f"TensorRT could not {action}: it found no usable CUDA driver or device: "
            "run 'edge-gate doctor'"
        ) from error
