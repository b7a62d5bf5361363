"""
Join PRelu again where it was spelled out for ONNX Runtime (see `plain_prelu`).

TensorRT fuses PRelu into the convolution before it, and in FP16 one product rounds less than the
sum of two.
"""

from dataclasses import dataclass

import numpy as np
import onnx

from engines.graph import graph


@dataclass(frozen=True, slots=True)
class _Spelled:
    """The parts of one PRelu."""

    source: str
    slopes: str
    inner: tuple[str, str, str]
    """Tensors between: positive, leak, rest."""


def join_prelu(model: onnx.ModelProto) -> onnx.ModelProto:
    """
    Return a copy in which Relu, two Mul and Add that make a PRelu are one again.

    Only where nothing else reads the tensors between, and the second slopes are one minus the
    first, in float32.
    """
    joined = onnx.ModelProto()
    joined.CopyFrom(model)
    producers = {name: node for node in model.graph.node for name in node.output}
    readers, gone = graph.readers(model), set[str]()
    del joined.graph.node[:]
    for node in model.graph.node:
        found = _spelled(node, producers, graph.initializers(model))
        if found is None or any(readers[name] != 1 for name in found.inner):
            joined.graph.node.append(node)
            continue
        gone.update(found.inner)
        inputs, outputs = [found.source, found.slopes], list(node.output)
        joined.graph.node.append(onnx.helper.make_node("PRelu", inputs, outputs, name=node.name))
    left = [node for node in joined.graph.node if node.output[0] not in gone]
    del joined.graph.node[:]
    joined.graph.node.extend(left)
    graph.drop_unused_initializers(joined)
    return joined


def _spelled(
    node: onnx.NodeProto,
    producers: dict[str, onnx.NodeProto],
    constant: dict[str, onnx.TensorProto],
) -> _Spelled | None:
    if node.op_type != "Add":
        return None
    leak, rest = (producers.get(name) for name in node.input)
    if leak is None or rest is None or {leak.op_type, rest.op_type} != {"Mul"}:
        return None
    positive = producers.get(rest.input[0])
    if positive is None or positive.op_type != "Relu" or positive.input[0] != leak.input[0]:
        return None
    slopes, complement = (constant.get(each.input[1]) for each in (leak, rest))
    if slopes is None or complement is None:
        return None
    one_minus = (1 - graph.values(slopes).astype(np.float64)).astype(np.float32)
    if not np.array_equal(one_minus, graph.values(complement)):
        return None
    inner = (rest.input[0], node.input[0], node.input[1])
    return _Spelled(leak.input[0], leak.input[1], inner)
