"""The networks of a pair made ready for TensorRT, and what FP16 does to them; all on the CPU."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from engines.graph import graph
from engines.graph.fp16_gate import Fp16Figures, measure_fp16, refuse_fp16
from engines.graph.half_precision import HalfNetwork, PrecisionReport, half_precision, with_names
from engines.graph.prelu import join_prelu
from engines.pair.folder import checked_content
from engines.pair.manifest import Manifest
from engines.plans.options import PlanOptions
from engines.plans.structure import two_four_layers
from engines.plans.typing_mode import Typing
from engines.quality.preprocess import prepare
from engines.quality.specification import FaceImages
from engines.tensorrt.errors import BuildError
from engines.tensorrt.sidecar import Source


@dataclass(frozen=True, slots=True, eq=False)
class NetworkFile:
    """One ONNX file of a pair."""

    model: onnx.ModelProto
    sha256: str


def network_files(folder: Path, manifest: Manifest) -> dict[str, NetworkFile]:
    """
    Return the ONNX networks of a pair by role, as TensorRT likes them.

    Raises:
        PairIntegrityError: One is missing or not the promised one.
    """
    models = {
        role: onnx.load_model_from_string(checked_content(folder, record))
        for role, record in manifest.files.items()
    }
    return {
        role: NetworkFile(join_prelu(model), manifest.files[role].sha256)
        for role, model in models.items()
    }


@dataclass(frozen=True, slots=True, eq=False)
class PreparedNetwork:
    """One network as TensorRT gets it."""

    source: Source
    onnx: bytes
    input_name: str
    input_shape: tuple[int, ...]
    outputs: tuple[str, ...]
    output_shapes: tuple[tuple[int, ...], ...]


def prepare_networks(
    files: Mapping[str, NetworkFile], options: PlanOptions, typing: Typing
) -> tuple[PreparedNetwork, ...]:
    """
    Return every network of a pair as TensorRT shall parse it.

    Strong typing takes the FP16 graph; weak typing the FP32 one, whose layers TensorRT lowers.

    Args:
        files: By role: dense and pruned, or fused.
        options: Precision and what to keep in FP32.
        typing: As the library offers it.

    Raises:
        PrecisionError: FP16 does not hold the weights, or a node to keep does not exist.
    """
    return tuple(_prepared(role, file, options, typing) for role, file in files.items())


def gate_pair(
    files: Mapping[str, NetworkFile],
    options: PlanOptions,
    inputs: NDArray[np.float32],
    threads: int = 1,
) -> Fp16Figures:
    """
    Return what FP16 does to the pair's embeddings and shift on real faces.

    Args:
        files: By role.
        options: What to keep in FP32.
        inputs: (N, ...) float32 prepared face images.
        threads: Of ONNX Runtime.

    Raises:
        PrecisionError: FP16 overflows, or changes the pair more than the options' limits allow.
    """
    models = [file.model for file in files.values()]
    halves = [_half(model, options).model for model in models]
    figures = measure_fp16(models, halves, inputs, threads)
    refuse_fp16(figures, options.limits)
    return figures


def pair_figures(folder: Path, manifest: Manifest, images: FaceImages) -> Fp16Figures:
    """
    Return what FP16 does to a finished pair, whether or not that is tolerable.

    Args:
        folder: The pair's.
        manifest: Read from it.
        images: (N, height, width, 3) uint8 BGR aligned faces.

    Raises:
        PrecisionError: FP16 does not hold its weights or activations.
    """
    models = [file.model for file in network_files(folder, manifest).values()]
    halves = [half_precision(model).model for model in models]
    return measure_fp16(models, halves, prepare(images, manifest.specification))


def _half(model: onnx.ModelProto, options: PlanOptions) -> HalfNetwork:
    return half_precision(model, options.keep_fp32, options.clamp_budget)


def _prepared(
    role: str, file: NetworkFile, options: PlanOptions, typing: Typing
) -> PreparedNetwork:
    model = content = file.model
    report = PrecisionReport(clamped=0, flushed=0, half_weights=0, full_weights=0, kept=())
    if options.precision == "fp16":
        half = _half(model, options)
        content, report = half.model, half.report
    if typing == "weak":
        content = with_names(model)
    source = Source(
        role=role,
        sha256=file.sha256,
        precision=options.precision,
        half_weights=report.half_weights,
        clamped=report.clamped,
        kept_fp32=report.kept,
        two_four_layers=two_four_layers(model),
    )
    return PreparedNetwork(
        source=source,
        onnx=content.SerializeToString(),
        input_name=model.graph.input[0].name,
        input_shape=_row_shape(model.graph.input[0]),
        outputs=tuple(output.name for output in model.graph.output),
        output_shapes=tuple(_row_shape(output) for output in model.graph.output),
    )


def _row_shape(value: onnx.ValueInfoProto) -> tuple[int, ...]:
    shape = graph.dimensions(value)
    if shape is None or None in shape[1:]:
        raise BuildError(f"tensor {value.name} has no fixed shape: build the pair again")
    return tuple(axis or 0 for axis in shape[1:])
