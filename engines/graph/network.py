"""A face recognition network in ONNX: what makes one, and refusing what does not."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import get_args

import numpy as np
import onnx
from numpy.typing import NDArray

from engines.errors import NetworkError
from engines.graph import dialect, graph
from engines.graph.batch import open_batch
from engines.graph.constants import RANDOM, fold_constants
from engines.graph.draft import Draft
from engines.graph.onnx_file import read_onnx
from engines.graph.outputs import choose_output, make_rows, shape_text
from engines.graph.shapes import inferred_shapes
from engines.graph.slopes import lay_slopes_along_channels
from engines.quality.preprocess import input_axes
from engines.quality.specification import ColourOrder, InputSpecification, Layout

log = logging.getLogger(__name__)

EXPORT_AGAIN = "export it again: torch.onnx.export(model.eval(), faces, 'network.onnx')"

MULTIPLIERS = frozenset({"Conv", "Gemm", "MatMul"})
"""Operators that hold a network's weights."""

QUANTISED = frozenset({"ConvInteger", "MatMulInteger", "DynamicQuantizeLinear"})
"""Operators whose weights are integers; so are those of all that begin with QLinear."""


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """A checked network: one image input, one embedding output, any batch size."""

    model: onnx.ModelProto
    """All weights inside, float32; copy before changing."""
    input_name: str
    output_name: str
    specification: InputSpecification
    embedding_length: int
    """D, the number of values of one embedding."""
    source_sha256: str
    """Hexadecimal; see `read_onnx`."""
    folded: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    """By a layer's output tensor: what folding BatchNormalization multiplied each channel by."""


def load_network(
    path: str | Path,
    specification: InputSpecification,
    embedding_length: int | None = None,
    output: str | None = None,
) -> Network:
    """
    Read and check an ONNX face recognition network and leave its batch size open.

    Whatever an exporter did with weights and operators comes out in one form: see
    `docs/networks.md`.

    Args:
        path: The ONNX file; external data must lie in its folder.
        specification: The input it was trained on; the file may not contradict it.
        embedding_length: D as stated for the network; None takes the file's word.
        output: Name of the tensor that is the embedding; None takes the only fitting output.

    Raises:
        NetworkError: No readable ONNX file, or not a face recognition network of that input.
    """
    path = Path(path)
    return network_of(read_onnx(path), path, specification, embedding_length, output)


def network_of(
    read: tuple[onnx.ModelProto, str],
    path: Path,
    specification: InputSpecification,
    embedding_length: int | None = None,
    output: str | None = None,
) -> Network:
    """Do as `load_network` with what `read_onnx` gave, which is changed."""
    model, sha256 = read
    try:
        model = _plain(model, specification)
        _put_image_first(model, specification)
        target = _embedding_output(model, specification, output, embedding_length)
        _check_weights(model)
        length = open_batch(model, specification, embedding_length)
    except NetworkError as error:
        raise NetworkError(f"{path}: {error}") from error
    if graph.dimensions(model.graph.input[0]) == (1, *input_axes(specification)):
        log.warning("%s: its batch cannot be opened, so faces run one by one", path)
    # A message of its own: the one read keeps what was taken out of it.
    source = model.graph.input[0].name
    return Network(Draft(model).finished(), source, target, specification, length, sha256)


def _plain(model: onnx.ModelProto, specification: InputSpecification) -> onnx.ModelProto:
    """Return the network in standard operators, constants folded, in float32."""
    model = dialect.inline_functions(model)
    _check_operators(model, specification)
    model = dialect.convert_operator_set(model)
    _take_constants_off_inputs(model)
    fold_constants(model)
    dialect.widen_floats(model)
    _check_repeatable(model)
    return model


def _check_operators(model: onnx.ModelProto, specification: InputSpecification) -> None:
    for node in model.graph.node:
        if node.op_type in QUANTISED or node.op_type.startswith("QLinear"):
            raise NetworkError(
                f"its layers are quantised to integers ({node.op_type}): give the float32 network "
                "it was made from, or quantise that with quant_format=QuantFormat.QDQ"
            )
        if node.domain not in {"", "ai.onnx"}:
            raise NetworkError(
                f"operator {node.domain}.{node.op_type} is not standard ONNX: give the file "
                f"before it was optimised for one library, or {EXPORT_AGAIN}"
            )
        if any(each.HasField("g") or each.graphs for each in node.attribute):
            shape = ",".join(str(axis) for axis in (1, *input_axes(specification)))
            raise NetworkError(
                f"control flow ({node.op_type}); fix its shapes: onnxsim FILE plain.onnx "
                f"--overwrite-input-shape {model.graph.input[0].name}:{shape}"
            )


