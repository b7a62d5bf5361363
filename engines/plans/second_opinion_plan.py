"""Add the plan of a second opinion to an engine pair."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.progress import Progress

from engines.biometrics.ranks import spearman
from engines.graph.emulation import EmulatedNetwork
from engines.graph.fp16_gate import Fp16Limits
from engines.onnxruntime.backend import open_network
from engines.pair.execution import OPINION
from engines.pair.manifest import (
    Manifest,
    SecondOpinionRecord,
    read_manifest,
    write_changed,
)
from engines.pair.quality_network import QualityNetwork
from engines.pair.second_opinion import qualities, second_opinion_file
from engines.plans.builder.typing_mode import Typing
from engines.plans.half_pair import PreparedNetwork
from engines.plans.options import PlanOptions
from engines.plans.planned_detector import SetNetwork
from engines.plans.set_networks import half_set, prepare_set
from engines.plans.workshop import Workshop, build_network_plan
from engines.protocols import EmbeddingNetwork
from engines.quality.preprocess import input_axes
from engines.quality.specification import FaceImages
from engines.tensorrt.profile import ShapeProfile

HALF_TOLERANCE = 5
"""Times the tolerance of FP32: 5 % of the spread of the reference faces, for plans in FP16."""


@dataclass(frozen=True, slots=True)
class OpinionInHalf:
    """What half precision does to the second opinion on known faces."""

    error: float
    """Largest, over the tolerance that plans in FP16 have."""
    rank_agreement: float

    @property
    def passed(self) -> bool:
        """Whether it may be FP16."""
        return self.error <= 1 and self.rank_agreement >= Fp16Limits().rank_agreement


def add_second_opinion_plan(
    folder: Path, faces: FaceImages, workshop: Workshop, progress: Progress
) -> Manifest:
    """
    Build the plan of a finished pair's second opinion, and let its manifest name it.

    FP16 where that leaves its qualities and their order in place, else FP32. Whenever the plan is
    opened it must say of the golden faces what the manifest promises.

    Args:
        folder: The pair's.
        faces: (N, height, width, 3) uint8 BGR aligned faces to measure FP16 on.
        workshop: Library, device and choices.
        progress: A running display of the caller's.

    Returns:
        The pair's manifest; as it was where the pair has no second opinion.

    Raises:
        BackendError: TensorRT refused.
        NetworkError: It does not take batches.
    """
    manifest = read_manifest(folder)
    record = manifest.second_opinion
    prepared = prepare_opinion(folder, faces, workshop.options, workshop.typing, workshop.threads)
    if record is None or prepared is None:
        return manifest
    plan = build_network_plan(folder, prepared, None, workshop, progress)
    wider = HALF_TOLERANCE if prepared.source.precision == "fp16" else 1
    changed = record.model_copy(update={"plan": plan, "tolerance": wider * record.tolerance})
    return write_changed(folder, manifest, {"second_opinion": changed})


def prepare_opinion(
    folder: Path, faces: FaceImages, options: PlanOptions, typing: Typing, threads: int = 1
) -> PreparedNetwork | None:
    """
    Return a pair's second opinion as TensorRT shall parse it; None where the pair has none.

    Raises:
        PrecisionError: FP16 does not hold its weights.
        NetworkError: It does not take batches.
    """
    manifest = read_manifest(folder)
    if manifest.second_opinion is None:
        return None
    half = None
    if options.precision == "fp16":
        half = measure_half(folder, manifest, faces, options, threads)
    kept = () if half is not None and half.passed else (OPINION,)
    network = _network(folder, manifest.second_opinion, options)
    return next(prepare_set((network,), options, typing, kept))


def measure_half(
    folder: Path, manifest: Manifest, faces: FaceImages, options: PlanOptions, threads: int = 1
) -> OpinionInHalf:
    """
    Return what FP16, emulated on the CPU, does to a pair's second opinion.

    Raises:
        PrecisionError: FP16 does not hold its weights.
        ValueError: The pair has none.
    """
    record = manifest.second_opinion
    if record is None:
        raise ValueError("the pair has no second opinion")
    ((_, half),) = half_set((_network(folder, record, options),), options)
    full = open_network(second_opinion_file(folder).read_bytes(), threads)
    running: tuple[EmbeddingNetwork, ...] = (full, EmulatedNetwork(half, threads))
    wanted, got = (
        qualities(
            QualityNetwork(each, record.specification, record.direction),
            faces,
            manifest.specification,
        )
        for each in running
    )
    full.close()
    error = float(np.abs(wanted - got).max()) / (HALF_TOLERANCE * record.tolerance)
    return OpinionInHalf(error, spearman(wanted, got))


def _network(folder: Path, record: SecondOpinionRecord, options: PlanOptions) -> SetNetwork:
    row = input_axes(record.specification)
    shapes = ShapeProfile.batches(options.profile, row)
    return SetNetwork(OPINION, second_opinion_file(folder), shapes)
