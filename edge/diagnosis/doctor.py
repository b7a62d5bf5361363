"""Findings about this machine: what is there, what is wrong, and what to run about it."""

import platform
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import onnxruntime

from edge.diagnosis.device_nodes import DeviceNode, current_groups
from edge.diagnosis.jetson import Jetson
from engines.errors import BackendError, EnginesError, PairSignatureError
from engines.openvino.api import INSTALL, NoOpenVinoError, load_openvino
from engines.pair.build_command import build_command
from engines.pair.execution import Execution, library_of
from engines.pair.pair import open_pair
from engines.pair.signature import trusted_manifest
from engines.plans.check import plan_states
from engines.plans.memory import available_bytes
from engines.tensorrt.probe import Probe

State = Literal["ok", "note", "problem"]

LEAST_MEMORY = 1 << 30
"""Bytes free below which networks, detector and camera do not fit together for long."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's report."""

    topic: str
    state: State
    """`note` is a fact without judgement; a `problem` comes with a remedy."""
    text: str
    remedy: str = ""
    """A command, or what to change."""


def machine_findings(jetson: Jetson, meminfo: Path = Path("/proc/meminfo")) -> Iterator[Finding]:
    """Yield what the machine is."""
    board = jetson.board or platform.machine()
    yield Finding(
        "machine", "note", f"{board}, {jetson.system}, Python {platform.python_version()}"
    )
    if jetson.l4t:
        text = f"JetPack {jetson.jetpack or 'unknown'}, Jetson Linux {jetson.l4t}"
        yield Finding("JetPack", "note", text)
        yield _power(jetson)
    yield _memory(meminfo)


def library_findings(probe: Probe, jetson: Jetson, needs_plans: bool) -> Iterator[Finding]:
    """
    Yield what the libraries answer.

    Args:
        probe: Of CUDA and TensorRT.
        jetson: The machine.
        needs_plans: Whether a pair has plans, so that TensorRT is needed and not only possible.
    """
    providers = ", ".join(onnxruntime.get_available_providers())
    yield Finding("ONNX Runtime", "ok", f"{onnxruntime.__version__} with {providers}")
    wanted = needs_plans or jetson.l4t is not None
    if probe.device is not None:
        yield Finding("CUDA", "ok", probe.cuda_text)
    else:
        yield _missing("CUDA", probe.cuda_error, wanted)
    if probe.tensorrt is not None:
        yield Finding("TensorRT", "ok", probe.tensorrt)
    else:
        yield _missing("TensorRT", probe.tensorrt_error, wanted)


def openvino_finding(needed: bool) -> Finding:
    """
    Return whether OpenVINO is here, and what the processor can do with it.

    Args:
        needed: Whether a pair would be run with it.
    """
    try:
        found = load_openvino()
    except BackendError as error:
        if needed:
            return _no_openvino("OpenVINO", error)
        return Finding("OpenVINO", "note", "not here, and not needed for ONNX Runtime")
    precisions = "f32 and bf16" if found.has_bf16 else "f32; this processor has no bfloat16"
    return Finding("OpenVINO", "ok", f"{found.version} with {precisions}")


def _no_openvino(topic: str, error: BackendError) -> Finding:
    return Finding(topic, "problem", str(error).removesuffix(f": {INSTALL}"), INSTALL)


def node_findings(nodes: tuple[DeviceNode, ...]) -> Iterator[Finding]:
    """Yield which device files are here and whether this user may use them."""
    user, groups = current_groups()
    for kind, label in (("camera", "cameras"), ("gpu", "GPU files"), ("codec", "codec files")):
        of_kind = [node for node in nodes if node.kind == kind]
        if not of_kind:
            yield Finding(label, "note", "none")
            continue
        closed = [node for node in of_kind if not node.usable]
        if not closed:
            yield Finding(label, "ok", f"{_few(node.path for node in of_kind)}: usable by {user}")
            continue
        owners = sorted({node.group for node in closed} - set(groups))
        text = f"{_few(node.path for node in closed)}: {user} may not use them"
        remedy = f"sudo usermod -aG {','.join(owners)} {user}   (then log in again)"
        yield Finding(label, "problem", text, remedy if owners else "look at their permissions")


def pair_findings(folder: Path, execution: Execution, probe: Probe) -> Iterator[Finding]:
    """
    Yield whether an engine pair would load here.

    Args:
        folder: The pair's.
        execution: As the configuration says.
        probe: TensorRT is only touched where CUDA has answered.
    """
    topic = f"pair {folder}"
    try:
        manifest = trusted_manifest(folder, execution.pair_key)
    except PairSignatureError as error:
        yield Finding(topic, "problem", str(error), "see docs/networks.md, Signed pairs")
        return
    except EnginesError as error:
        yield Finding(topic, "problem", str(error), build_command(folder))
        return
    faults = [state for state in plan_states(folder, manifest) if state.fault]
    for state in faults:
        yield Finding(topic, "problem", state.fault, manifest.build_command(folder))
    takes_plans = manifest.plans and library_of(execution.backend, manifest.backend) == "plans"
    if takes_plans and execution.fallback == "stop" and (faults or probe.device is None):
        if not faults:
            yield Finding(topic, "problem", "its plans need a GPU, and CUDA found none", "see CUDA")
        return
    try:
        with open_pair(folder, execution=execution) as pair:
            text = f"{pair.pair_id} of {manifest.network.name} loads and meets its golden vectors"
            yield Finding(topic, "ok", f"{text}: {pair.engine}")
    except NoOpenVinoError as error:
        yield _no_openvino(topic, error)
    except EnginesError as error:
        yield Finding(topic, "problem", str(error), manifest.build_command(folder))


def _power(jetson: Jetson) -> Finding:
    mode, fastest = jetson.power_mode, jetson.fastest_mode
    if mode is None:
        return Finding("power mode", "note", "nvpmodel does not say", "sudo nvpmodel -q")
    if fastest is None:
        text = f"{mode}; the board has no table that tells which mode is the fastest"
        return Finding("power mode", "note", text)
    if mode == fastest.name:
        return Finding("power mode", "ok", f"{mode}, the fastest")
    text = f"{mode}: slower than {fastest.name}, the fastest of this board"
    remedy = f"sudo nvpmodel -m {fastest.number} && sudo jetson_clocks"
    return Finding("power mode", "note", text, remedy)


def _memory(meminfo: Path) -> Finding:
    try:
        free = available_bytes(meminfo)
    except BackendError as error:
        remedy = "in a systemd unit set ProcSubset=all"
        return Finding("memory", "problem", str(error), remedy)
    text = f"{free >> 20} MiB free"
    if free < LEAST_MEMORY:
        return Finding("memory", "problem", text, "stop other programs, the desktop above all")
    return Finding("memory", "ok", text)


def _missing(topic: str, reason: str, wanted: bool) -> Finding:
    if not wanted:
        return Finding(topic, "note", f"not here, and not needed for ONNX Runtime ({reason})")
    what, _, remedy = reason.rpartition(": ")
    return Finding(topic, "problem", what or reason, remedy)


def _few(names: Iterable[str]) -> str:
    listed = list(names)
    return ", ".join(listed[:4]) + (f" and {len(listed) - 4} more" if len(listed) > 4 else "")
