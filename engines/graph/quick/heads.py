"""
Heads of one trunk as one: all channels of a block cost what one of them costs.

What follows each head channel by channel, a depthwise convolution, is joined in the same way.
"""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from typing import TypeAlias

import numpy as np
import onnx

from engines.graph import graph
from engines.graph.draft import Draft
from engines.graph.quick.pooled_prelu import BLOCK
from engines.graph.quick.wiring import Wiring, is_convolution

SLICE_BY_INPUTS = 10
"""Opset from which Slice takes its bounds as inputs."""

Row: TypeAlias = Sequence[onnx.NodeProto]
"""Convolutions beside each other, one of each head."""


def join_heads(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy in which convolutions of one tensor that fit into one block are one."""
    draft = Draft(model)
    if all(each.version >= SLICE_BY_INPUTS for each in model.opset_import if not each.domain):
        wiring = Wiring(draft.model)
        for heads in _heads(draft):
            _join(draft, [heads, *_depthwise_after(heads, wiring, draft)])
    draft.drop_unread()
    return draft.finished()


def _heads(draft: Draft) -> list[Row]:
    alike = defaultdict[Hashable, list[onnx.NodeProto]](list)
    for node in draft.model.graph.node:
        if _has_bias(node, draft) and graph.attributes(node).get("group", 1) == 1:
            alike[node.input[0], _kind(node, draft)].append(node)
    return [
        heads
        for heads in alike.values()
        if len(heads) > 1 and sum(_channels(head, draft) for head in heads) <= BLOCK
    ]


def _depthwise_after(heads: Row, wiring: Wiring, draft: Draft) -> list[Row]:
    """Return the row of depthwise convolutions after a row, if that is what follows; or nothing."""
    row = [node for head in heads if (node := wiring.only_reader(head.output[0])) is not None]
    is_whole = len(row) == len(heads) and all(_has_bias(node, draft) for node in row)
    if not is_whole or len({_kind(node, draft) for node in row}) > 1:
        return []
    groups = [graph.attributes(node).get("group", 1) for node in row]
    return [row] if groups == [_channels(head, draft) for head in heads] else []


def _has_bias(node: onnx.NodeProto, draft: Draft) -> bool:
    return is_convolution(node, draft) and len(node.input) == 3


def _channels(node: onnx.NodeProto, draft: Draft) -> int:
    return len(draft.values(node.input[2]))


def _kind(node: onnx.NodeProto, draft: Draft) -> Hashable:
    """Return what must be the same of convolutions that are to be one."""
    written = {name: str(value) for name, value in graph.attributes(node).items()}
    written.pop("group", None)
    return draft.values(node.input[1]).shape[1:], tuple(sorted(written.items()))


def _join(draft: Draft, rows: Sequence[Row]) -> None:
    (first, *_), last = rows[0], rows[-1]
    nodes, source = draft.model.graph.node, first.input[0]
    made = []
    for row in rows:
        made.append(_together(draft, row, source, is_depthwise=row is not rows[0]))
        source = made[-1].output[0]
    place = list(nodes).index(first)
    for node in (node for row in rows for node in row):
        nodes.remove(node)
    for node in reversed([*made, *_slices(draft, last, source)]):
        nodes.insert(place, node)


def _together(draft: Draft, row: Row, source: str, *, is_depthwise: bool) -> onnx.NodeProto:
    target = f"{row[0].output[0]}/together"
    weights = [
        draft.add(f"{target}_{at}", np.concatenate([draft.values(node.input[at]) for node in row]))
        for at in (1, 2)
    ]
    written = {name: value for name, value in graph.attributes(row[0]).items() if name != "group"}
    group = sum(_channels(node, draft) for node in row) if is_depthwise else 1
    return onnx.helper.make_node("Conv", [source, *weights], [target], group=group, **written)


def _slices(draft: Draft, row: Row, source: str) -> list[onnx.NodeProto]:
    """Return what gives each head its own channels of all."""
    ends = np.cumsum([_channels(node, draft) for node in row])
    axis, made = draft.add(f"{source}_axis", np.array([1])), []
    for node, begin, end in zip(row, [0, *ends], ends, strict=False):
        bounds = [draft.add(f"{source}_bound", np.array([each])) for each in (begin, end)]
        names, target = [source, *bounds, axis], node.output[0]
        made.append(onnx.helper.make_node("Slice", names, [target], name=node.name))
    return made
