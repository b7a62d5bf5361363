"""What a network costs, counted rather than timed: multiply-adds for one face."""

import math

import onnx

from engines.graph import graph
from engines.graph.shapes import Shape, inferred_shapes
from engines.quality.preprocess import input_axes
from engines.quality.specification import InputSpecification


def multiply_adds(model: onnx.ModelProto, specification: InputSpecification) -> int:
    """
    Return the multiply-adds of all Conv, Gemm and MatMul with constant weights, for one face.

    Zero weights count: libraries multiply by them too.
    """
    return sum(multiply_adds_by_node(model, specification))


def multiply_adds_by_node(
    model: onnx.ModelProto, specification: InputSpecification
) -> tuple[int, ...]:
    """Return the multiply-adds of each node for one face, in graph order; 0 for other operators."""
    shapes = inferred_shapes(model, (1, *input_axes(specification)))
    weights = {each.name: tuple(each.dims) for each in model.graph.initializer}
    return tuple(_products(node, shapes, weights) for node in model.graph.node)


def _products(
    node: onnx.NodeProto,
    shapes: dict[str, Shape],
    weights: dict[str, tuple[int, ...]],
) -> int:
    """Return outputs times the weights that each of them takes."""
    if node.op_type not in {"Conv", "Gemm", "MatMul"} or node.input[1] not in weights:
        return 0
    outputs = math.prod(axis or 1 for axis in shapes[node.output[0]])
    shape = weights[node.input[1]]
    if node.op_type == "Conv":
        return outputs * math.prod(shape[1:])
    transposed = graph.attributes(node).get("transB", 0)
    return outputs * (shape[-1] if transposed else shape[0])
