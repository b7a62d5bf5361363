"""Leave the batch size of an embedding network open, where the exporter froze it."""

import math
from collections.abc import Sequence

import numpy as np
import onnx

from engines.errors import NetworkError
from engines.graph import graph
from engines.graph.shapes import Shape, inferred_shapes, state_shape
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
    axes = input_axes(specification)
    frozen = (graph.dimensions(source) or (None,))[0] or 1
    shapes = inferred_shapes(model, (frozen, *axes))
    stated = graph.dimensions(target)
    length = _embedding_length((shapes.get(target.name), stated), embedding_length)
    while _open_reshapes(model, shapes, inferred_shapes(model, (2 * frozen, *axes))):
        pass  # what comes behind an opened Reshape follows the batch only now
    graph.drop_unused_initializers(model)
    state_shape(source, ("batch", *axes))
    state_shape(target, ("batch", length))
    del model.graph.value_info[:]
    return length


def _embedding_length(shapes: Sequence[Shape | None], promised: int | None) -> int:
    known = [shape for shape in shapes if shape is not None]
    wrong = [shape for shape in known if len(shape) != 2]
    if wrong:
        raise NetworkError(f"its output is {wrong[0]}, not (N, D) embeddings")
    lengths = {shape[1] for shape in known} | {promised}
    lengths.discard(None)
    if len(lengths) != 1:
        what = (
            f"contradicts itself: {sorted(map(str, lengths))}" if lengths else "is stated nowhere"
        )
        raise NetworkError(f"its embedding length {what}; correct it in the catalogue entry")
    return int(lengths.pop() or 0)


def _open_reshapes(model: onnx.ModelProto, one: dict[str, Shape], two: dict[str, Shape]) -> int:
    """
    Open each Reshape whose input follows the batch and whose output does not; count them.

    Args:
        model: Changed in place.
        one: Shapes of its tensors for the frozen batch.
        two: Shapes for a batch of twice as many.
    """
    constant, opened = graph.initializers(model), 0
    for node in model.graph.node:
        if node.op_type != "Reshape" or node.input[1] not in constant:
            continue
        shape, source = one.get(node.output[0]), one.get(node.input[0])
        axis = _batch_axis(source, two.get(node.input[0]))
        if source is None or shape is None or None in shape or axis is None:
            continue
        place = _place(source, axis, shape)
        if place is None or two.get(node.output[0]) == _doubled(shape, place):
            continue
        _open(model, node, shape, place)
        opened += 1
    return opened


def _batch_axis(one: Shape | None, two: Shape | None) -> int | None:
    """Return the only axis that grows with the batch."""
    if one is None or two is None or len(one) != len(two):
        return None
    grown = [axis for axis, pair in enumerate(zip(one, two, strict=True)) if pair[0] != pair[1]]
    if len(grown) != 1 or two != _doubled(one, grown[0]):
        return None
    return grown[0]


def _place(source: Shape, axis: int, shape: Shape) -> int | None:
    """
    Return the axis of a reshaped tensor that the batch goes to.

    Values keep their order, so it is the axis with as many values before it: (49, 1, 64) with the
    batch in the middle becomes (49, 8, 8) with the batch times eight in the middle.
    """
    before = math.prod(each or 1 for each in source[:axis])
    places = range(len(shape))
    return next((n for n in places if math.prod(a or 1 for a in shape[:n]) == before), None)


def _doubled(shape: Shape, axis: int) -> Shape:
    return tuple((each or 0) * (1 + (place == axis)) for place, each in enumerate(shape))


def _open(model: onnx.ModelProto, node: onnx.NodeProto, shape: Shape, place: int) -> None:
    """[1, -1] becomes [-1, D]; shapes computed while running follow the batch already."""
    numbers = [-1 if axis == place else each for axis, each in enumerate(shape)]
    node.input[1] = graph.add_initializer(
        model, f"{node.output[0]}_shape", np.array(numbers, np.int64)
    )
