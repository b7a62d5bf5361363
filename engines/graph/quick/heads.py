"""Heads of one trunk as one convolution: all channels of a block cost what one of them costs."""

from collections import defaultdict

import numpy as np
import onnx

from engines.graph import graph
from engines.graph.draft import Draft
from engines.graph.quick.pooled_prelu import BLOCK

SLICE_BY_INPUTS = 10
"""Opset from which Slice takes its bounds as inputs."""


def join_heads(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy in which convolutions of one tensor that fit into one block are one."""
    draft = Draft(model)
    if all(each.version >= SLICE_BY_INPUTS for each in model.opset_import if not each.domain):
        for heads in _heads(draft):
            _join(draft, heads)
    draft.drop_unread()
    return draft.finished()


def _heads(draft: Draft) -> list[list[onnx.NodeProto]]:
    alike = defaultdict[object, list[onnx.NodeProto]](list)
    for node in draft.model.graph.node:
        if node.op_type == "Conv" and len(node.input) == 3:
            written = {name: str(value) for name, value in graph.attributes(node).items()}
            is_plain = graph.attributes(node).get("group", 1) == 1
            if is_plain and set(node.input[1:]) <= draft.tensors.keys():
                shape = draft.values(node.input[1]).shape[1:]
                alike[node.input[0], shape, tuple(sorted(written.items()))].append(node)
    return [
        heads
        for heads in alike.values()
        if len(heads) > 1 and sum(len(draft.values(head.input[2])) for head in heads) <= BLOCK
    ]


def _join(draft: Draft, heads: list[onnx.NodeProto]) -> None:
    first, nodes = heads[0], draft.model.graph.node
    together = f"{first.output[0]}/heads"
    ends = np.cumsum([len(draft.values(head.input[2])) for head in heads])
    weights = [
        draft.add(f"{together}_{at}", np.concatenate([draft.values(h.input[at]) for h in heads]))
        for at in (1, 2)
    ]
    channels = draft.add(f"{together}_axis", np.array([1]))
    parts = []
    for head, begin, end in zip(heads, [0, *ends], ends, strict=False):
        bounds = [draft.add(f"{head.output[0]}_bound", np.array([each])) for each in (begin, end)]
        names = [together, *bounds, channels]
        parts.append(onnx.helper.make_node("Slice", names, [head.output[0]], name=head.name))
    joined = onnx.NodeProto()
    joined.CopyFrom(first)
    joined.name, joined.input[1], joined.input[2], joined.output[0] = "", *weights, together
    place = list(nodes).index(first)
    for head in heads:
        nodes.remove(head)
    for node in reversed([joined, *parts]):
        nodes.insert(place, node)
