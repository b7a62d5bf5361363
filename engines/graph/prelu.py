"""
PRelu in either of two forms: one operator, or spelled out in operators that run fast.

PRelu(x) = a x + (1 - a) max(x, 0) for every slope a. ONNX Runtime's own PRelu goes through the
image value by value: in MobileFaceNet-512 it takes longer than all convolutions together. Where no
slope is above 1, (1 - a) max(x, 0) is max((1 - a) x, 0), bit by bit, and ONNX Runtime makes one
pass over the image of product and Relu; of the other order it makes two. NVIDIA's
builders (TensorRT-RTX 1.4 and 1.7, SM86) make a kernel of its own of each PRelu, and one kernel
together with its convolution of what is spelled out: MobileFaceNet-512 as a pair has 59 layers in
the engine against 92, in 3.8 MB against 6.2.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import onnx
from numpy.typing import NDArray

from engines.graph import graph
from engines.graph.draft import Draft

PReluForm = Literal["spelled", "joined"]

STEPS = {"Mul", "Relu"}
"""What makes the positive part of a PRelu."""


def in_prelu_form(model: onnx.ModelProto, form: PReluForm) -> onnx.ModelProto:
    """Return a copy with every PRelu spelled out, or with every spelled-out one joined."""
    return spell_out_prelu(model) if form == "spelled" else join_prelu(model)


def spell_out_prelu(model: onnx.ModelProto) -> onnx.ModelProto:
    """
    Return a copy in which each PRelu of constant slopes is two Mul, Relu and Add.

    Values differ by rounding, at most two units in the last place of the larger term. Last of all
    steps: what prunes and folds looks for PRelu.
    """
    draft = Draft(model)
    nodes, complement = draft.model.graph.node, dict[str, str]()
    del nodes[:]
    for node in model.graph.node:
        if node.op_type != "PRelu" or node.input[1] not in draft.tensors:
            nodes.append(node)
            continue
        name = node.input[1]
        if name not in complement:
            rest = (1 - draft.values(name).astype(np.float64)).astype(np.float32)
            complement[name] = draft.add(f"{name}_complement", rest)
        is_quick = _is_quick(draft.values(complement[name]))
        nodes.extend((_spelled_out if is_quick else _steeply)(node, complement[name]))
    return draft.finished()


def _is_quick(complement: NDArray[np.float32]) -> bool:
    """Tell whether Relu may follow the product with one minus the slopes."""
    return bool((complement >= 0).all())


def _spelled_out(node: onnx.NodeProto, complement: str) -> tuple[onnx.NodeProto, ...]:
    (source, slopes), target = node.input, node.output[0]
    rest, positive, leak = (f"{target}/{part}" for part in ("rest", "positive", "leak"))
    make = onnx.helper.make_node
    return (
        make("Mul", [source, complement], [rest]),
        make("Relu", [rest], [positive]),
        make("Mul", [source, slopes], [leak]),
        make("Add", [leak, positive], [target], name=node.name),
    )


def _steeply(node: onnx.NodeProto, complement: str) -> tuple[onnx.NodeProto, ...]:
    """Spell out a PRelu of which a slope is above 1."""
    (source, slopes), target = node.input, node.output[0]
    positive, leak, rest = (f"{target}/{part}" for part in ("positive", "leak", "rest"))
    make = onnx.helper.make_node
    return (
        make("Relu", [source], [positive]),
        make("Mul", [source, slopes], [leak]),
        make("Mul", [positive, complement], [rest]),
        make("Add", [leak, rest], [target], name=node.name),
    )


@dataclass(frozen=True, slots=True)
class _Spelled:
    """The parts of one PRelu."""

    source: str
    slopes: str
    inner: tuple[str, str, str]
    """Tensors between: of the positive part, before and after its second step; the leak."""


def join_prelu(model: onnx.ModelProto) -> onnx.ModelProto:
    """
    Return a copy in which two Mul, Relu and Add that make a PRelu are one again.

    Only where nothing else reads the tensors between, the second slopes are one minus the first, in
    float32, and none of them is below 0 where Relu follows.
    """
    draft = Draft(model)
    nodes = draft.model.graph.node
    producers = {name: node for node in model.graph.node for name in node.output}
    readers, gone = graph.readers(model), set[str]()
    del nodes[:]
    for node in model.graph.node:
        found = _spelled(node, producers, draft.tensors)
        if found is None or any(readers[name] != 1 for name in found.inner):
            nodes.append(node)
            continue
        gone.update(found.inner)
        inputs, outputs = [found.source, found.slopes], list(node.output)
        nodes.append(onnx.helper.make_node("PRelu", inputs, outputs, name=node.name))
    left = [node for node in nodes if node.output[0] not in gone]
    del nodes[:]
    nodes.extend(left)
    draft.drop_unread()
    return draft.finished()


def _spelled(
    node: onnx.NodeProto,
    producers: dict[str, onnx.NodeProto],
    constant: dict[str, onnx.TensorProto],
) -> _Spelled | None:
    if node.op_type != "Add":
        return None
    leak, above = (producers.get(name) for name in node.input)
    if leak is None or above is None or leak.op_type != "Mul" or above.op_type not in STEPS:
        return None
    # In either order, see `spell_out_prelu`.
    before = producers.get(above.input[0])
    if before is None or {above.op_type, before.op_type} != STEPS:
        return None
    rest = above if above.op_type == "Mul" else before
    slopes, complement = (constant.get(each.input[1]) for each in (leak, rest))
    if before.input[0] != leak.input[0] or slopes is None or complement is None:
        return None
    in_order = rest is above or _is_quick(graph.values(complement))
    if not in_order or not _complete(slopes, complement):
        return None
    inner = (above.input[0], node.input[1], node.input[0])
    return _Spelled(leak.input[0], leak.input[1], inner)


def _complete(slopes: onnx.TensorProto, complement: onnx.TensorProto) -> bool:
    one_minus = (1 - graph.values(slopes).astype(np.float64)).astype(np.float32)
    return np.array_equal(one_minus, graph.values(complement))
