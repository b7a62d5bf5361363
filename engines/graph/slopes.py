"""
PRelu slopes of one axis, (C,), as MXNet wrote them: one for each channel of (N, C, H, W).

ONNX since operator set 7 would lay such slopes along the last axis, where they do not fit.
"""

import onnx

from engines.errors import NetworkError
from engines.graph import graph
from engines.graph.shapes import Shape


def lay_slopes_along_channels(model: onnx.ModelProto, shapes: dict[str, Shape]) -> None:
    """
    Reshape slopes (C,) of images to (C, 1, 1), in place, unless they fit the last axis.

    Where they fit the last axis as well as the channels, the network's other slopes decide.

    Raises:
        NetworkError: They fit neither; names node and shapes.
    """
    flat = list(_flat_slopes(model, shapes))
    moved = [each for each in flat if not _fits(each, shapes, -1)]
    for node in moved:
        if not _fits(node, shapes, 1):
            raise NetworkError(_misfit(model, node, shapes))
    if moved:
        moved = [each for each in flat if _fits(each, shapes, 1)]
    for node in moved:
        slopes = graph.values(graph.initializers(model)[node.input[1]])
        axes = len(shapes[node.input[0]]) - 2
        tall = slopes.reshape(-1, *[1] * axes)
        node.input[1] = graph.add_initializer(model, f"{node.output[0]}_slopes", tall)
    graph.drop_unused_initializers(model)


def _flat_slopes(model: onnx.ModelProto, shapes: dict[str, Shape]) -> list[onnx.NodeProto]:
    constant = graph.initializers(model)
    return [
        node
        for node in model.graph.node
        if node.op_type == "PRelu"
        and node.input[1] in constant
        and len(constant[node.input[1]].dims) == 1
        and constant[node.input[1]].dims[0] > 1
        and len(shapes.get(node.input[0], ())) > 2
    ]


def _fits(node: onnx.NodeProto, shapes: dict[str, Shape], axis: int) -> bool:
    return shapes[node.input[0]][axis] == shapes[node.input[1]][0]


def _misfit(model: onnx.ModelProto, node: onnx.NodeProto, shapes: dict[str, Shape]) -> str:
    names = dict(
        zip((n.output[0] for n in model.graph.node), graph.layer_names(model), strict=True)
    )
    return (
        f"PRelu {names[node.output[0]]!r} has slopes {shapes[node.input[1]]} for a tensor "
        f"{shapes[node.input[0]]}: neither its channels nor its last axis; export it again"
    )
