"""The networks of a pair made ready for TensorRT, and what FP16 does to them; all on the CPU."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import onnx

from engines.graph import graph
from engines.graph.fp16_gate import Fp16Figures, measure_fp16
from engines.graph.half_precision import HalfNetwork, PrecisionReport, half_precision, with_names
from engines.graph.prelu import PReluForm, in_prelu_form
from engines.pair.folder import checked_content
from engines.pair.manifest import Manifest
from engines.plans.builder.typing_mode import Typing
from engines.plans.options import PlanOptions
from engines.plans.structure import two_four_layers, uneven_layers
from engines.pruning.recipe import Role
from engines.quality.preprocess import prepare
from engines.quality.specification import FaceImages
from engines.tensorrt.errors import BuildError
from engines.tensorrt.profile import BatchProfile, ShapeProfile
from engines.tensorrt.sidecar import Source, TensorDescription


@dataclass(frozen=True, slots=True, eq=False)
class NetworkFile:
    """One ONNX file of a pair."""

    model: onnx.ModelProto
    sha256: str


def network_file(
    folder: Path, manifest: Manifest, role: Role, prelu: PReluForm = "spelled"
) -> NetworkFile:
    """
    Return one ONNX network of a pair, with its PRelu as TensorRT shall get them.

    Raises:
        PairIntegrityError: It is missing or not the promised one.
    """
    record = manifest.files[role]
    model = onnx.load_model_from_string(checked_content(folder, record))
    return NetworkFile(in_prelu_form(model, prelu), record.sha256)


@dataclass(frozen=True, slots=True)
class Sizes:
    """Inputs of a network, and its outputs for them."""

    shapes: ShapeProfile
    outputs: tuple[TensorDescription, ...]


@dataclass(frozen=True, slots=True, eq=False)
class PreparedNetwork:
    """One network as TensorRT gets it."""

    source: Source
    onnx: bytes
    input_name: str
    shapes: ShapeProfile
    """One face at a time where the network's batch could not be opened."""
    outputs: tuple[TensorDescription, ...]
    uneven_layers: tuple[tuple[str, int], ...] = ()
    """See `structure.uneven_layers`."""


def prepare_networks(
    folder: Path, manifest: Manifest, options: PlanOptions, typing: Typing
) -> Iterator[PreparedNetwork]:
    """
    Yield every network of a pair as TensorRT shall parse it; each is read when it is asked for.

    Strong typing takes the FP16 graph; weak typing the FP32 one, whose layers TensorRT lowers.

    Args:
        folder: The pair's.
        manifest: Read from it; its files are dense and pruned, or fused.
        options: Precision and what to keep in FP32.
        typing: As the library offers it.

    Raises:
        PrecisionError: FP16 does not hold the weights, or a node to keep does not exist.
    """
    for role in manifest.files:
        file = network_file(folder, manifest, role, options.prelu)
        yield prepared(role, file, options, typing)


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
    models = (network_file(folder, manifest, role).model for role in manifest.files)
    halves = (
        half_precision(network_file(folder, manifest, role).model).model for role in manifest.files
    )
    return measure_fp16(models, halves, prepare(images, manifest.specification))


def _half(model: onnx.ModelProto, options: PlanOptions) -> HalfNetwork:
    return half_precision(model, options.keep_fp32, options.clamp_budget)


def prepared(
    role: str,
    file: NetworkFile,
    options: PlanOptions,
    typing: Typing,
    sizes: Sizes | None = None,
) -> PreparedNetwork:
    """
    Return one network as TensorRT shall parse it.

    Args:
        role: Its name among the plans.
        file: FP32, PRelu in the form that TensorRT shall get.
        options: Precision and what to keep in FP32.
        typing: See `prepare_networks`.
        sizes: Of its input and outputs; None: a network of a pair, for the options' batches.

    Raises:
        PrecisionError: FP16 does not hold the weights, or a node to keep does not exist.
        BuildError: The network says nothing of its shapes.
    """
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
        prelu=options.prelu,
    )
    found = sizes or _sizes_of_pair(model, options)
    return PreparedNetwork(
        source=source,
        onnx=content.SerializeToString(),
        input_name=model.graph.input[0].name,
        shapes=found.shapes,
        outputs=found.outputs,
        uneven_layers=uneven_layers(model),
    )


def _sizes_of_pair(model: onnx.ModelProto, options: PlanOptions) -> Sizes:
    outputs = tuple(
        TensorDescription(name=output.name, shape=_row_shape(output))
        for output in model.graph.output
    )
    source = model.graph.input[0]
    return Sizes(ShapeProfile.batches(_profile(model, options), _row_shape(source)), outputs)


def _profile(model: onnx.ModelProto, options: PlanOptions) -> BatchProfile:
    stated = graph.dimensions(model.graph.input[0]) or (None,)
    return options.profile if stated[0] is None else BatchProfile(smallest=1, usual=1, largest=1)


def _row_shape(value: onnx.ValueInfoProto) -> tuple[int, ...]:
    shape = graph.dimensions(value)
    if shape is None or None in shape[1:]:
        raise BuildError(f"tensor {value.name} has no fixed shape: build the pair again")
    return tuple(axis or 0 for axis in shape[1:])
