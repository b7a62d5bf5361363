"""How much of a measure's variance lies between people rather than between their pictures."""

import numpy as np
from numpy.typing import NDArray


def share_between(values: NDArray[np.float64], person: NDArray[np.intp]) -> float | None:
    """
    Return the share of the variance that lies between people.

    Args:
        values: (N,) of a measure.
        person: (N,) number of the person of each.

    Returns:
        The intraclass correlation of one-way random effects, at most 1; chance gives about 0,
        whatever the number of pictures of each. None where it is not defined: fewer than two
        people, nobody with two pictures, or values all equal.

    Source: Shrout and Fleiss, "Intraclass Correlations", 1979, ICC(1,1), for groups of any size
    (k as in Donner, "A Review of Inference Procedures for the Intraclass Correlation", 1986).
    """
    _, group, size = np.unique(person, return_inverse=True, return_counts=True)
    people, pictures = size.size, values.size
    if people < 2 or pictures == people:
        return None
    means = np.bincount(group, values) / size
    within = float(np.square(values - means[group]).sum() / (pictures - people))
    between = float((size * np.square(means - values.mean())).sum() / (people - 1))
    usual = (pictures - np.square(size).sum() / pictures) / (people - 1)
    whole = between + (usual - 1) * within
    return (between - within) / whole if whole > 0 else None
