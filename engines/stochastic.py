"""
Quality from repeated random disturbances of one network: baselines to compare PreFIQs with.

* SER-FIQ (Terhörst et al., CVPR 2020, arXiv 2003.09373): dropout before the last layer, many
  passes. Only that layer is repeated, so a hundred passes cost little; the masks are drawn once
  and shared by all faces, so that a face's quality depends on neither its batch nor its turn.
* Agreement of several pruned copies: in each, half of the least weights of every layer, chosen at
  random, become zero.
"""

from dataclasses import dataclass, replace

import numpy as np
import onnx
from numpy.typing import NDArray

from engines import graph
from engines.errors import NetworkError
from engines.network import Network
from engines.part import part_of
from engines.protocols import EmbeddingNetwork
from engines.prune import prunable_weights
from engines.recipe import LIVE_ABOVE
from engines.shift import unit_rows
from engines.specification import Embeddings

DROPOUT = 0.5
"""Share of the last layer's inputs that a pass drops; the others are scaled up to keep the sum."""
LEAST_WEIGHTS = 0.2
"""Quantile of a layer's live magnitudes below which a random half of the weights become zero."""


@dataclass(frozen=True, slots=True, eq=False)
class SplitNetwork:
    """One network in two parts, cut before its last layer."""

    trunk: onnx.ModelProto
    """Prepared input to the last layer's input."""
    head: onnx.ModelProto
    """That to embeddings."""


def split_before_last_layer(network: Network) -> SplitNetwork:
    """
    Cut a network before its last layer with weights.

    Raises:
        NetworkError: The network has no such layer, or a shortcut passes by it.
    """
    last = prunable_weights(network.model)[-1:]
    readers = [n for n in network.model.graph.node for w in last if w.weight_name in n.input]
    if not readers:
        raise NetworkError("no Conv, Gemm or MatMul with weights: dropout has no layer to act on")
    seam = next(name for name in readers[0].input if name != last[0].weight_name)
    return SplitNetwork(
        trunk=part_of(network.model, network.input_name, seam),
        head=part_of(network.model, seam, network.output_name),
    )


def dropout_masks(channels: int, passes: int, seed: int) -> NDArray[np.float32]:
    """Return (passes, channels) float32 factors: 0, or 1 / (1 - `DROPOUT`)."""
    kept = np.random.default_rng(seed).random((passes, channels)) >= DROPOUT
    return (kept / (1 - DROPOUT)).astype(np.float32)


def stochastic_quality(
    features: NDArray[np.float32], head: EmbeddingNetwork, masks: NDArray[np.float32]
) -> NDArray[np.float64]:
    """
    Return the SER-FIQ quality of each face image.

    Args:
        features: (N, C) or (N, C, 1, 1) float32, the trunk's output.
        head: The part of the network behind it.
        masks: (passes, C) from `dropout_masks`.

    Returns:
        (N,) float64 in (0, 1]; higher is better.

    Raises:
        EmbeddingError: A pass gave an embedding without direction.
    """
    shaped = masks.reshape(masks.shape + (1,) * (features.ndim - 2))
    return np.array([consistency(head.run(face * shaped)[0]) for face in features])


def consistency(embeddings: Embeddings) -> float:
    """
    Return how well the embeddings of one face agree: 2 * sigmoid(-mean pairwise distance).

    Args:
        embeddings: (passes, D) float32 of one face image; any scale.

    Returns:
        In (0, 1]; 1 when all are equal; higher is better.

    Source: arXiv 2003.09373, equation 1, its mean taken over all ordered pairs.
    """
    rows = unit_rows(embeddings)
    # In float64 the cosine form is exact enough: distances of 1e-6 are right to 0.1 %.
    distances = np.sqrt(np.clip(2 - 2 * rows @ rows.T, 0, None))
    return float(2 / (1 + np.exp(distances.mean())))


def disturbed_copies(network: Network, copies: int, seed: int) -> tuple[Network, ...]:
    """Return copies in which a random half of the least weights of each layer are zero."""
    rng = np.random.default_rng(seed)
    return tuple(_disturbed(network, rng) for _ in range(copies))


def _disturbed(network: Network, rng: np.random.Generator) -> Network:
    model = onnx.ModelProto()
    model.CopyFrom(network.model)
    tensors = graph.initializers(model)
    for weight in prunable_weights(model):
        values = graph.values(tensors[weight.weight_name]).copy()
        magnitudes = np.abs(values)
        live = magnitudes[magnitudes > LIVE_ABOVE]
        if live.size:
            least = magnitudes <= np.quantile(live, LEAST_WEIGHTS)
            values[least & (rng.random(values.shape) < 0.5)] = 0
            graph.store(tensors[weight.weight_name], values)
    return replace(network, model=model)
