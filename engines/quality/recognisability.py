"""
How far an embedding lies from those of faces that nobody could recognise. Pure.

Embeddings of unrecognisable faces lie close together, whoever is on them, and how far another lies
from them says how recognisable it is (Deng et al., "Harnessing Unrecognizable Faces for Improving
Face Recognition", WACV 2023, there the cosine with their centre). Here it is the Mahalanobis
distance of the raw embedding, whose norm is the case of a centre at zero and no direction of its
own. It costs no second pass; docs/measured.md holds it against the norm.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engines.quality.specification import Embeddings

RIDGE = 10.0
"""
Added to the variance of every direction, in means of all of them: faces to learn from are few.

From 3 to 30 it differs by 0.08 of the norm at most, on five networks (docs/experiments.md).
"""

SMALLEST = 1e-3
"""Added to a distance whose median is 1: an embedding at the very centre has one too."""

LENGTH = 0.05
"""Of the median shift that a distance is written as, well above what FP16 rounds."""


@dataclass(frozen=True, slots=True, eq=False)
class Recognisability:
    """The centre of unrecognisable faces, and how a distance from it becomes a shift."""

    centre: NDArray[np.float64]
    """(D,) mean raw embedding."""
    whitening: NDArray[np.float64]
    """(D, D): of a difference from the centre, a row of the distance's length."""
    vector: NDArray[np.float64]
    """(D,) by which an embedding of norm `length` moves at the distance 1."""
    length: float
    """Median norm of raw embeddings of recognisable faces."""

    def distance(self, embeddings: Embeddings) -> NDArray[np.float64]:
        """
        Return how far raw embeddings lie from the centre.

        Args:
            embeddings: (N, D) float32, as the network gives them.

        Returns:
            (N,) above 0, in medians of recognisable faces; higher is better.
        """
        rows = (embeddings.astype(np.float64) - self.centre) @ self.whitening
        return np.linalg.norm(rows, axis=1) + SMALLEST

    def moved(self, embeddings: Embeddings) -> Embeddings:
        """
        Return (N, D) float32: embeddings that went the further the nearer to the centre they were.

        The shift between both is about `LENGTH` over the distance.
        """
        rows = embeddings.astype(np.float64)
        by = np.linalg.norm(rows, axis=1) / self.length / self.distance(embeddings)
        return (rows + by[:, None] * self.vector).astype(np.float32)


def fitted(unrecognisable: Embeddings, recognisable: Embeddings) -> Recognisability:
    """
    Learn from raw embeddings of faces; who is on them is not asked.

    Args:
        unrecognisable: (N, D) float32, N at least 2: of faces that heavy faults spoilt.
        recognisable: (M, D) float32, of faces as they are.
    """
    bad, good = unrecognisable.astype(np.float64), recognisable.astype(np.float64)
    values, directions = np.linalg.eigh(np.cov(bad.T))
    scales = np.sqrt(np.maximum(values, 0) + RIDGE * values.mean())
    centre, whitening = bad.mean(axis=0), directions / scales
    norms = np.linalg.norm(good, axis=1)
    length = float(np.median(norms))
    usual = float(np.median(np.linalg.norm((good - centre) @ whitening, axis=1)))
    vector = LENGTH * length * quiet_direction(good / norms[:, None])
    return Recognisability(centre, whitening / usual, vector, length)


def quiet_direction(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (D,) the unit vector along which (N, D) unit embeddings vary least."""
    _, directions = np.linalg.eigh(rows.T @ rows)  # least first
    return np.asarray(directions[:, 0])
