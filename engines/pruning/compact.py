"""
Remove channels that say nothing: the embeddings stay, the network becomes smaller and faster.

A channel goes when each layer that reads it either ignores it (all weights zero) or gets one value
whatever the image; that value is folded into the reader's bias. Where a reader pads its input the
value must be zero, because the border would differ.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import onnx
from numpy.typing import NDArray

from engines.graph import graph
from engines.graph.draft import Draft
from engines.graph.network import Network
from engines.pruning.constant_channels import (
    NEGLIGIBLE,
    Channels,
    Constants,
    Initializers,
    bias_of,
    channel_axis,
    find_channels,
    is_convolution,
    is_depthwise,
    is_padded,
)
from engines.pruning.recipe import CompactedLayer

Mask = NDArray[np.bool_]


def compact(network: Network, multiple: int = 1) -> tuple[Network, tuple[CompactedLayer, ...]]:
    """
    Return the network without its dead channels, and what was removed, layer by layer.

    Embeddings stay the same within float32 rounding. BatchNormalization should be folded before.

    Args:
        network: Not changed.
        multiple: Round the channels that stay up to a multiple of this, at least 1; libraries
            compute some counts faster than the one below.
    """
    draft, constants = Draft(network.model), Initializers(network.model)
    model = draft.model
    found = find_channels(network.model)
    kept = _kept(model, constants, found, multiple)
    report = tuple(_report(model, constants, kept))
    for node in model.graph.node:
        if is_convolution(node, constants):
            _cut_convolution(draft, node, found, kept)
        elif node.output[0] in kept:
            _cut_parameters(draft, node, kept[node.output[0]])
    draft.drop_unread()
    del model.graph.value_info[:]
    folded = {
        name: factor[kept[name]] if name in kept else factor
        for name, factor in network.folded.items()
    }
    return replace(network, model=draft.finished(), folded=folded), report


def _kept(
    model: onnx.ModelProto, constants: Constants, found: Channels, multiple: int
) -> dict[str, Mask]:
    """Return for each tensor which of its channels stay."""
    fixed = found.fixed_groups()
    dead = {
        found.group(name): np.full(value.size, found.group(name) not in fixed)
        for name, value in found.constant.items()
    }
    for node in model.graph.node:
        if (
            is_convolution(node, constants)
            and not is_depthwise(node)
            and node.input[0] in found.constant
        ):
            dead[found.group(node.input[0])] &= _needless(node, constants, found)
    staying = {group: _rounded_up(~each, multiple) for group, each in dead.items()}
    return {name: staying[found.group(name)] for name in found.constant}


def _needless(node: onnx.NodeProto, constants: Constants, found: Channels) -> Mask:
    """Return which input channels a dense convolution can do without."""
    value = found.constant[node.input[0]]
    magnitude = np.abs(constants[node.input[1]].astype(np.float64)).sum((0, 2, 3))
    foldable = ~np.isnan(value)
    if is_padded(node):
        foldable &= np.abs(np.nan_to_num(value)) * magnitude <= NEGLIGIBLE
    return foldable | (magnitude == 0)


def _rounded_up(kept: Mask, multiple: int) -> Mask:
    """Keep the first dead channels too, up to the next multiple; at least one channel stays."""
    live = int(kept.sum())
    wanted = max(-(-live // multiple), 1) * multiple
    staying = kept.copy()
    staying[np.flatnonzero(~kept)[: wanted - live]] = True
    return staying


def _report(
    model: onnx.ModelProto, constants: Constants, kept: dict[str, Mask]
) -> Iterator[CompactedLayer]:
    for node, layer in zip(model.graph.node, graph.layer_names(model), strict=True):
        if is_convolution(node, constants):
            mask = kept[node.output[0]]
            yield CompactedLayer(layer, mask.size, int((~mask).sum()))


def _cut_convolution(
    draft: Draft, node: onnx.NodeProto, found: Channels, kept: dict[str, Mask]
) -> None:
    rows, source = kept[node.output[0]], node.input[0]
    columns = kept.get(source, np.ones(1, bool))
    if rows.all() and columns.all():
        return
    constants: Constants = {name: draft.values(name) for name in node.input[1:] if name}
    weights, bias = constants[node.input[1]].astype(np.float64), bias_of(node, constants)
    if is_depthwise(node):
        next(each for each in node.attribute if each.name == "group").i = int(rows.sum())
    elif source in kept:
        folded = np.nan_to_num(found.constant[source][~columns])
        bias = bias + weights[:, ~columns].sum((2, 3)) @ folded
        weights = weights[:, columns]
    arrays = (weights[rows], bias[rows])
    names = (f"{node.output[0]}_weights", f"{node.output[0]}_bias")
    added = [
        draft.add(name, array.astype(np.float32)) for name, array in zip(names, arrays, strict=True)
    ]
    del node.input[1:]
    node.input.extend(added)


def _cut_parameters(draft: Draft, node: onnx.NodeProto, rows: Mask) -> None:
    """Shorten constants that run along the channels, such as the slopes of PRelu."""
    for position, name in enumerate(node.input):
        if name not in draft.tensors or rows.all():
            continue
        array = draft.values(name)
        axis = channel_axis(array, node, rows.size)
        if axis is not None:
            short = np.compress(rows, array, axis=axis)
            node.input[position] = draft.add(f"{name}_short", short)
