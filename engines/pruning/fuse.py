"""
One graph for a dense network and its pruned copy that computes once what they have in common.

Everything before the first pruned layer gives the same values in both networks, so a pair that is
pruned near its end costs little more than one embedding. Equal weights are stored once.
"""

import hashlib
from collections.abc import Iterable

import onnx

from engines.graph import graph
from engines.graph.draft import Draft
from engines.graph.network import Network

Key = tuple[bytes, ...]


def fuse(dense: Network, *pruned: Network) -> onnx.ModelProto:
    """
    Return one graph that gives the embedding of the dense network, then that of each pruned one.

    All embeddings are raw, as the networks alone would give them; normalising them and taking the
    shift stays with `engines.quality.shift`, in float64.

    Args:
        dense: The network that the others are copies of; its names stay.
        pruned: Their tensors get the ending `_pruned` where they differ.
    """
    return fuse_each(dense, pruned)


def fuse_each(dense: Network, pruned: Iterable[Network]) -> onnx.ModelProto:
    """Do as `fuse`, but hold one pruned network at a time."""
    fused = _Fused(dense)
    for each in pruned:
        fused.add(each)
    return fused.finished()


def with_pruned_embeddings_joined(fused: onnx.ModelProto) -> onnx.ModelProto:
    """Return the graph with two outputs: the dense embedding (N, D) and all others, (N, K * D)."""
    draft = Draft(fused)
    outputs = draft.model.graph.output
    names = [each.name for each in outputs[1:]]
    joined = onnx.ValueInfoProto()
    joined.CopyFrom(outputs[0])
    joined.name = _new_name(outputs[0].name, {*names, *(n.name for n in draft.model.graph.node)})
    width = joined.type.tensor_type.shape.dim[1]
    if width.HasField("dim_value"):
        width.dim_value *= len(names)
    node = onnx.helper.make_node("Concat", names, [joined.name], name=joined.name, axis=1)
    draft.model.graph.node.append(node)
    del outputs[1:]
    outputs.append(joined)
    return draft.finished()


class _Fused:
    """A graph that grows by what it does not compute yet."""

    def __init__(self, dense: Network) -> None:
        self._draft = Draft(dense.model)
        self.model = self._draft.model
        contents = {name: _content(each) for name, each in self._draft.tensors.items()}
        self._tensors = {contents[name]: name for name in reversed(contents)}
        self._alias = {name: self._tensors[each] for name, each in contents.items()}
        self._nodes: dict[Key, tuple[str, ...]] = {}
        for node in self.model.graph.node:
            self._know(node)
        self._taken = {*self._alias, dense.input_name}
        self._node_names = {node.name for node in self.model.graph.node}

    def _know(self, node: onnx.NodeProto) -> None:
        """Note a node of the dense network; of those that compute the same the first is named."""
        outputs = self._nodes.setdefault(self._key(node), tuple(node.output))
        self._alias.update(zip(node.output, outputs, strict=True))

    def add(self, pruned: Network) -> None:
        self._alias = {each.name: self._stored(each) for each in pruned.model.graph.initializer}
        for node in pruned.model.graph.node:
            self._compute(node)
        self._add_output(pruned)

    def _stored(self, tensor: onnx.TensorProto) -> str:
        content = _content(tensor)
        if content not in self._tensors:
            name = self._tensors[content] = _new_name(tensor.name, self._taken)
            self._draft.store(name, graph.values(tensor))  # the tensor's own network shall go
        return self._tensors[content]

    def _compute(self, node: onnx.NodeProto) -> None:
        key = self._key(node)
        if key not in self._nodes:
            added = self.model.graph.node.add()
            added.CopyFrom(node)
            added.name = _new_name(node.name, self._node_names) if node.name else ""
            del added.input[:], added.output[:]
            added.input.extend(self._alias.get(name, name) for name in node.input)
            added.output.extend(
                _new_name(name, self._taken) if name else "" for name in node.output
            )
            self._nodes[key] = tuple(added.output)
        self._alias.update(zip(node.output, self._nodes[key], strict=True))

    def finished(self) -> onnx.ModelProto:
        self._draft.drop_unread()
        return self._draft.finished()

    def _add_output(self, pruned: Network) -> None:
        output = self.model.graph.output.add()
        output.CopyFrom(self.model.graph.output[0])
        output.name = self._alias[pruned.output_name]
        if output.name in {each.name for each in self.model.graph.output[:-1]}:
            source = output.name  # nothing differs
            output.name = _new_name(source, self._taken)
            self.model.graph.node.append(onnx.helper.make_node("Identity", [source], [output.name]))

    def _key(self, node: onnx.NodeProto) -> Key:
        """Return what decides a node's result: equal keys, equal results."""
        same = onnx.NodeProto()
        same.CopyFrom(node)
        del same.output[:], same.input[:]
        same.name = same.doc_string = ""
        same.input.extend(self._alias.get(name, name) for name in node.input)
        return (same.SerializeToString(deterministic=True), bytes([len(node.output)]))


def _new_name(name: str, taken: set[str]) -> str:
    fresh = f"{name}_pruned"
    while fresh in taken:
        fresh += "_"
    taken.add(fresh)
    return fresh


def _content(tensor: onnx.TensorProto) -> bytes:
    """Return a digest of a tensor's type, shape and values."""
    array = graph.values(tensor)
    digest = hashlib.sha256(f"{tensor.data_type} {array.shape}".encode())
    digest.update(array.tobytes())
    return digest.digest()
