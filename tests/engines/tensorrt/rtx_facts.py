"""
Run in a subprocess with a real TensorRT-RTX: build what the tests want and print one JSON object.

It has one entry for each case.
"""

import json
import logging
import os
import re
import signal
import tempfile
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from rich.progress import Progress

from engines.graph.network import Network
from engines.graph.prelu import PReluForm, in_prelu_form
from engines.plans.builder.build import BuiltPlan, build_plan
from engines.plans.builder.request import PlanRequest
from engines.plans.builder.typing_mode import choose_typing, network_flags
from engines.plans.structure import two_four_layers
from engines.pruning.fuse import fuse
from engines.pruning.prune import prune
from engines.pruning.recipe import Recipe
from engines.tensorrt.api import Api, load_api
from engines.tensorrt.errors import BuildError
from engines.tensorrt.logger import open_logger
from engines.tensorrt.plan_header import HEADER_BYTES, read_header
from engines.tensorrt.profile import BatchProfile
from tests.engines.tensorrt.plans import request_for
from tests.networks import TinyNetwork, loaded

RTX = load_api("rtx")


def network(folder: Path) -> Network:
    return loaded(folder, TinyNetwork(batch_norm=False, channels=8, embedding_length=16))


def build(request: PlanRequest, api: Api = RTX) -> BuiltPlan:
    return build_plan(api, request, Progress(disable=True))


def facts(built: BuiltPlan) -> dict[str, Any]:
    head = read_header(built.content[:HEADER_BYTES], len(built.content), "x.plan")
    assert head is not None
    return {
        "flavour": head.flavour,
        "version": head.version_text,
        "bytes": len(built.content),
        "layers": built.layers,
        "flags": built.flags,
    }


def refusal(request: PlanRequest) -> dict[str, str]:
    try:
        build(request)
    except BuildError as error:
        return {"error": type(error).__name__, "message": str(error)}
    return {"error": "none", "message": ""}


def case_dense(folder: Path) -> Any:
    return facts(build(request_for(network(folder).model, compute_capability="SM86")))


def case_pruned(folder: Path) -> Any:
    pruned, _ = prune(network(folder), Recipe("layer", 0.3))
    return facts(build(request_for(pruned.model, compute_capability="SM86")))


def case_fused(folder: Path) -> Any:
    dense = network(folder)
    pruned, _ = prune(dense, Recipe("layer", 0.3))
    return facts(build(request_for(fuse(dense, pruned), compute_capability="SM86")))


def case_batch_norm_kept(folder: Path) -> Any:
    model = loaded(folder, TinyNetwork()).model
    return facts(build(request_for(model)))


def case_fp32(folder: Path) -> Any:
    model = network(folder).model
    return facts(build(request_for(model, onnx=model.SerializeToString(), precision="fp32")))


def case_sparse(folder: Path) -> Any:
    dense = network(folder)
    for tensor in dense.model.graph.initializer:
        if tensor.name == "gemm_w":
            weights = onnx.numpy_helper.to_array(tensor).copy()
            weights.reshape(-1, 4)[:, :2] = 0
            tensor.CopyFrom(onnx.numpy_helper.from_array(weights, tensor.name))
    built = build(request_for(dense.model, sparse=True))
    return {**facts(built), "two_four": two_four_layers(dense.model)}


def case_prelu(folder: Path) -> Any:
    """Count the layers of the engine, which the builder lists in its log, in both forms."""
    model, found = network(folder).model, dict[str, Any]()
    forms: tuple[PReluForm, ...] = ("spelled", "joined")
    for form in forms:
        words = Words()
        log = logging.getLogger("engines.tensorrt")
        log.addHandler(words)
        log.setLevel(logging.DEBUG)
        built = build(request_for(in_prelu_form(model, form)))
        log.removeHandler(words)
        found[form] = {"layers": words.engine_layers(), "bytes": len(built.content)}
    return {**found, "prelus": sum(node.op_type == "PRelu" for node in model.graph.node)}


