"""
What the comparison scores of one network say about identity, so that no fixed cosine is needed.

Cosines of different networks are not comparable: those of different people lie around 0.06 for
`mobilefacenet512` and around 0.86 for `dlib-resnet`. Their angles are spread nearly normally around
a mean, so a few faces of different people tell the scale; a few of the same people bound it.
"""

import math
from dataclasses import dataclass

import numpy as np

from engines.biometrics.comparisons import Comparisons
from engines.quality.reference_quantiles import rounded

UNLIKE = 2.5
"""Spreads below the mean angle of different people: one of 160 such comparisons is nearer."""
ALIKE = 5.0
"""The same: one of three million is nearer, were they normal; relatives and chance are why so."""
MATED_QUANTILE = 0.01
"""Share of comparisons of one person that may score lower than what is unlike him."""


@dataclass(frozen=True, slots=True)
class IdentityScale:
    """Thresholds on comparison scores (cosines of dense embeddings) of one network."""

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012

    non_mated_angle: float
    """Mean angle between faces of different people, degrees."""
    non_mated_spread: float
    """Standard deviation of these angles, degrees."""
    mated_low: float | None = None
    """Comparison score that 99 % of comparisons of one person reach; None where unknown."""

    @property
    def same_above(self) -> float:
        """Comparison score above which two faces are surely one person's, in [-1, 1]."""
        return self._score(ALIKE)

    @property
    def unlike_below(self) -> float:
        """Comparison score below which faces are rather of two people, even poor ones."""
        return min(self._score(UNLIKE), self._bound)

    @property
    def doubtful_below(self) -> float:
        """The same for good faces, of which one person's are more alike."""
        return min(self.same_above, self._bound)

    @property
    def _bound(self) -> float:
        """What one person's comparisons hardly ever score below, as far as it is known."""
        if self.mated_low is not None:
            return self.mated_low
        return (self._score(UNLIKE) + self.same_above) / 2

    def _score(self, spreads: float) -> float:
        angle = max(0.0, self.non_mated_angle - spreads * self.non_mated_spread)
        return math.cos(math.radians(angle))


def identity_scale(comparisons: Comparisons) -> IdentityScale:
    """
    Return the scale that comparisons of known faces tell.

    Args:
        comparisons: Two of different people at least; without any of one person `mated_low` is
            None.

    Raises:
        ValueError: Fewer than two are of different people.
    """
    others = np.clip(comparisons.score[~comparisons.mated], -1.0, 1.0)
    if others.size < 2:
        raise ValueError("two comparisons of different people are needed")
    angles = np.degrees(np.arccos(others))
    own = comparisons.score[comparisons.mated]
    low = float(np.quantile(own, MATED_QUANTILE)) if own.size else None
    return IdentityScale(
        rounded(float(angles.mean())),
        rounded(float(angles.std())),
        None if low is None else rounded(low),
    )
