"""Which tensor of a graph is the embedding, and how it becomes one row for each face."""

import difflib

import numpy as np
import onnx

from engines.errors import NetworkError
from engines.graph import graph
from engines.graph.shapes import Shape

NOT_EMBEDDINGS = frozenset({"Softmax", "LogSoftmax", "Sigmoid", "ArgMax", "TopK"})
"""Operators that end a classifier or a detector, never an embedding network."""

ADVICE = "name the tensor of the embedding in its catalogue entry, 'output: NAME'"


def choose_output(
    model: onnx.ModelProto, name: str | None, shapes: dict[str, Shape], length: int | None
) -> str:
    """
    Leave one output, the embedding, and only what leads to it, in place; return its name.

    Args:
        model: With any number of outputs.
        name: Of the embedding, also of a tensor inside; None takes the only output, or the only
            one that is as long as stated.
        shapes: Of its tensors, for one batch.
        length: D as stated for the network, if it is.

    Raises:
        NetworkError: No such tensor, several that may be it, or the end of a classifier.
    """
    chosen = name or _only_embedding(model, shapes, length)
    maker = _maker(model, chosen, asked=name is not None)
    if length != 1:  # a quality may well end in a Sigmoid
        _require_embedding(maker)
    stated = [each for each in model.graph.output if each.name == chosen]
    unstated = onnx.helper.make_tensor_value_info(chosen, onnx.TensorProto.FLOAT, None)
    del model.graph.output[:]
    model.graph.output.append(stated[0] if stated else unstated)
    _keep_what_leads_to(model, chosen)
    return chosen


def make_rows(model: onnx.ModelProto, shape: Shape | None, length: int | None) -> str:
    """
    Return the output's name after axes of 1 were taken off it: (N, D, 1, 1) becomes (N, D).

    One face without a batch axis, (D,), becomes a row too if D is the stated length.
    """
    output = model.graph.output[0]
    long = [axis for axis in (shape or ())[1:] if axis != 1]
    rows = shape is not None and len(shape) > 2 and len(long) == 1 and long[0] is not None
    bare = length is not None and shape == (length,)
    if not (rows or bare):
        return output.name
    target = graph.add_initializer(
        model, f"{output.name}_row_shape", np.array([-1, length if bare else long[0]], np.int64)
    )
    name = f"{output.name}_rows"
    model.graph.node.append(
        onnx.helper.make_node("Reshape", [output.name, target], [name], name=name)
    )
    output.CopyFrom(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    return name


def _only_embedding(model: onnx.ModelProto, shapes: dict[str, Shape], length: int | None) -> str:
    outputs = [each.name for each in model.graph.output]
    if len(outputs) == 1:
        return outputs[0]
    fitting = [each for each in outputs if length and _row_length(shapes.get(each)) == length]
    if len(fitting) == 1:
        return fitting[0]
    listed = ", ".join(f"{each} {shape_text(shapes.get(each))}" for each in outputs) or "none"
    raise NetworkError(f"one embedding output is needed, it has {len(outputs)}: {listed}; {ADVICE}")


def _row_length(shape: Shape | None) -> int | None:
    long = [axis for axis in (shape or ())[1:] if axis != 1]
    return long[0] if len(long) == 1 else None


def _maker(model: onnx.ModelProto, chosen: str, *, asked: bool) -> onnx.NodeProto:
    made = {name: node for node in model.graph.node for name in node.output}
    if asked and chosen not in made:
        near = difflib.get_close_matches(chosen, made, n=3) or [e.name for e in model.graph.output]
        raise NetworkError(f"no node makes a tensor {chosen!r}; near are {', '.join(near)}")
    if chosen not in made:
        raise NetworkError(f"its output {chosen!r} does not depend on the image; {ADVICE}")
    return made[chosen]


def _require_embedding(maker: onnx.NodeProto) -> None:
    if maker.op_type in NOT_EMBEDDINGS:
        raise NetworkError(
            f"its output comes from {maker.op_type}: a classifier, not an embedding network; where "
            f"the embedding is inside, {ADVICE}"
        )


def _keep_what_leads_to(model: onnx.ModelProto, target: str) -> None:
    wanted, kept = {target}, []
    for node in reversed(model.graph.node):  # a graph is sorted, so readers come first
        if wanted & set(node.output):
            kept.append(node)
            wanted |= set(node.input)
    if len(kept) == len(model.graph.node):
        return
    inputs = [each for each in model.graph.input if each.name in wanted]
    del model.graph.node[:], model.graph.input[:]
    model.graph.node.extend(kept[::-1])
    model.graph.input.extend(inputs)
    graph.drop_unused_initializers(model)


def shape_text(shape: Shape | None) -> str:
    """Return a shape for people, for example (N, 3, 112, 112)."""
    if shape is None:
        return "of unstated shape"
    return "(" + ", ".join("N" if axis is None else str(axis) for axis in shape) + ")"
