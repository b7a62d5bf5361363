"""
Which weights become zero: the least important ones, singly, by whole channels, or two of each four.

Among equally important ones the earlier goes first: by layer, then by its flat index.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engines.pruning.recipe import LIVE_ABOVE, Recipe

RANDOM_SEED = 2605
"""Of importance "random", with the shape of the layer: the same mask every time."""
GROUP, KEPT_OF_GROUP = 4, 2
"""Of 2:4 sparsity, which tensor cores run (NVIDIA, arXiv 2104.08378)."""


class Layer(NamedTuple):
    """The weights of one layer."""

    weights: NDArray[np.float32]
    output_axis: int = 0
    """Axis of its output channels."""
    folded: NDArray[np.float64] | None = None
    """For each output channel what folding multiplied the weights by; None where nothing did."""


def masks(layers: Iterable[Layer], recipe: Recipe) -> tuple[NDArray[np.intp], ...]:
    """
    Return which weights of each layer become zero.

    Args:
        layers: In layer order.
        recipe: Its scope, sparsity, count, importance and structure.

    Returns:
        Flat indices for each layer, ascending.
    """
    if recipe.structure == "2:4":
        return tuple(_least_of_groups(each, recipe) for each in layers)
    if recipe.structure == "channels":
        return _channels(list(layers), recipe)
    if recipe.scope == "layer":
        return tuple(_weights([each], recipe)[0] for each in layers)
    return _weights(list(layers), recipe)


def importance(layer: Layer, recipe: Recipe) -> NDArray[np.floating]:
    """Return how much each weight matters, 0 or more, in the weights' shape; the least go first."""
    match recipe.importance:
        case "magnitude":
            return np.abs(layer.weights)
        case "random":
            return np.random.default_rng([RANDOM_SEED, *layer.weights.shape]).random(
                layer.weights.shape
            )
        case "unfolded":
            return _over_channels(layer, 1.0 if layer.folded is None else np.abs(layer.folded))
        case "channel":
            squares = np.square(layer.weights.astype(np.float64))
            return _over_channels(layer, np.sqrt(squares.mean(axis=_inputs(layer))))


def _over_channels(layer: Layer, scale: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Divide by a scale of each output channel; weights of a channel without one stay the least."""
    magnitudes = np.abs(layer.weights.astype(np.float64))
    shape = [1] * magnitudes.ndim
    shape[layer.output_axis] = -1
    by = np.broadcast_to(np.reshape(scale, shape), magnitudes.shape)
    return np.divide(magnitudes, by, out=np.zeros_like(magnitudes), where=by > 0)


def _weights(layers: Sequence[Layer], recipe: Recipe) -> tuple[NDArray[np.intp], ...]:
    """Mask single weights of layers that share one threshold."""
    important = [
        importance(each, recipe).reshape(-1)[_counted(each.weights.reshape(-1), recipe)]
        for each in layers
    ]
    found = _smallest(important, recipe.sparsity)
    del important
    return tuple(
        # Found again rather than kept: all indices of a network are twice its weights.
        few if recipe.count == "all" else np.flatnonzero(_live(each.weights.reshape(-1)))[few]
        for each, few in zip(layers, found, strict=True)
    )


def _channels(layers: Sequence[Layer], recipe: Recipe) -> tuple[NDArray[np.intp], ...]:
    """Mask whole output channels, the least by the mean importance of their weights."""
    important, counted = [], []
    for each in layers:
        counts: NDArray[np.bool_] = np.ones(each.weights.shape[each.output_axis], np.bool_)
        if recipe.count == "live":
            counts = np.any(np.abs(each.weights) > LIVE_ABOVE, axis=_inputs(each))
        counted.append(np.flatnonzero(counts))
        important.append(importance(each, recipe).mean(axis=_inputs(each))[counts])
    if recipe.scope == "layer":
        few = [_smallest([each], recipe.sparsity)[0] for each in important]
    else:
        few = _smallest(important, recipe.sparsity)
    return tuple(
        _weights_of(each, channels[some])
        for each, channels, some in zip(layers, counted, few, strict=True)
    )


def _weights_of(layer: Layer, channels: NDArray[np.intp]) -> NDArray[np.intp]:
    chosen = np.zeros(layer.weights.shape, bool)
    np.moveaxis(chosen, layer.output_axis, 0)[channels] = True
    return np.flatnonzero(chosen)


def _least_of_groups(layer: Layer, recipe: Recipe) -> NDArray[np.intp]:
    """Mask two of each four neighbours along the inputs; what is left over of fours stays."""
    rows = np.moveaxis(importance(layer, recipe), layer.output_axis, 0)
    rows = np.moveaxis(rows, 1, -1)  # a kernel's positions lie outside, its input channels inside
    whole = rows.shape[-1] // GROUP * GROUP
    groups = rows[..., :whole].reshape(*rows.shape[:-1], -1, GROUP)
    least = np.argsort(groups, axis=-1, kind="stable").argsort(axis=-1) < GROUP - KEPT_OF_GROUP
    chosen = np.zeros(rows.shape, bool)
    chosen[..., :whole] = least.reshape(*rows.shape[:-1], whole)
    chosen = np.moveaxis(chosen, -1, 1)
    return np.flatnonzero(np.moveaxis(chosen, 0, layer.output_axis))


def _inputs(layer: Layer) -> tuple[int, ...]:
    return tuple(axis for axis in range(layer.weights.ndim) if axis != layer.output_axis)


def _counted(array: NDArray[np.float32], recipe: Recipe) -> NDArray[np.bool_] | slice:
    """Return the weights that the sparsity is a share of."""
    return _live(array) if recipe.count == "live" else slice(None)


def _live(array: NDArray[np.float32]) -> NDArray[np.bool_]:
    return np.abs(array) > LIVE_ABOVE


def _smallest(important: Sequence[NDArray[np.floating]], share: float) -> list[NDArray[np.intp]]:
    """Return for each array the indices of the smallest of all, ascending; of equals the first."""
    together = np.concatenate(important)
    count = round(share * together.size)
    if count == 0:
        return [np.empty(0, np.intp) for _ in important]
    together.partition(count - 1)
    limit = together[count - 1]
    equals = count - int(np.count_nonzero(together < limit))
    found = []
    for each in important:
        below, equal = np.flatnonzero(each < limit), np.flatnonzero(each == limit)[:equals]
        equals -= equal.size
        found.append(np.sort(np.concatenate((below, equal))))
    return found
