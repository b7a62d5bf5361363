"""The FP16 gate of a finished pair: one network in memory at a time, large ones elsewhere."""

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from engines.graph.fp16_gate import Fp16Figures, measure_fp16, refuse_fp16
from engines.graph.half_precision import half_precision
from engines.pair.manifest import Manifest, read_manifest
from engines.plans.half_pair import network_file
from engines.plans.options import PlanOptions
from engines.plans.own_process import in_own_process
from engines.pruning.recipe import Role

LARGE_BYTES = 32 << 20
"""ONNX files of a pair from which on the gate has a process of its own: starting it costs 2 s."""


def gate_pair(
    folder: Path, options: PlanOptions, inputs: NDArray[np.float32], threads: int = 1
) -> Fp16Figures:
    """
    Return what FP16 does to the pair's embeddings and shift on real faces.

    Args:
        folder: Of a finished pair.
        options: What to keep in FP32.
        inputs: (N, ...) float32 prepared face images.
        threads: Of ONNX Runtime.

    Raises:
        PrecisionError: FP16 overflows, or changes the pair more than the options' limits allow.
        BackendError: The process it ran in was killed.
    """
    manifest = read_manifest(folder)
    arguments = (folder, manifest, options, inputs, threads)
    if sum(record.bytes for record in manifest.files.values()) < LARGE_BYTES:
        found = figures(*arguments)
    else:
        found = in_own_process("that measured FP16", figures, *arguments)
    refuse_fp16(found, options.limits)
    return found


def figures(
    folder: Path,
    manifest: Manifest,
    options: PlanOptions,
    inputs: NDArray[np.float32],
    threads: int,
) -> Fp16Figures:
    """Measure without judging, in this process."""

    def network(role: Role) -> onnx.ModelProto:
        return network_file(folder, manifest, role, options.prelu).model

    full = (network(role) for role in manifest.files)
    halves = (
        half_precision(network(role), options.keep_fp32, options.clamp_budget).model
        for role in manifest.files
    )
    return measure_fp16(full, halves, inputs, threads)
