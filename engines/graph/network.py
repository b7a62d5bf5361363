"""A face recognition network in ONNX: what makes one, and refusing what does not."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx

from engines.errors import NetworkError
from engines.graph import graph
from engines.graph.batch import open_batch
from engines.graph.onnx_file import read_onnx
from engines.quality.preprocess import input_axes
from engines.quality.specification import InputSpecification

OPSETS = range(7, 22)
"""Operator sets whose Conv, Gemm and BatchNormalization this package knows how to rewrite."""

NOT_EMBEDDINGS = frozenset({"Softmax", "LogSoftmax", "Sigmoid", "ArgMax", "TopK"})
"""Operators that end a classifier or a detector, never an embedding network."""


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


def load_network(
    path: Path, specification: InputSpecification, embedding_length: int | None = None
) -> Network:
    """
    Read and check an ONNX face recognition network and leave its batch size open.

    Args:
        path: The ONNX file; external data must lie in its folder.
        specification: The input it was trained on; the file may not contradict it.
        embedding_length: D as stated for the network; None takes the file's word.

    Raises:
        NetworkError: No readable ONNX file, or not a face recognition network of that input.
    """
    model, sha256 = read_onnx(path)
    try:
        _check_operators(model)
        _turn_constants_into_initializers(model)
        _check_weights(model)
        source = _image_input(model, specification)
        target = _embedding_output(model)
        length = open_batch(model, specification, embedding_length)
    except NetworkError as error:
        raise NetworkError(f"{path}: {error}") from error
    return Network(model, source, target, specification, length, sha256)


def _check_operators(model: onnx.ModelProto) -> None:
    versions = {each.domain or "ai.onnx": each.version for each in model.opset_import}
    if versions.get("ai.onnx") not in OPSETS:
        raise NetworkError(
            f"operator set {versions.get('ai.onnx')}; export it again with one from "
            f"{OPSETS[0]} to {OPSETS[-1]}"
        )
    for node in model.graph.node:
        if node.domain not in {"", "ai.onnx"}:
            raise NetworkError(f"operator {node.domain}.{node.op_type}; use standard ONNX only")
        if any(each.HasField("g") or each.graphs for each in node.attribute):
            raise NetworkError(f"control flow ({node.op_type}); export the plain forward pass")
        if node.op_type == "BatchNormalization" and graph.attributes(node).get("training_mode"):
            raise NetworkError("exported in training mode; export it again in evaluation mode")


def _turn_constants_into_initializers(model: onnx.ModelProto) -> None:
    """Some exporters write weights as Constant nodes; afterwards there is one place to look."""
    kept = []
    for node in model.graph.node:
        value = graph.attributes(node).get("value") if node.op_type == "Constant" else None
        if isinstance(value, onnx.TensorProto):
            value.name = node.output[0]
            model.graph.initializer.append(value)
        else:
            kept.append(node)
    del model.graph.node[:]
    model.graph.node.extend(kept)


def _check_weights(model: onnx.ModelProto) -> None:
    for tensor in model.graph.initializer:
        if tensor.data_type in {onnx.TensorProto.FLOAT16, onnx.TensorProto.DOUBLE}:
            raise NetworkError(f"weights {tensor.name!r} are not float32; export it in FP32")
        if (
            tensor.data_type == onnx.TensorProto.FLOAT
            and not np.isfinite(graph.values(tensor)).all()
        ):
            raise NetworkError(f"weights {tensor.name!r} hold NaN or infinite values")


def _image_input(model: onnx.ModelProto, specification: InputSpecification) -> str:
    """Return the input's name; initializers that old files list as inputs too are taken off."""
    constant = graph.initializers(model).keys()
    inputs = [each for each in model.graph.input if each.name not in constant]
    del model.graph.input[:]
    model.graph.input.extend(inputs)
    model.ir_version = max(model.ir_version, 4)  # older ones demand the double listing
    if len(inputs) != 1:
        names = ", ".join(each.name for each in inputs) or "none"
        raise NetworkError(f"one image input is needed, it has {len(inputs)}: {names}")
    expected = input_axes(specification)
    found = graph.dimensions(inputs[0])
    if inputs[0].type.tensor_type.elem_type != onnx.TensorProto.FLOAT or not _fits(found, expected):
        raise NetworkError(
            f"input {inputs[0].name!r} is {_shape_text(found)}, the specification says float32 "
            f"{_shape_text((None, *expected))}: not this network, or not this specification"
        )
    return inputs[0].name


def _fits(found: tuple[int | None, ...] | None, expected: tuple[int, ...]) -> bool:
    if found is None or len(found) != 1 + len(expected):
        return False
    return all(axis in {None, want} for axis, want in zip(found[1:], expected, strict=True))


def _embedding_output(model: onnx.ModelProto) -> str:
    outputs = [each.name for each in model.graph.output]
    if len(outputs) != 1:
        raise NetworkError(f"one embedding output is needed, it has {len(outputs)}: {outputs}")
    last = next((node for node in model.graph.node if outputs[0] in node.output), None)
    if last is None or last.op_type in NOT_EMBEDDINGS:
        what = "nothing" if last is None else last.op_type
        raise NetworkError(f"its output comes from {what}: a classifier, not an embedding network")
    return outputs[0]


def _shape_text(shape: tuple[int | None, ...] | None) -> str:
    """Return a shape for people, for example (N, 3, 112, 112)."""
    if shape is None:
        return "of unstated shape"
    return "(" + ", ".join("N" if axis is None else str(axis) for axis in shape) + ")"