class Words(logging.Handler):
    """What TensorRT says while building."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines += record.getMessage().splitlines()

    def engine_layers(self) -> list[str]:
        listed = self.lines[self.lines.index("Layers:") :]
        names = (re.match(r"Name: ([^,]*),", line) for line in listed)
        return [name[1] for name in names if name]


def case_garbage(folder: Path) -> Any:
    trt = RTX.module
    logger = open_logger(trt)
    # The parser points at the network and the network at its builder: all three must be held.
    builder = trt.Builder(logger)
    definition = builder.create_network(network_flags(RTX, "strong"))
    parsed = trt.OnnxParser(definition, logger).parse(b"hello")
    return {"parser_says": parsed, **refusal(request_for(network(folder).model, onnx=b"hello"))}


def case_profile(folder: Path) -> Any:
    wrong = BatchProfile(smallest=8, usual=4, largest=1)
    return refusal(request_for(network(folder).model, profile=wrong))


def case_unsupported(folder: Path) -> Any:
    half = onnx.load_model_from_string(request_for(network(folder).model).onnx)
    next(node for node in half.graph.node if node.op_type == "PRelu").op_type = "Rumpelstiltskin"
    return refusal(request_for(network(folder).model, onnx=half.SerializeToString()))


def case_mixed_types(folder: Path) -> Any:
    half = onnx.load_model_from_string(request_for(network(folder).model).onnx)
    for tensor in half.graph.initializer:
        if tensor.name == "stem_w":
            wide = onnx.numpy_helper.to_array(tensor).astype(np.float32)
            tensor.CopyFrom(onnx.numpy_helper.from_array(wide, tensor.name))
    return refusal(request_for(network(folder).model, onnx=half.SerializeToString()))


def case_fp16_flag(folder: Path) -> Any:
    """What happens if RTX is given the flag that 1.4 still lists; and that we never give it."""
    listed = hasattr(RTX.module.BuilderFlag, "FP16")
    found: dict[str, Any] = {"listed": listed, "offered": "weak_typing" in RTX.features}
    if listed:
        forced = replace(RTX, features=RTX.features | {"weak_typing"})
        model = network(folder).model
        request = request_for(
            model,
            onnx=model.SerializeToString(),
            typing=choose_typing(forced, "weak"),
            kept_fp32=(),
        )
        try:
            build(request, forced)
            found["forced"] = "built"
        except BuildError as error:
            found["forced"] = str(error)
    return found


def case_current_device(folder: Path) -> Any:
    return refusal(request_for(network(folder).model, compute_capability="CURRENT"))


def case_progress(folder: Path) -> Any:
    seen: list[tuple[str, int]] = []

    class Watched(Progress):
        def update(self, task_id: Any, **fields: Any) -> None:
            seen.append((self.tasks[-1].description, fields.get("completed", 0)))
            super().update(task_id, **fields)

    with Watched(disable=True) as progress:
        build_plan(RTX, request_for(network(folder).model), progress)
        return {
            "steps": len(seen),
            "nested": any(name.startswith("  ") for name, _ in seen),
            "left": len(progress.tasks),
        }


def case_cancel(folder: Path) -> Any:
    cancelled = threading.Event()
    cancelled.set()
    try:
        build_plan(RTX, request_for(network(folder).model), Progress(disable=True), cancelled)
    except KeyboardInterrupt:
        return {"cancelled": True}
    return {"cancelled": False}


def case_ctrl_c(folder: Path) -> Any:
    """The signal arrives while NVIDIA's code runs, at the first step it reports."""

    class Interrupting(Progress):
        def update(self, task_id: Any, **fields: Any) -> None:
            if not sent:
                sent.append(True)
                os.kill(os.getpid(), signal.SIGINT)
            super().update(task_id, **fields)

    sent: list[bool] = []
    before = signal.getsignal(signal.SIGINT)
    with Interrupting(disable=True) as progress:
        try:
            build_plan(RTX, request_for(network(folder).model), progress)
        except KeyboardInterrupt:
            restored = signal.getsignal(signal.SIGINT) == before
            return {"interrupted": True, "restored": restored, "left": len(progress.tasks)}
    return {"interrupted": False}


CASES: dict[str, Callable[[Path], Any]] = {
    name.removeprefix("case_"): value for name, value in globals().items() if name[:5] == "case_"
}


def told(case: Callable[[Path], Any]) -> Any:
    with tempfile.TemporaryDirectory() as scratch:
        return case(Path(scratch))


if __name__ == "__main__":
    print(json.dumps({name: told(case) for name, case in CASES.items()}))  # noqa: T201
