"""The classes of a fake TensorRT that build a plan; see `fake_tensorrt`."""

import json
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx

CLASSES = (
    "Builder",
    "IBuilderConfig",
    "ILayer",
    "ILogger",
    "INetworkDefinition",
    "IOptimizationProfile",
    "IProgressMonitor",
    "ITensor",
    "ITimingCache",
    "OnnxParser",
    "ParserError",
)


class ILogger:
    INTERNAL_ERROR, ERROR, WARNING, INFO, VERBOSE = range(5)
    Severity = int

    def __init__(self) -> None: ...

    def log(self, severity: int, message: str) -> None: ...


class IProgressMonitor:
    def __init__(self) -> None: ...

    def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None: ...

    def step_complete(self, phase_name: str, step: int) -> bool:
        del phase_name, step
        return True

    def phase_finish(self, phase_name: str) -> None: ...


class Builder:
    _world: Any

    def __init__(self, logger: Any) -> None:
        if self._world.gpu is None and not self._world.table_version.startswith("rtx"):
            raise TypeError("pybind11::init(): factory function returned nullptr")
        self._logger = logger

    def create_network(self, flags: int) -> Any:
        return self._world.INetworkDefinition(flags)

    def create_builder_config(self) -> Any:
        return self._world.IBuilderConfig()

    def create_optimization_profile(self) -> Any:
        return self._world.IOptimizationProfile()

    def build_serialized_network(self, network: Any, config: Any) -> bytes | None:
        if "build" in self._world.faults or self._refuses(config):
            self._logger.log(1, "Error Code 9: Internal Error")
            return None
        monitor = getattr(config, "progress_monitor", None)
        if monitor is not None and not _report(monitor):
            return None
        return _plan(self._world.table_version, network, config)

    def _refuses(self, config: Any) -> bool:
        """RTX 1.4 lists FP16, takes the flag without a word, and builds nothing."""
        half = getattr(self._world.BuilderFlag, "FP16", None)
        return self._world.table_version.startswith("rtx") and half in config._flags


class INetworkDefinition:
    _world: Any

    def __init__(self, flags: int) -> None:
        self._flags = flags
        self._pinned: dict[str, object] = {}
        self._model: onnx.ModelProto | None = None

    @property
    def num_inputs(self) -> int:
        return len(self._part("input"))

    @property
    def num_outputs(self) -> int:
        return len(self._part("output"))

    @property
    def num_layers(self) -> int:
        return len(self._part("node"))

    def get_input(self, index: int) -> Any:
        return self._world.ITensor(self._part("input")[index].name)

    def get_output(self, index: int) -> Any:
        return self._world.ITensor(self._part("output")[index].name)

    def get_layer(self, index: int) -> Any:
        return self._world.ILayer(self, self._part("node")[index])

    def _part(self, name: str) -> Sequence[Any]:
        return () if self._model is None else getattr(self._model.graph, name)


class ITensor:
    dtype = np.float32
    name = ""

    def __init__(self, name: str) -> None:
        self.name = name


class ILayer:
    _world: Any
    precision = None
    name = ""

    def __init__(self, network: Any, node: onnx.NodeProto) -> None:
        self._network, self._node = network, node
        self.name = node.name

    @property
    def num_outputs(self) -> int:
        return len(self._node.output)

    def get_output(self, index: int) -> Any:
        return self._world.ITensor(self._node.output[index])

    def set_output_type(self, index: int, kind: object) -> None:
        del index
        self._network._pinned[self.name] = (self.precision, kind)


class OnnxParser:
    _world: Any

    def __init__(self, network: Any, logger: Any) -> None:
        self._network, self._logger = network, logger
        self._errors: list[Any] = []

    def parse(self, content: bytes) -> bool:
        try:
            model = onnx.load_model_from_string(content)
        except Exception:  # noqa: BLE001 -- five letters of text are an empty network to TensorRT
            return True
        if "parse" in self._world.faults:
            self._errors = [self._world.ParserError(at, model.graph.node[at]) for at in (1, 2)]
            return False
        self._network._model = model
        return True

    @property
    def num_errors(self) -> int:
        return len(self._errors)

    def get_error(self, index: int) -> Any:
        return self._errors[index]


