"""
TensorRT of a given version, over ONNX Runtime and a fake GPU.

Its plans hold the ONNX graph, so that a built plan really computes embeddings. Every class has
exactly the names that the committed table lists for that version and that are written here; a test
checks it. Failures are told the way TensorRT tells them: None, False, -1, a line in the log.
"""

from types import SimpleNamespace
from typing import Any

import numpy as np

from tests.engines.tensorrt import fake_builder, fake_runtime
from tests.engines.tensorrt.api_table import members, names_of
from tests.engines.tensorrt.fake_gpu import FakeGpu

ENUMS = (
    "BuilderFlag",
    "ComputeCapability",
    "LayerInformationFormat",
    "MemoryPoolType",
    "ProfilingVerbosity",
    "TensorIOMode",
)
FLAG_BITS = {
    "8": {"EXPLICIT_BATCH": 0, "EXPLICIT_PRECISION": 1},
    "10": {"EXPLICIT_BATCH": 0, "STRONGLY_TYPED": 1},
    "11": {"STRONGLY_TYPED": 0},
}
"""Real values: the bit of STRONGLY_TYPED moved."""


def fake_tensorrt(version: str, gpu: FakeGpu | None = None, faults: set[str] | None = None) -> Any:
    """
    Return a module-like object.

    Args:
        version: One of the table's.
        gpu: What plans run on; None is a machine without a driver.
        faults: Names of what shall go wrong, see the code; may be changed later.
    """
    world = SimpleNamespace(
        __version__=version.removeprefix("rtx"),
        float32=np.float32,
        table_version=version,
        gpu=gpu,
        faults=set() if faults is None else faults,
    )
    for name in ENUMS:
        # Numbers differ from version to version and so mean nothing: here they count the names.
        numbered = {each: at for at, each in enumerate(sorted(members(name, version)))}
        setattr(world, name, type(name, (), numbered))
    generation = {"rtx1.4": "10", "rtx1.7": "11"}.get(version) or version.partition(".")[0]
    world.NetworkDefinitionCreationFlag = type("Flag", (), dict(FLAG_BITS[generation]))
    for module in (fake_builder, fake_runtime):
        for name in module.CLASSES:
            setattr(world, name, _limited(getattr(module, name), world))
    for name in [*ENUMS, *fake_builder.CLASSES, *fake_runtime.CLASSES]:
        if name not in names_of(version):
            delattr(world, name)
    return world


def _limited(written: type, world: Any) -> type:
    """Return a class with the private names as written and the public ones of this version."""
    allowed = members(written.__name__, world.table_version)
    kept = {k: v for k, v in vars(written).items() if k.startswith("_") or k in allowed}
    for name in ("__dict__", "__weakref__"):
        kept.pop(name, None)
    return type(written.__name__, (), {**kept, "_world": world})
