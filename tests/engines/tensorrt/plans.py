"""Requests, plans and runtimes over fakes, for the tests of builder and runtime."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import onnx
from rich.progress import Progress

from engines.graph import graph
from engines.graph.fp16_gate import Fp16Limits
from engines.graph.half_precision import half_precision
from engines.pair.execution import Execution
from engines.pair.pair import open_pair
from engines.plans.builder.build import BuiltPlan, build_plan
from engines.plans.builder.request import PlanRequest
from engines.plans.builder.typing_mode import choose_typing
from engines.plans.file import PlanParts, write_plan
from engines.plans.workshop import Tools
from engines.tensorrt import backend
from engines.tensorrt.api import Api, Flavour, describe
from engines.tensorrt.device import Runtime
from engines.tensorrt.fingerprint import Fingerprint
from engines.tensorrt.profile import BatchProfile, ShapeProfile
from engines.tensorrt.sidecar import Source, TensorDescription
from tests.engines.tensorrt.fake_gpu import FakeGpu
from tests.engines.tensorrt.fake_tensorrt import fake_tensorrt
from tests.networks import TinyNetwork, loaded

PROFILE = BatchProfile(smallest=1, usual=2, largest=4)
SHAPE = (3, 20, 16)
LIMITS = Fp16Limits(min_cosine=0.99, relative_shift_error=1.0, rank_agreement=0.9)
"""Random weights have shifts close to each other; the pair is not what is tested."""


def tiny_model(folder: Path, seed: int = 0) -> onnx.ModelProto:
    """Return a tiny FP32 network without BatchNormalization."""
    return loaded(folder, TinyNetwork(seed=seed, batch_norm=False)).model


def request_for(
    model: onnx.ModelProto,
    profile: BatchProfile = PROFILE,
    shape: tuple[int, ...] = SHAPE,
    **changes: Any,
) -> PlanRequest:
    """Return a request to build the FP16 form of a model, strongly typed."""
    half = half_precision(model)
    values: dict[str, Any] = {
        "title": "dense",
        "onnx": half.model.SerializeToString(),
        "input_name": model.graph.input[0].name,
        "shapes": ShapeProfile.batches(profile, shape),
        "outputs": tuple(output.name for output in model.graph.output),
        "workspace_bytes": 1 << 28,
        "typing": "strong",
        "kept_fp32": half.report.kept,
    }
    return PlanRequest(**{**values, **changes})


def build(api: Api, request: PlanRequest) -> BuiltPlan:
    """Build without showing anything."""
    return build_plan(api, request, Progress(disable=True))


@dataclass
class World:
    """A machine with a fake TensorRT and a fake GPU, whose driver may be missing."""

    version: str = "10.3.0"
    gpu: FakeGpu = field(default_factory=FakeGpu)
    driver: bool = True
    faults: set[str] = field(default_factory=set)
    """Added to while a test runs; see `fake_tensorrt`."""

    @property
    def flavour(self) -> Flavour:
        return "rtx" if self.version.startswith("rtx") else "tensorrt"

    def api(self, _flavour: Flavour = "tensorrt") -> Api:
        gpu = self.gpu if self.driver else None
        module = fake_tensorrt(self.version, gpu, self.faults)
        return describe(module, self.flavour)

    def here(self, _flavour: Flavour = "tensorrt") -> Fingerprint:
        """This machine before CUDA was asked."""
        return Fingerprint(self.flavour, self.version.removeprefix("rtx"), "aarch64")

    def built_for(self) -> Fingerprint:
        """This machine when its plans were built."""
        return Fingerprint(
            self.flavour, self.version.removeprefix("rtx"), "aarch64", "8.7", 8, "Orin", "12.6"
        )

    def runtime(self, **changes: Any) -> Runtime:
        values: dict[str, Any] = {"cuda": self.gpu.port, "api": self.api, "here": self.here}
        return Runtime(**{"flavour": self.flavour, **values, **changes})

    def write(
        self,
        folder: Path,
        model: onnx.ModelProto,
        role: str = "dense",
        shape: tuple[int, ...] = SHAPE,
        profile: BatchProfile = PROFILE,
    ) -> Path:
        """Build a plan of the model with the fake TensorRT and write it."""
        typing = choose_typing(self.api(), "auto")
        request = request_for(model, profile, shape, typing=typing)
        source = Source(
            role=role,
            sha256=hashlib.sha256(model.SerializeToString()).hexdigest(),
            precision="fp16",
            half_weights=1,
            clamped=0,
            kept_fp32=(),
            two_four_layers=(),
            prelu="spelled",
        )
        shapes = tuple((graph.dimensions(each) or ())[1:] for each in model.graph.output)
        parts = PlanParts(
            request=request,
            built=build(self.api(), request),
            source=source,
            fingerprint=self.built_for(),
            outputs=tuple(
                TensorDescription(name=name, shape=tuple(axis or 0 for axis in shape))
                for name, shape in zip(request.outputs, shapes, strict=True)
            ),
        )
        return write_plan(folder, parts)


def on(world: World, **changes: Any) -> Execution:
    """Run plans of pair, detector and second opinion on this world's device."""

    def plans(paths, flavour):
        return backend.open_plans(paths, world.runtime(flavour=flavour))

    def plan_set(paths, flavour):
        return backend.open_plan_set(paths, world.runtime(flavour=flavour))

    return Execution(**{"plans": plans, "plan_set": plan_set, **changes})


def tools_of(world: World, **changes: Any) -> Tools:
    """Build plans with this world's library, and prove them on its device."""
    how = on(world)
    values: dict[str, Any] = {
        "cuda": world.gpu.port,
        "api": world.api,
        "here": world.here,
        "available": lambda: 4 << 30,
        "prove": lambda folder: open_pair(folder, execution=how).close(),
        "plan_set": how.plan_set,
    }
    return Tools(**{**values, **changes})
