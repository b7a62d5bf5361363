"""
L1 pruning: the least weights become zero, the same ones every time.

Source: Kolf et al., arXiv 2605.13396; importance "channel" and the choice of layers are ours. Only
weights of Conv, Gemm and MatMul are masked; biases, BatchNormalization and PRelu never are.
"""

import difflib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import onnx

from engines.errors import RecipeError
from engines.graph import graph
from engines.graph.draft import Draft
from engines.graph.network import Network
from engines.pruning.masks import Layer, masks
from engines.pruning.recipe import LIVE_ABOVE, LayerSparsity, Recipe

PRUNABLE = frozenset({"Conv", "Gemm", "MatMul"})
"""Operators whose constant matrix or kernel may be masked."""


@dataclass(frozen=True, slots=True)
class PrunableWeight:
    """One weight tensor that pruning may mask."""

    layer: str
    """Name of the first node that uses it."""
    op: str
    weight_name: str
    shape: tuple[int, ...]
    size: int
    """Number of weights."""
    share: float
    """Of all prunable weights, in (0, 1]."""
    live: int
    """Weights above 1e-6 in magnitude."""
    output_axis: int
    """Axis of the shape along which the output channels lie."""
    output: str
    """Tensor that this node makes."""


def prunable_weights(model: onnx.ModelProto) -> tuple[PrunableWeight, ...]:
    """Return the weight tensors of Conv, Gemm and MatMul in graph order, each one once."""
    constant = graph.initializers(model)
    used: dict[str, tuple[str, onnx.NodeProto]] = {}
    for node, layer in zip(model.graph.node, graph.layer_names(model), strict=True):
        if node.op_type in PRUNABLE:
            candidates = node.input[:2] if node.op_type == "MatMul" else node.input[1:2]
            for name in candidates:
                if name in constant:
                    used.setdefault(name, (layer, node))
    sizes = {name: math.prod(constant[name].dims) for name in used}
    total = sum(sizes.values())
    return tuple(
        PrunableWeight(
            layer=layer,
            op=node.op_type,
            weight_name=name,
            shape=tuple(constant[name].dims),
            size=sizes[name],
            share=sizes[name] / total,
            live=int(np.count_nonzero(np.abs(graph.values(constant[name])) > LIVE_ABOVE)),
            output_axis=_output_axis(node, name, len(constant[name].dims)),
            output=node.output[0],
        )
        for name, (layer, node) in used.items()
    )


def _output_axis(node: onnx.NodeProto, weight_name: str, axes: int) -> int:
    if node.op_type == "Gemm":
        return 0 if graph.attributes(node).get("transB", 0) else 1
    if node.op_type == "MatMul":
        return max(axes - (1 if node.input[1] == weight_name else 2), 0)
    return 0


def prune(network: Network, recipe: Recipe) -> tuple[Network, tuple[LayerSparsity, ...]]:
    """
    Return a copy of the network with the recipe's share of weights set to zero, and a count of it.

    Exactly round(sparsity * counted weights) are masked, in each layer or over all; see
    `engines.pruning.masks`, also for whole channels and 2:4. At sparsity 0 the copy is the same bit
    for bit.

    Raises:
        RecipeError: A named layer does not exist, or none is left to prune.
        ValueError: The recipe has several masks: prune once for each of `Recipe.single`.
    """
    if recipe.masks:
        raise ValueError("a copy is pruned by one mask")
    weights = prunable_weights(network.model)
    chosen = _to_prune(weights, recipe)
    draft = Draft(network.model)
    masked = dict.fromkeys((each.layer for each in weights), 0)
    layers = (
        Layer(draft.values(each.weight_name), each.output_axis, network.folded.get(each.output))
        for each in chosen
    )
    found = masks(layers, recipe)
    for weight, mask in zip(chosen, found, strict=True):
        pruned = draft.values(weight.weight_name).copy()
        pruned.reshape(-1)[mask] = 0
        draft.store(weight.weight_name, pruned)
        masked[weight.layer] += mask.size
    counts = tuple(_counted_again(draft, each, recipe, masked[each.layer]) for each in weights)
    return replace(network, model=draft.finished()), counts


def _to_prune(weights: Sequence[PrunableWeight], recipe: Recipe) -> list[PrunableWeight]:
    names = [each.layer for each in weights]
    unknown = [name for name in (*recipe.layers, *recipe.keep_dense) if name not in names]
    if unknown:
        close = difflib.get_close_matches(unknown[0], names, n=3)
        hint = f"did you mean {', '.join(close)}?" if close else f"it has {', '.join(names)}"
        raise RecipeError(f"the network has no prunable layer {unknown[0]!r}: {hint}")
    wanted = set(recipe.layers or names) - set(recipe.keep_dense)
    chosen = [each for each in weights if each.layer in wanted]
    if not chosen:
        raise RecipeError("no layer is left to prune: keep fewer layers dense")
    return chosen


def _counted_again(
    draft: Draft, weight: PrunableWeight, recipe: Recipe, masked: int
) -> LayerSparsity:
    """Count the zeros of the finished network rather than trust the mask."""
    array = draft.values(weight.weight_name)
    counted = weight.live if recipe.count == "live" else weight.size
    zeros = int(np.count_nonzero(array == 0))
    return LayerSparsity(weight.layer, weight.size, counted, masked, zeros)
