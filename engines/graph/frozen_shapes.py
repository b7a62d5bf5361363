"""
Constants of a graph that hold the batch size of the export, written so that they follow the batch.

Each of them is right for the frozen batch too, so it does not matter if not all can be opened.
"""

import math
from collections.abc import Callable

import numpy as np
import onnx

from engines.graph import graph
from engines.graph.shapes import Shape

Shapes = dict[str, Shape]
Opener = Callable[[onnx.ModelProto, onnx.NodeProto, Shapes, Shapes], bool]


def open_shapes(model: onnx.ModelProto, one: Shapes, two: Shapes) -> int:
    """
    Open what reads a tensor that follows the batch and gives one that does not; count it.

    Args:
        model: Changed in place.
        one: Shapes of its tensors for the frozen batch.
        two: Shapes for a batch of twice as many; what comes behind an opened node is still frozen
            in them, so call this again until nothing is left to open.
    """
    openers: dict[str, Opener] = {
        "Reshape": _open_reshape,
        "Resize": _open_resize,
        "Concat": _open_concat,
    }
    return sum(
        openers[node.op_type](model, node, one, two)
        for node in list(model.graph.node)
        if node.op_type in openers
    )


def batch_axis(one: Shape | None, two: Shape | None) -> int | None:
    """Return the only axis that grows with the batch; None where none or another one does."""
    if one is None or two is None or len(one) != len(two) or None in one:
        return None
    grown = [axis for axis, pair in enumerate(zip(one, two, strict=True)) if pair[0] != pair[1]]
    if len(grown) != 1 or two != _doubled(one, grown[0]):
        return None
    return grown[0]


def _doubled(shape: Shape, axis: int) -> Shape:
    return tuple((each or 0) * (1 + (place == axis)) for place, each in enumerate(shape))


def _open_reshape(model: onnx.ModelProto, node: onnx.NodeProto, one: Shapes, two: Shapes) -> bool:
    """[1, -1] becomes [-1, D]; shapes computed while running follow the batch already."""
    shape, source = one.get(node.output[0]), one.get(node.input[0])
    axis = batch_axis(source, two.get(node.input[0]))
    if node.input[1] not in graph.initializers(model) or axis is None:
        return False
    if source is None or shape is None or None in shape:
        return False
    place = _place(source, axis, shape)
    if place is None or two.get(node.output[0]) == _doubled(shape, place):
        return False
    numbers = [-1 if axis == place else each for axis, each in enumerate(shape)]
    node.input[1] = graph.add_initializer(
        model, f"{node.output[0]}_shape", np.array(numbers, np.int64)
    )
    return True


def _place(source: Shape, axis: int, shape: Shape) -> int | None:
    """
    Return the axis of a reshaped tensor that the batch goes to.

    Values keep their order, so it is the axis with as many values before it: (49, 1, 64) with the
    batch in the middle becomes (49, 8, 8) with the batch times eight in the middle.
    """
    before = math.prod(each or 1 for each in source[:axis])
    places = range(len(shape))
    return next((n for n in places if math.prod(a or 1 for a in shape[:n]) == before), None)


def _open_resize(model: onnx.ModelProto, node: onnx.NodeProto, one: Shapes, two: Shapes) -> bool:
    """Sizes become scales, 1 for the batch, where they give the same size."""
    constant = graph.initializers(model)
    source, target = one.get(node.input[0]), one.get(node.output[0])
    frozen = len(node.input) == 4 and node.input[3] in constant and target == two[node.output[0]]
    plain = "axes" not in graph.attributes(node) and source is not None and target is not None
    if not (frozen and plain) or batch_axis(source, two.get(node.input[0])) != 0:
        return False
    wide, narrow = np.array(target, np.float64), np.array(source, np.float64)
    scales = (wide / narrow).astype(np.float32)
    if not np.array_equal(np.floor(scales * narrow.astype(np.float32)), wide):
        return False
    del node.input[3]
    node.input[2] = graph.add_initializer(model, f"{node.output[0]}_scales", scales)
    return True


def _open_concat(model: onnx.ModelProto, node: onnx.NodeProto, one: Shapes, two: Shapes) -> bool:
    """A constant beside the image's values, such as a class token, is repeated for each face."""
    constant = graph.initializers(model)
    image = [n for n in node.input if n not in constant and batch_axis(one.get(n), two.get(n)) == 0]
    single = [n for n in node.input if n in constant and one[n][:1] == (1,)]
    axis = graph.attributes(node)["axis"]
    if not image or not single or axis in {0, -len(one[image[0]])} or one[image[0]][0] != 1:
        return False
    for name in single:
        at, added = list(model.graph.node).index(node), _repeated(model, name, image[0], one[name])
        for offset, each in enumerate(added):
            model.graph.node.insert(at + offset, each)
        node.input[list(node.input).index(name)] = added[-1].output[0]
    return True


def _repeated(
    model: onnx.ModelProto, name: str, like: str, shape: Shape
) -> tuple[onnx.NodeProto, ...]:
    """Return nodes that expand a constant (1, ...) to as many rows as another tensor has."""
    first = graph.add_initializer(model, f"{name}_first", np.array([0], np.int64))
    rest = graph.add_initializer(model, f"{name}_rest", np.ones(len(shape) - 1, np.int64))
    parts = [f"{name}_{part}_of_{like}" for part in ("shape", "batch", "rows", "repeated")]
    make = onnx.helper.make_node
    return (
        make("Shape", [like], [parts[0]], name=parts[0]),
        make("Gather", [parts[0], first], [parts[1]], name=parts[1], axis=0),
        make("Concat", [parts[1], rest], [parts[2]], name=parts[2], axis=0),
        make("Expand", [name, parts[2]], [parts[3]], name=parts[3]),
    )