def _check_repeatable(model: onnx.ModelProto) -> None:
    for node, name in zip(model.graph.node, graph.layer_names(model), strict=True):
        if _is_training(node, model):
            raise NetworkError(f"{node.op_type} {name!r} is in training mode; {EXPORT_AGAIN}")
        if node.op_type in RANDOM:
            raise NetworkError(f"{node.op_type} {name!r} draws random numbers; {EXPORT_AGAIN}")


def _is_training(node: onnx.NodeProto, model: onnx.ModelProto) -> bool:
    if node.op_type == "BatchNormalization":
        return bool(graph.attributes(node).get("training_mode")) or any(node.output[1:])
    if node.op_type != "Dropout" or len(node.input) < 3 or not node.input[2]:
        return False
    told = graph.initializers(model).get(node.input[2])
    return told is None or bool(graph.values(told).any())


def _take_constants_off_inputs(model: onnx.ModelProto) -> None:
    """Old files list initializers as inputs too."""
    constant = graph.initializers(model).keys()
    inputs = [each for each in model.graph.input if each.name not in constant]
    del model.graph.input[:]
    model.graph.input.extend(inputs)
    model.ir_version = max(model.ir_version, 4)  # older ones demand the double listing


def _check_weights(model: onnx.ModelProto) -> None:
    for tensor in model.graph.initializer:
        if (
            tensor.data_type == onnx.TensorProto.FLOAT
            and not np.isfinite(graph.values(tensor)).all()
        ):
            raise NetworkError(f"weights {tensor.name!r} hold NaN or infinite values")
    constant = graph.initializers(model).keys()
    if not any(
        node.op_type in MULTIPLIERS and constant & set(node.input[:2]) for node in model.graph.node
    ):
        held = sorted({node.op_type for node in model.graph.node if constant & set(node.input)})
        raise NetworkError(
            "no Conv, Gemm or MatMul has constant weights, so nothing can be pruned (constants go "
            f"to {', '.join(held) or 'nothing'}); give the float32 network that it was made from"
        )


def _put_image_first(model: onnx.ModelProto, specification: InputSpecification) -> None:
    """Shapes follow from the first input; what else there is may go unused."""
    fitting = [each for each in model.graph.input if _is_image(each, specification)]
    others = [each for each in model.graph.input if each not in fitting]
    del model.graph.input[:]
    model.graph.input.extend([*fitting, *others])
    if not model.graph.input:
        raise NetworkError("one image input is needed, it has none")
    if len(model.graph.input) == 1:
        _require_image(model, specification)


def _require_image(model: onnx.ModelProto, specification: InputSpecification) -> None:
    """Refuse other inputs than one image of the specification, and say what would fit."""
    names = ", ".join(each.name for each in model.graph.input)
    if len(model.graph.input) != 1:
        raise NetworkError(f"one image input is needed, it has {len(model.graph.input)}: {names}")
    (source,) = model.graph.input
    if _is_image(source, specification):
        return
    kind = onnx.TensorProto.DataType.Name(source.type.tensor_type.elem_type).lower()
    found, wanted = graph.dimensions(source), (None, *input_axes(specification))
    raise NetworkError(
        f"input {source.name!r} is {kind} {shape_text(found)}, the specification says float "
        f"{shape_text(wanted)}: {_what_fits(source, specification)}"
    )


def _what_fits(source: onnx.ValueInfoProto, specification: InputSpecification) -> str:
    colours: tuple[ColourOrder, ...] = ("rgb", "grey")
    for layout, colour in product(get_args(Layout), colours):
        if _is_image(source, replace(specification, layout=layout, colour=colour)):
            order = "" if colour == "grey" else " or bgr"
            return f"write 'layout: {layout}' and 'colour: {colour}'{order} in its entry"
    return "not this network, or not this specification"


def _is_image(value: onnx.ValueInfoProto, specification: InputSpecification) -> bool:
    found, expected = graph.dimensions(value), input_axes(specification)
    if value.type.tensor_type.elem_type != onnx.TensorProto.FLOAT or found is None:
        return False
    return len(found) == 1 + len(expected) and all(
        axis in {None, want} for axis, want in zip(found[1:], expected, strict=True)
    )


def _embedding_output(
    model: onnx.ModelProto,
    specification: InputSpecification,
    output: str | None,
    length: int | None,
) -> str:
    batch = (graph.dimensions(model.graph.input[0]) or (None,))[0] or 1
    shapes = inferred_shapes(model, (batch, *input_axes(specification)))
    chosen = choose_output(model, output, shapes, length)
    _require_image(model, specification)
    lay_slopes_along_channels(model, shapes)
    return make_rows(model, shapes.get(chosen), length)
