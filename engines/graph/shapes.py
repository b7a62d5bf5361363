"""What shapes the tensors of a graph have for a given input."""

import math
from collections.abc import Sequence

import onnx

from engines.errors import NetworkError
from engines.graph import graph

Shape = tuple[int | None, ...]

_SHAPES_AND_AXES = 1024
"""Values of a constant that may decide shapes; larger ones are weights and only described."""


def inferred_shapes(model: onnx.ModelProto, input_shape: Sequence[int]) -> dict[str, Shape]:
    """
    Return the shapes that follow from the input's alone, not those written in the file.

    Those of constants are among them; tensors of unknown rank are not.

    Raises:
        NetworkError: The operators contradict each other.
    """
    described = outline(model)
    state_shape(described.graph.input[0], input_shape)
    for output in described.graph.output:
        output.type.tensor_type.ClearField("shape")
    try:
        inferred = onnx.shape_inference.infer_shapes(described, data_prop=True).graph
    except onnx.shape_inference.InferenceError as error:
        raise NetworkError(f"shapes contradict each other: {error}") from error
    shapes = {
        each.name: graph.dimensions(each) for each in (*inferred.value_info, *inferred.output)
    }
    known = {name: shape for name, shape in shapes.items() if shape is not None}
    known |= {each.name: tuple(each.dims) for each in model.graph.initializer}
    return known | {model.graph.input[0].name: tuple(input_shape)}


def state_shape(value: onnx.ValueInfoProto, axes: Sequence[int | str]) -> None:
    """Write a shape into a graph's input or output."""
    element = value.type.tensor_type.elem_type
    value.CopyFrom(onnx.helper.make_tensor_value_info(value.name, element, axes))


def outline(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy whose weights have a type and a shape but no values: they became inputs."""
    described = onnx.ModelProto(ir_version=max(model.ir_version, 4))
    described.opset_import.extend(model.opset_import)
    described.graph.input.extend(model.graph.input)
    described.graph.output.extend(model.graph.output)
    described.graph.node.extend(model.graph.node)
    for each in model.graph.initializer:
        if is_small(each):
            described.graph.initializer.append(each)
        else:
            value = onnx.helper.make_tensor_value_info(each.name, each.data_type, each.dims)
            described.graph.input.append(value)
    return described


def is_small(tensor: onnx.TensorProto) -> bool:
    """Return whether a constant may decide shapes; larger ones are weights."""
    return math.prod(tensor.dims) <= _SHAPES_AND_AXES
