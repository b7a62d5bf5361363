"""
The embedding shift and the quality score made of it.

Source: Kolf et al., "PreFIQs: Face Image Quality Is What Survives Pruning", arXiv 2605.13396:
D(x) = ||dense(x) - pruned(x)||2 of unit embeddings, 0 <= D <= 2, and Q(x) = 1 - D/2.
"""

import numpy as np
from numpy.typing import NDArray

from engines.errors import EmbeddingError
from engines.quality.specification import Embeddings


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
        pruned: (N, D) float32 of the pruned network; any scale.

    Returns:
        (N,) float32 Euclidean distances between unit vectors, in [0, 2]; lower is better.

    Raises:
        EmbeddingError: A row is zero, NaN or infinite.
        ValueError: The shapes differ.

    Source: arXiv 2605.13396, the definition of D. The difference is taken before the norm:
        sqrt(2 - 2 cos) in float32 is up to 10 % wrong at D = 1e-3.
    """
    if dense.shape != pruned.shape:
        raise ValueError(f"shapes differ: dense {dense.shape}, pruned {pruned.shape}")
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
