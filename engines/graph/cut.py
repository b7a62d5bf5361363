"""Cut a part out of an ONNX graph."""

import onnx

from engines.errors import NetworkError
from engines.graph.draft import Draft


def part_of(model: onnx.ModelProto, source: str, target: str) -> onnx.ModelProto:
    """
    Return the part of a graph that computes one tensor from another and constants.

    Args:
        model: The whole; not changed.
        source: Tensor that becomes the input.
        target: Tensor that becomes the output.

    Raises:
        NetworkError: The target also depends on something that bypasses the source.
    """
    draft, nodes = Draft(model), nodes_between(model, source, target)
    part = draft.model
    del part.graph.node[:]
    part.graph.node.extend(nodes)
    del part.graph.value_info[:]
    _check_inputs(draft, source)
    # Stated shapes stay: without them ONNX Runtime leaves out some of its optimisations.
    stated = {each.name: each for each in (*model.graph.input, *model.graph.output)}
    for values, name in ((part.graph.input, source), (part.graph.output, target)):
        unstated = onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None)
        del values[:]
        values.append(stated.get(name, unstated))
    draft.drop_unread()
    return draft.finished()


def nodes_between(model: onnx.ModelProto, source: str, target: str) -> list[onnx.NodeProto]:
    """Return the nodes that compute one tensor from another, in graph order."""
    wanted, nodes = {target}, []
    for node in reversed(model.graph.node):  # a graph is sorted, so readers come first
        if wanted & set(node.output) and source not in node.output:
            nodes.append(node)
            wanted |= set(node.input)
    return nodes[::-1]


def _check_inputs(part: Draft, source: str) -> None:
    nodes = part.model.graph.node
    known = {source, ""} | part.tensors.keys()
    known |= {name for node in nodes for name in node.output}
    if any(name not in known for node in nodes for name in node.input):
        raise NetworkError(f"a shortcut passes by {source!r}: the network cannot be cut there")
