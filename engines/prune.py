"""
Unstructured L1 pruning: the smallest weights become zero, the same ones every time.

Source: Kolf et al., arXiv 2605.13396. Only weights of Conv, Gemm and MatMul are masked; biases,
BatchNormalization and PRelu never are.
"""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import onnx
from numpy.typing import NDArray

from engines import graph
from engines.errors import RecipeError
from engines.network import Network
from engines.recipe import LIVE_ABOVE, LayerSparsity, Recipe

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


def prunable_weights(model: onnx.ModelProto) -> tuple[PrunableWeight, ...]:
    """Return the weight tensors of Conv, Gemm and MatMul in graph order, each one once."""
    constant = graph.initializers(model)
    used: dict[str, tuple[str, str]] = {}
    for node, layer in zip(model.graph.node, graph.layer_names(model), strict=True):
        if node.op_type in PRUNABLE:
            candidates = node.input[:2] if node.op_type == "MatMul" else node.input[1:2]
            for name in candidates:
                if name in constant:
                    used.setdefault(name, (layer, node.op_type))
    arrays = {name: graph.values(constant[name]) for name in used}
    total = sum(array.size for array in arrays.values())
    return tuple(
        PrunableWeight(
            layer=layer,
            op=op,
            weight_name=name,
            shape=arrays[name].shape,
            size=arrays[name].size,
            share=arrays[name].size / total,
            live=int(np.count_nonzero(np.abs(arrays[name]) > LIVE_ABOVE)),
        )
        for name, (layer, op) in used.items()
    )


def prune(network: Network, recipe: Recipe) -> tuple[Network, tuple[LayerSparsity, ...]]:
    """
    Return a copy of the network with the recipe's share of weights set to zero, and a count of it.

    Exactly round(sparsity * counted weights) are masked, in each layer or over all. Among equal
    magnitudes the earlier weight goes first: by layer, then by its flat index. At sparsity 0 the
    copy is the same bit for bit.

    Raises:
        RecipeError: A layer to keep dense does not exist, or none is left to prune.
    """
    weights = prunable_weights(network.model)
    chosen = _to_prune(weights, recipe)
    model = onnx.ModelProto()
    model.CopyFrom(network.model)
    constant = graph.initializers(model)
    arrays = [graph.values(constant[each.weight_name]).reshape(-1) for each in chosen]
    masked = dict.fromkeys((each.layer for each in weights), 0)
    for weight, array, mask in zip(chosen, arrays, masks(arrays, recipe), strict=True):
        pruned = array.copy()
        pruned[mask] = 0
        graph.store(constant[weight.weight_name], pruned.reshape(weight.shape))
        masked[weight.layer] += mask.size
    counts = tuple(_counted_again(model, each, recipe, masked[each.layer]) for each in weights)
    return replace(network, model=model), counts


def masks(arrays: Sequence[NDArray[np.float32]], recipe: Recipe) -> tuple[NDArray[np.intp], ...]:
    """
    Return which weights of each layer become zero.

    Args:
        arrays: One flat array of weights for each layer, in layer order.
        recipe: Its scope, sparsity and count.

    Returns:
        Flat indices for each layer, ascending.
    """
    counted = [_counted(array, recipe) for array in arrays]
    magnitudes = [np.abs(array[at]) for array, at in zip(arrays, counted, strict=True)]
    if recipe.scope == "layer":
        smallest = [_smallest(each, recipe.sparsity) for each in magnitudes]
    else:
        ends = np.cumsum([each.size for each in magnitudes])
        together = _smallest(np.concatenate(magnitudes), recipe.sparsity)
        parts = np.split(together, np.searchsorted(together, ends[:-1]))
        smallest = [part - start for part, start in zip(parts, (0, *ends[:-1]), strict=True)]
    return tuple(at[few] for at, few in zip(counted, smallest, strict=True))


def _counted(array: NDArray[np.float32], recipe: Recipe) -> NDArray[np.intp]:
    """Return the indices of the weights that the sparsity is a share of."""
    return (
        np.flatnonzero(np.abs(array) > LIVE_ABOVE)
        if recipe.count == "live"
        else (np.arange(array.size))
    )


def _smallest(magnitudes: NDArray[np.float32], share: float) -> NDArray[np.intp]:
    """Return the indices of the smallest ones, ascending; among equals the first."""
    count = round(share * magnitudes.size)
    if count == 0:
        return np.empty(0, np.intp)
    limit = np.partition(magnitudes, count - 1)[count - 1]
    below = np.flatnonzero(magnitudes < limit)
    equal = np.flatnonzero(magnitudes == limit)[: count - below.size]
    return np.sort(np.concatenate((below, equal)))


def _to_prune(weights: Sequence[PrunableWeight], recipe: Recipe) -> list[PrunableWeight]:
    names = [each.layer for each in weights]
    unknown = [name for name in recipe.keep_dense if name not in names]
    if unknown:
        close = difflib.get_close_matches(unknown[0], names, n=3)
        hint = f"did you mean {', '.join(close)}?" if close else f"it has {', '.join(names)}"
        raise RecipeError(f"the network has no prunable layer {unknown[0]!r}: {hint}")
    chosen = [each for each in weights if each.layer not in recipe.keep_dense]
    if not chosen:
        raise RecipeError("no layer is left to prune: keep fewer layers dense")
    return chosen


def _counted_again(
    model: onnx.ModelProto, weight: PrunableWeight, recipe: Recipe, masked: int
) -> LayerSparsity:
    """Count the zeros of the finished network rather than trust the mask."""
    array = graph.values(graph.initializers(model)[weight.weight_name])
    counted = weight.live if recipe.count == "live" else weight.size
    zeros = int(np.count_nonzero(array == 0))
    return LayerSparsity(weight.layer, weight.size, counted, masked, zeros)
