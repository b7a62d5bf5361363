"""
PRelu behind the MaxPool that follows it, where it has a quarter of the values to go through.

A PRelu of slope 0 or more never falls, so the largest of its values is the value of the largest.
With a slope below 0 it is max(x, a x), so the largest of its values is max(p, -a q), where p and q
are the largest x and the largest -x. The convolution makes -x as further channels, which cost
nothing where they fit into its last block, and since max(p, -a q) is p + max(-a q - p, 0), two
convolutions of 1x1 put it together.
"""

from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray

from engines.graph.draft import Draft
from engines.graph.quick.wiring import Wiring, changed_at, is_plain_convolution

BLOCK = 16
"""Channels that ONNX Runtime computes together, with AVX-512."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Conv, PRelu and MaxPool in a row."""

    layer: onnx.NodeProto
    activation: onnx.NodeProto
    pool: onnx.NodeProto
    slopes: NDArray[np.float64]
    """(C,)."""


def prelu_behind_pools(model: onnx.ModelProto) -> onnx.ModelProto:
    """
    Return a copy in which PRelu comes after the MaxPool that was after it.

    Only where a convolution comes before, its channels and the further ones need no more blocks,
    and nothing else reads what is between.
    """
    return changed_at(model, _place, _turn_round)


def _place(activation: onnx.NodeProto, wiring: Wiring, draft: Draft) -> _Place | None:
    if activation.op_type != "PRelu" or activation.input[1] not in draft.tensors:
        return None
    layer, pool = wiring.maker(activation.input[0]), wiring.only_reader(activation.output[0])
    if layer is None or pool is None or pool.op_type != "MaxPool":
        return None
    is_alone = wiring.only_reader(layer.output[0]) is not None and len(pool.output) == 1
    if not is_alone or not is_plain_convolution(layer, draft):
        return None
    slopes, channels = draft.values(activation.input[1]), len(draft.values(layer.input[1]))
    if slopes.size not in (1, channels) or slopes.shape[-2:] not in ((1, 1), (1,)):
        return None
    place = _Place(layer, activation, pool, np.resize(slopes.astype(np.float64), channels))
    needed = channels + int((place.slopes < 0).sum())
    return place if -(-needed // BLOCK) == -(-channels // BLOCK) else None


def _turn_round(draft: Draft, place: _Place) -> None:
    layer, pool, target = place.layer, place.pool, place.pool.output[0]
    pooled = f"{target}/pooled"
    pool.input[0], pool.output[0] = layer.output[0], pooled
    nodes = draft.model.graph.node
    nodes.remove(place.activation)
    if (place.slopes < 0).any():
        _mirror(draft, layer, place.slopes < 0)
        made = _as_convolutions(draft, pooled, target, place.slopes)
    else:
        names = [pooled, place.activation.input[1]]
        made = [onnx.helper.make_node("PRelu", names, [target], name=place.activation.name)]
    behind = list(nodes).index(pool) + 1
    for node in reversed(made):
        nodes.insert(behind, node)


def _mirror(draft: Draft, layer: onnx.NodeProto, channels: NDArray[np.bool_]) -> None:
    """Let a convolution make some of its channels once more, with the other sign, at the end."""
    for place, name in enumerate(layer.input[1:], start=1):
        values = draft.values(name)
        both = np.concatenate([values, -values[channels]])
        layer.input[place] = draft.add(f"{name}_mirrored", both)


def _as_convolutions(
    draft: Draft, pooled: str, target: str, slopes: NDArray[np.float64]
) -> list[onnx.NodeProto]:
    linear, bent, signs = _matrices(slopes)
    part, raised, line = (f"{target}/{name}" for name in ("part", "raised", "line"))
    make = onnx.helper.make_node
    nodes = [
        make("Conv", [pooled, _kernel(draft, f"{target}_bent", bent)], [part]),
        make("Relu", [part], [raised]),
        make("Conv", [pooled, _kernel(draft, f"{target}_linear", linear)], [line]),
    ]
    if (signs < 0).any():
        turned = draft.add(f"{target}_signs", signs.astype(np.float32)[:, None, None])
        nodes.append(make("Mul", [raised, turned], [f"{target}/turned"]))
        raised = f"{target}/turned"
    return [*nodes, make("Add", [line, raised], [target])]


def _matrices(slopes: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """
    Return what makes PRelu of pooled channels: linear @ p + signs * max(bent @ p, 0).

    Args:
        slopes: (C,).

    Returns:
        Two matrices, (C, C + M) for M slopes below 0, and (C,) of 1 and -1.
    """
    count, (mirrored,) = len(slopes), np.nonzero(slopes < 0)
    linear, bent = (np.zeros((count, count + len(mirrored))) for _ in range(2))
    own = np.arange(count)
    rises = slopes >= 0
    linear[own, own] = np.where(rises, slopes, 1)
    bent[own, own] = np.where(rises, np.abs(1 - slopes), -1)
    bent[mirrored, count + np.arange(len(mirrored))] = -slopes[mirrored]
    return linear, bent, np.where(slopes > 1, -1.0, 1.0)


def _kernel(draft: Draft, name: str, matrix: NDArray[np.float64]) -> str:
    return draft.add(name, matrix.astype(np.float32)[:, :, None, None])
