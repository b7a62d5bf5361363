"""Small questions about an ONNX graph, asked by loading, folding and pruning."""

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper


def initializers(model: onnx.ModelProto) -> dict[str, onnx.TensorProto]:
    """Return the graph's constant tensors by name, in file order."""
    return {tensor.name: tensor for tensor in model.graph.initializer}


def values(tensor: onnx.TensorProto) -> NDArray[np.float32]:
    """Return a tensor's values; read-only, in the tensor's own type (float32 for weights)."""
    return numpy_helper.to_array(tensor)


def store(tensor: onnx.TensorProto, array: NDArray[np.generic]) -> None:
    """Overwrite a tensor's values and keep its name."""
    tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(array), tensor.name))


def add_initializer(model: onnx.ModelProto, name: str, array: NDArray[np.generic]) -> str:
    """Add a constant tensor and return its name, made different from those in use."""
    taken = initializers(model).keys() | {output for n in model.graph.node for output in n.output}
    while name in taken:
        name += "_"
    model.graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
    return name


def drop_unused_initializers(model: onnx.ModelProto) -> None:
    """Remove constant tensors that no node reads."""
    used, tensors = readers(model), model.graph.initializer
    for index in reversed(range(len(tensors))):  # writing the others anew would copy them
        if not used[tensors[index].name]:
            del tensors[index]


def readers(model: onnx.ModelProto) -> Counter[str]:
    """Count how often each tensor is read; being an output of the graph counts as once."""
    count = Counter(name for node in model.graph.node for name in node.input)
    count.update(output.name for output in model.graph.output)
    return count


def sort_nodes(model: onnx.ModelProto) -> None:
    """
    Put each node behind those it reads from, in place; a graph in order stays as it is.

    Libraries open graphs in any order, and converters append nodes at the end. What hangs on
    itself comes last: the format's check then names it.
    """
    order = _order(list(model.graph.node))
    if order == sorted(order):
        return
    nodes = [model.graph.node[place] for place in order]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def _order(nodes: Sequence[onnx.NodeProto]) -> list[int]:
    """Return the places of nodes, each behind those it reads from, else as they were."""
    makers = {name: place for place, node in enumerate(nodes) for name in node.output if name}
    needs = [{makers[name] for name in node.input if name in makers} for node in nodes]
    readers_of = defaultdict[int, list[int]](list)
    for place, needed in enumerate(needs):
        for each in needed:
            readers_of[each].append(place)
    ready, order = [place for place, needed in enumerate(needs) if not needed], list[int]()
    while ready:
        order.append(heapq.heappop(ready))
        for place in readers_of[order[-1]]:
            needs[place].remove(order[-1])
            if not needs[place]:
                heapq.heappush(ready, place)
    return order + sorted(set(range(len(nodes))).difference(order))


def attributes(node: onnx.NodeProto) -> dict[str, Any]:
    """Return a node's attributes that are written in the file, by name."""
    return {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}


def dimensions(value: onnx.ValueInfoProto) -> tuple[int | None, ...] | None:
    """Return a tensor's shape with None for each open axis, or None if the file states none."""
    if not value.type.tensor_type.HasField("shape"):
        return None
    return tuple(axis.dim_value or None for axis in value.type.tensor_type.shape.dim)


def tensors(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    """Yield every tensor stored in the file: initializers, then node attributes."""
    yield from model.graph.initializer
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors


def layer_names(model: onnx.ModelProto) -> tuple[str, ...]:
    """
    Return one name for each node, all different.

    A node's own name, or the name of its first output where exporters left it empty or doubled.
    """
    count = Counter(node.name for node in model.graph.node)
    return tuple(
        node.name if node.name and count[node.name] == 1 else node.output[0]
        for node in model.graph.node
    )
