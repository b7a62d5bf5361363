"""Leave the batch size of an embedding network open, where the exporter froze it."""

from collections.abc import Sequence

import numpy as np
import onnx

from engines.errors import NetworkError
from engines.graph import graph
from engines.quality.preprocess import input_axes
from engines.quality.specification import InputSpecification


def open_batch(
    model: onnx.ModelProto, specification: InputSpecification, embedding_length: int | None
) -> int:
    """
    Make the first axis of input and output open, in place, and return the embedding length.

    A frozen batch hides in three places: the stated shapes of input and output, those of the
    tensors between (dropped: libraries infer them anew), and the constants of Reshape.

    Raises:
        NetworkError: The output is not (N, D), or D is not the stated embedding length.
    """
    source, target = model.graph.input[0], model.graph.output[0]
    frozen = (graph.dimensions(source) or (None,))[0] or 1
    inferred = _inferred_shapes(model, (frozen, *input_axes(specification)))
    stated = graph.dimensions(target)
    length = _embedding_length((inferred.get(target.name), stated), embedding_length)
    for node in model.graph.node:
        if node.op_type == "Reshape":
            _open_reshape(model, node, frozen, inferred.get(node.output[0]))
    graph.drop_unused_initializers(model)
    _state_shape(source, ("batch", *input_axes(specification)))
    _state_shape(target, ("batch", length))
    del model.graph.value_info[:]
    return length


def _inferred_shapes(
    model: onnx.ModelProto, input_shape: Sequence[int]
) -> dict[str, tuple[int | None, ...] | None]:
    """Return the shapes that follow from the input's alone, not those written in the file."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    del copy.graph.value_info[:]
    _state_shape(copy.graph.input[0], input_shape)
    copy.graph.output[0].type.tensor_type.ClearField("shape")
    try:
        graph_inferred = onnx.shape_inference.infer_shapes(copy, data_prop=True).graph
    except onnx.shape_inference.InferenceError as error:
        raise NetworkError(f"shapes contradict each other: {error}") from error
    return {
        each.name: graph.dimensions(each)
        for each in (*graph_inferred.value_info, *graph_inferred.output)
    }


def _embedding_length(shapes: Sequence[tuple[int | None, ...] | None], promised: int | None) -> int:
    known = [shape for shape in shapes if shape is not None]
    if any(len(shape) != 2 for shape in known):
        raise NetworkError(f"its output is {known[0]}, not (N, D) embeddings")
    lengths = {shape[1] for shape in known} | {promised}
    lengths.discard(None)
    if len(lengths) != 1:
        what = (
            f"contradicts itself: {sorted(map(str, lengths))}" if lengths else "is stated nowhere"
        )
        raise NetworkError(f"its embedding length {what}; correct it in the catalogue entry")
    return int(lengths.pop() or 0)


def _open_reshape(
    model: onnx.ModelProto,
    node: onnx.NodeProto,
    frozen: int,
    inferred: tuple[int | None, ...] | None,
) -> None:
    """[1, -1] becomes [-1, D]; shapes computed while running already follow the batch."""
    constant = graph.initializers(model).get(node.input[1])
    if constant is None:
        return
    shape = [int(axis) for axis in graph.values(constant)]
    if not shape or shape[0] != frozen:
        return
    rest = shape[1:] if -1 not in shape[1:] or inferred is None else inferred[1:]
    if None in rest or -1 in rest:
        opened = [0, *shape[1:]]  # 0 copies the axis of the input
    else:
        opened = [-1, *(int(axis or 0) for axis in rest)]
    node.input[1] = graph.add_initializer(
        model, f"{node.output[0]}_shape", np.array(opened, np.int64)
    )


def _state_shape(value: onnx.ValueInfoProto, axes: Sequence[int | str]) -> None:
    element = value.type.tensor_type.elem_type
    value.CopyFrom(onnx.helper.make_tensor_value_info(value.name, element, axes))
