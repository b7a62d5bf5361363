"""
Quality from repeated random disturbances of one network: baselines to compare PreFIQs with.

* SER-FIQ (Terhörst et al., CVPR 2020, arXiv 2003.09373): dropout before the last layer, many
  passes. Only that layer is repeated, so a hundred passes cost little; the masks are drawn once
  and shared by all faces, so that a face's quality depends on neither its batch nor its turn.
* The closed form of that (ours): the mean squared movement under all masks is a weighted sum of
  squares of the last layer's inputs, so that no pass is needed at all.
* Agreement of several pruned copies: in each, half of the least weights of every layer, chosen at
  random, become zero.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import onnx
from numpy.typing import NDArray

from engines.errors import EmbeddingError, NetworkError
from engines.graph import graph
from engines.graph.cut import part_of
from engines.graph.network import Network
from engines.protocols import EmbeddingNetwork
from engines.pruning.prune import prunable_weights
from engines.pruning.recipe import LIVE_ABOVE
from engines.quality.shift import unit_rows
from engines.quality.specification import Embeddings

DROPOUT = 0.5
"""Share of the last layer's inputs that a pass drops; the others are scaled up to keep the sum."""
UNIT_INPUTS = 256
"""Inputs given to the last layer at once when it is measured."""
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


def response_lengths(head: EmbeddingNetwork, one: NDArray[np.float32]) -> NDArray[np.float64]:
    """
    Return how far each input of the last layer moves the embedding.

    Args:
        head: The part of the network behind the trunk; affine, as a last layer is.
        one: (1, C) or (1, C, 1, 1) float32, the trunk's output for any face image.

    Returns:
        (C,) float64 squared lengths of the head's rows.

    Raises:
        NetworkError: The last layer reads maps, so that one number for each channel cannot say.
    """
    channels = one.shape[1]
    if one.size != channels:
        raise NetworkError(f"its last layer reads maps {one.shape[1:]}: leave out the measure snr")
    at_zero = head.run(np.zeros_like(one))[0].astype(np.float64)
    lengths = [
        ((head.run(inputs)[0] - at_zero) ** 2).sum(axis=1) for inputs in _unit_inputs(one.shape)
    ]
    return np.concatenate(lengths)


def _unit_inputs(shape: tuple[int, ...]) -> Iterator[NDArray[np.float32]]:
    """Yield all inputs of one 1 and else 0, a few at a time: some networks have 25,088 channels."""
    channels = shape[1]
    for start in range(0, channels, UNIT_INPUTS):
        few = min(UNIT_INPUTS, channels - start)
        yield np.eye(few, channels, start, dtype=np.float32).reshape((few, *shape[1:]))


def signal_to_noise(
    features: NDArray[np.float32], embeddings: Embeddings, lengths: NDArray[np.float64]
) -> NDArray[np.float64]:
    """
    Return each embedding's length divided by its expected movement under dropout.

    With masks m of mean 1 and variance p / (1 - p), here 1, and an affine last layer of rows w_c,
    the expected squared movement of the embedding is sum over c of (x_c |w_c|)^2. What is left of
    the ratio is how much of an embedding's length comes from inputs that agree.

    Args:
        features: (N, C) or (N, C, 1, 1) float32, the trunk's output.
        embeddings: (N, D) float32, raw.
        lengths: (C,) from `response_lengths`.

    Returns:
        (N,) float64 above 0; higher is better.

    Raises:
        EmbeddingError: An embedding or all of its inputs are zero or not finite.
    """
    inputs = features.reshape(features.shape[:2]).astype(np.float64)
    noise = np.sqrt(inputs**2 @ lengths)
    signal = np.linalg.norm(embeddings.astype(np.float64), axis=1)
    usable = np.isfinite(noise) & np.isfinite(signal) & (noise > 0) & (signal > 0)
    if not usable.all():
        raise EmbeddingError("an embedding or the last layer's input is zero or not finite")
    return signal / noise


def disturbed_copies(
    network: Network, copies: int, seed: int, last: int | None = None
) -> tuple[Network, ...]:
    """
    Return copies in which a random half of the least weights of each layer are zero.

    Args:
        network: Disturbed.
        copies: How many.
        seed: Of the weights chosen.
        last: Only this many layers at the end, so that everything before them could be computed
            once for all copies; None for every layer.
    """
    rng = np.random.default_rng(seed)
    return tuple(_disturbed(network, rng, last) for _ in range(copies))


def _disturbed(network: Network, rng: np.random.Generator, last: int | None) -> Network:
    model = onnx.ModelProto()
    model.CopyFrom(network.model)
    tensors = graph.initializers(model)
    weights = prunable_weights(model)
    for weight in weights if last is None else weights[-last:]:
        values = graph.values(tensors[weight.weight_name]).copy()
        magnitudes = np.abs(values)
        live = magnitudes[magnitudes > LIVE_ABOVE]
        if live.size:
            least = magnitudes <= np.quantile(live, LEAST_WEIGHTS)
            values[least & (rng.random(values.shape) < 0.5)] = 0
            graph.store(tensors[weight.weight_name], values)
    return replace(network, model=model)
