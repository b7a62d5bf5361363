"""Which library runs the networks of a pair, decided by its manifest unless the user says else."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from engines.errors import BackendError
from engines.onnxruntime.backend import CPU, Use, open_network
from engines.openvino import backend as openvino
from engines.openvino.api import Precision, load_openvino
from engines.pair.folder import checked_content, checked_plan
from engines.pair.manifest import FileRecord, Manifest, SecondOpinionRecord
from engines.protocols import EmbeddingNetwork, NetworkSet
from engines.pruning.recipe import Role
from engines.tensorrt.load_gate import PlanFile

log = logging.getLogger(__name__)

OPINION = "opinion"
"""What the plan of a second opinion is called."""

CPU_BATCH = 2
"""
Faces that a CPU takes at once, as many as golden ones are replayed. More is no faster, and takes
more memory: mobilefacenet512 takes 2.3 ms a face one by one and in twos, 2.4 in fours, which take
25 MB, and a fifth more in batches of 16, which take 86 MB.
"""

STAYS_OPEN = Use(shares_arena=True, at_once=CPU_BATCH)

Backend = Literal["auto", "onnxruntime", "openvino", "plans"]
Library = Literal["onnxruntime", "openvino", "plans"]
OpenPlans = Callable[[Sequence[PlanFile], Literal["tensorrt", "rtx"]], EmbeddingNetwork]
OpenPlanSet = Callable[[Mapping[str, PlanFile], Literal["tensorrt", "rtx"]], NetworkSet]


def open_plans(plans: Sequence[PlanFile], flavour: Literal["tensorrt", "rtx"]) -> EmbeddingNetwork:
    """Open plans with the TensorRT of this machine, which is imported only now."""
    from engines.tensorrt import backend, device  # noqa: PLC0415

    return backend.open_plans(plans, device.Runtime(flavour=flavour))


def open_plan_set(plans: Mapping[str, PlanFile], flavour: Literal["tensorrt", "rtx"]) -> NetworkSet:
    """Open plans of networks with inputs of their own, as `open_plans` does."""
    from engines.tensorrt import backend, device  # noqa: PLC0415

    return backend.open_plan_set(plans, device.Runtime(flavour=flavour))


@dataclass(frozen=True, slots=True)
class Execution:
    """How to run a pair."""

    backend: Backend = "auto"
    """`auto` takes what the pair was built for; the others insist."""
    providers: tuple[str, ...] = CPU
    """Of ONNX Runtime, in order of preference; the first one must really be in use."""
    fallback: Literal["stop", "onnxruntime"] = "stop"
    """What to do when OpenVINO or plans do not run here: refuse, or take ONNX Runtime."""
    pair_key: Path | None = None
    """File of a public key: pairs that it did not sign are refused. None asks for no signature."""
    second_opinion: bool = True
    """False: the shift alone decides, and the pair has the id of one built without it."""
    plans: OpenPlans = open_plans
    """Opens plans; tests give another."""
    plan_set: OpenPlanSet = open_plan_set
    """Opens the plans of a detector; tests give another."""


def library_of(backend: Backend, made_for: str) -> Library:
    """
    Return what runs a pair.

    Args:
        backend: The user's choice.
        made_for: The manifest's backend.
    """
    if backend != "auto":
        return backend
    made: dict[str, Library] = {"onnxruntime": "onnxruntime", "openvino": "openvino"}
    return made.get(made_for, "plans")


def open_networks(
    folder: Path, manifest: Manifest, threads: int, execution: Execution
) -> tuple[EmbeddingNetwork, ...]:
    """
    Open the networks of a pair whose manifest was read.

    Args:
        folder: The pair's.
        manifest: Read from it.
        threads: Of ONNX Runtime, for each network call.
        execution: The user's choice.

    Raises:
        PairIntegrityError: A file is missing or not the promised one.
        BackendError: The library refused, or has no plans to run.
    """
    library = library_of(execution.backend, manifest.backend)
    if library == "onnxruntime":
        return _open_onnx(folder, manifest, threads, execution)
    try:
        if library == "openvino":
            return _open_openvino(folder, manifest, threads)
        return (_open_plans(folder, manifest, execution),)
    except BackendError as error:
        if execution.fallback == "stop":
            raise
        instead_of = "OpenVINO" if library == "openvino" else "its plans"
        log.warning("running %s with ONNX Runtime instead of %s: %s", folder, instead_of, error)
        return _open_onnx(folder, manifest, threads, execution)


def open_beside(
    folder: Path,
    manifest: Manifest,
    record: SecondOpinionRecord,
    threads: int,
    execution: Execution,
) -> EmbeddingNetwork:
    """
    Open the second opinion of a pair: by its plan where the pair runs by plans and it has one.

    Raises:
        PairIntegrityError: A file is missing or not the promised one.
        BackendError: The library refused.
    """
    by_plans = library_of(execution.backend, manifest.backend) == "plans"
    if by_plans and record.plan is not None and manifest.flavour is not None:
        plans = {OPINION: checked_plan(folder, record.plan, manifest.build_command(folder))}
        try:
            return execution.plan_set(plans, manifest.flavour).networks[OPINION]
        except BackendError as error:
            if execution.fallback == "stop":
                raise
            log.warning("running %s with ONNX Runtime, not its plan: %s", record.name, error)
    return open_network(checked_content(folder, record.file), threads, use=STAYS_OPEN)


def _open_onnx(
    folder: Path, manifest: Manifest, threads: int, execution: Execution
) -> tuple[EmbeddingNetwork, ...]:
    return tuple(
        open_network(checked_content(folder, record), threads, execution.providers, use=STAYS_OPEN)
        for record in _in_order(manifest.files)
    )


def _open_openvino(folder: Path, manifest: Manifest, threads: int) -> tuple[EmbeddingNetwork, ...]:
    precision: Precision = manifest.precision or "f32"
    if precision == "bf16" and not load_openvino().has_bf16:
        log.warning("running %s in f32: this processor does not compute bfloat16", folder)
        precision = "f32"
    return tuple(
        openvino.open_network(checked_content(folder, record), threads, precision, openvino.FACES)
        for record in _in_order(manifest.files)
    )


def _open_plans(folder: Path, manifest: Manifest, execution: Execution) -> EmbeddingNetwork:
    if manifest.flavour is None:
        to_plans = manifest.model_copy(update={"backend": "tensorrt"})
        raise BackendError(
            f"{folder}: has no TensorRT plans: run '{to_plans.build_command(folder)}' on the device"
        )
    rebuild = manifest.build_command(folder)
    plans = [checked_plan(folder, record, rebuild) for record in _in_order(manifest.plans)]
    return execution.plans(plans, manifest.flavour)


def _in_order(records: Mapping[Role, FileRecord]) -> list[FileRecord]:
    roles: tuple[Role, ...] = ("dense", "pruned", "fused")
    return [records[role] for role in roles if role in records]
