"""
The embedding shift and the quality score made of it.

Source: Kolf et al., "PreFIQs: Face Image Quality Is What Survives Pruning", arXiv 2605.13396:
D(x) = ||dense(x) - pruned(x)||2 of unit embeddings, 0 <= D <= 2, and Q(x) = 1 - D/2.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engines.errors import EmbeddingError
from engines.quality.specification import Embeddings

TINY = np.float32(1e-9)
"""Below any shift that float32 embeddings can show; its logarithm is finite."""


def unit_rows(embeddings: Embeddings) -> NDArray[np.float64]:
    """
    Return each embedding divided by its Euclidean norm.

    Args:
        embeddings: (N, D) float32, any scale.

    Returns:
        (N, D) float64 unit rows; widened so that differences of near-equal rows stay exact.

    Raises:
        EmbeddingError: A row is zero, NaN or infinite: it has no direction.
    """
    rows = embeddings.astype(np.float64)
    norms = np.linalg.norm(rows, axis=1)
    bad = np.flatnonzero(~(np.isfinite(norms) & (norms > 0)))
    if bad.size:
        raise EmbeddingError(
            f"embedding of face image {int(bad[0])} in the batch is zero or not finite: "
            "run 'edge-gate pair verify' on the engine pair"
        )
    return rows / norms[:, None]


def embedding_norms(embeddings: Embeddings) -> NDArray[np.float64]:
    """
    Return the norm of each raw embedding: the measure of quality that costs nothing.

    Args:
        embeddings: (N, D) float32, as the network gives them.

    Returns:
        (N,) float64; higher is better.
    """
    return np.linalg.norm(embeddings.astype(np.float64), axis=1)


def embedding_shift(dense: Embeddings, pruned: Embeddings) -> NDArray[np.float32]:
    """
    Return how far pruning moves each embedding.

    Args:
        dense: (N, D) float32 of the dense network; any scale.
        pruned: (N, D) float32 of the pruned network; any scale. Of a recipe of K masks (N, K * D):
            the embedding by each mask, one after the other.

    Returns:
        (N,) float32 Euclidean distances between unit vectors, in [0, 2], lower is better; of
        several masks their geometric mean.

    Raises:
        EmbeddingError: A row is zero, NaN or infinite.
        ValueError: The shapes do not fit.

    Source: arXiv 2605.13396, the definition of D. The difference is taken before the norm:
        sqrt(2 - 2 cos) in float32 is up to 10 % wrong at D = 1e-3.
    """
    if dense.ndim != 2 or pruned.ndim != 2 or not dense.shape[1]:
        raise ValueError(f"embeddings are (N, D): dense {dense.shape}, pruned {pruned.shape}")
    faces, length = dense.shape
    if len(pruned) != faces or pruned.shape[1] % length or not pruned.size >= dense.size:
        raise ValueError(f"shapes do not fit: dense {dense.shape}, pruned {pruned.shape}")
    masks = np.split(pruned, pruned.shape[1] // length, axis=1)
    if len(masks) == 1:
        return _one_shift(dense, pruned)
    return mean_shift([_one_shift(dense, each) for each in masks])


def mean_shift(shifts: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """
    Return the geometric mean of the (N,) shifts by several masks of one network.

    Not the arithmetic one: masks move embeddings by unlike amounts, and the larger would decide.
    Which of both, on networks that the choice was not made on, stands in docs/experiments.md.
    """
    return np.exp(np.log(np.maximum(np.stack(shifts), TINY)).mean(axis=0, dtype=np.float64)).astype(
        np.float32
    )


def _one_shift(dense: Embeddings, pruned: Embeddings) -> NDArray[np.float32]:
    difference = unit_rows(dense) - unit_rows(pruned)
    return np.linalg.norm(difference, axis=1).astype(np.float32)


def quality_from_shift(shift: NDArray[np.float32]) -> NDArray[np.float32]:
    """
    Return Q = 1 - D/2.

    Args:
        shift: (N,) float32 in [0, 2].

    Returns:
        (N,) float32 in [0, 1]; higher is better.
    """
    return np.float32(1) - shift / np.float32(2)