class ParserError:
    def __init__(self, number: int, node: onnx.NodeProto) -> None:
        self._number, self._node = number, node

    def desc(self) -> str:
        return f"no importer for {self._node.op_type}"

    def node(self) -> int:
        return self._number

    def node_name(self) -> str:
        return self._node.name


class IOptimizationProfile:
    def set_shape(self, name: str, *shapes: tuple[int, ...]) -> None:
        del name
        self._shapes = shapes


class ITimingCache:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def serialize(self) -> bytes:
        return self._content + b"+timings"


class IBuilderConfig:
    _world: Any
    profiling_verbosity = None
    progress_monitor = None
    num_compute_capabilities = 0

    def __init__(self) -> None:
        self._flags: set[int] = set()
        self._workspace = -1
        self._cache: Any = None

    def set_memory_pool_limit(self, pool: int, size: int) -> None:
        del pool
        self._workspace = 0 if "workspace" in self._world.faults else size

    def get_memory_pool_limit(self, pool: int) -> int:
        del pool
        return self._workspace

    def set_flag(self, flag: int) -> None:
        if "flag" not in self._world.faults:
            self._flags.add(flag)

    def get_flag(self, flag: int) -> bool:
        return flag in self._flags

    def set_compute_capability(self, capability: int, index: int) -> bool:
        del capability
        return index < self.num_compute_capabilities and "capability" not in self._world.faults

    def add_optimization_profile(self, profile: Any) -> int:
        least, usual, most = profile._shapes
        if any(not a <= b <= c for a, b, c in zip(least, usual, most, strict=True)):
            return -1
        self._profile = profile
        return 0

    def create_timing_cache(self, content: bytes) -> Any:
        if "no cache" in self._world.faults or content.startswith(b"damaged"):
            return None
        return self._world.ITimingCache(content)

    def set_timing_cache(self, cache: Any, ignore_mismatch: bool) -> bool:
        if cache is None:
            raise TypeError("set_timing_cache(): incompatible function arguments")
        if not ignore_mismatch and cache._content.startswith(b"other device"):
            return False
        self._cache = cache
        return True

    def get_timing_cache(self) -> Any:
        return self._cache


def _report(monitor: Any) -> bool:
    """Two nested phases of three steps; stops at the first step that is answered with False."""
    monitor.phase_start("Building engine", None, 1)
    monitor.phase_start("Timing tactics", "Building engine", 3)
    going = all(monitor.step_complete("Timing tactics", step) for step in range(3))
    monitor.phase_finish("Timing tactics")
    monitor.phase_finish("Building engine")
    return going


def _plan(version: str, network: Any, config: Any) -> bytes:
    numbers = [int(part) for part in version.removeprefix("rtx").split(".")]
    body = network._model.SerializeToString()
    facts = {
        "shapes": config._profile._shapes,
        "network_flags": network._flags,
        "flags": sorted(config._flags),
        "pinned": sorted(network._pinned),
    }
    text = json.dumps(facts).encode()
    letters = b"vtrt" if version.startswith("rtx") else b"ftrt"
    head = struct.pack("<4sI8xQ4B", letters, 0, 36 + len(text) + len(body), *(*numbers, 0, 0)[:4])
    return head + struct.pack("<Q", len(text)) + text + body


def plan_facts(plan: bytes) -> tuple[dict[str, Any], bytes]:
    """Return what a fake plan was built with, and its ONNX graph."""
    (length,) = struct.unpack_from("<Q", plan, 28)
    return json.loads(plan[36 : 36 + length]), plan[36 + length :]
