"""What is the measure of a pair worth? Asked on comparisons made of the golden faces."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from engines.calibration.faces import CalibrationFaces
from engines.calibration.self_made import SelfMade
from engines.errors import CalibrationError, NotBetterError
from engines.pair.manifest import NetworkRecord
from engines.pair.merit import Merit, merit_text
from engines.quality.shift import embedding_norms, embedding_shift, unit_rows
from engines.quality.specification import Embeddings


@dataclass(frozen=True, slots=True, eq=False)
class Recogniser:
    """Another network, whose errors the pair shall foretell."""

    record: NetworkRecord
    embeddings: Embeddings
    """(N, D) float32, raw, of the same faces in the same order."""


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """What a second opinion said of N reference faces, which begin with the judge's."""

    rows: tuple[Embeddings, Embeddings]
    """Their raw embeddings by both networks of the pair."""
    said: NDArray[np.float64]
    """(N,) higher is better."""


@dataclass(slots=True, eq=False)
class Kept:
    """What a build embedded of the judge's faces, for questions that come after it."""

    rows: tuple[Embeddings, Embeddings] | None = None
    """Raw, by both networks of the pair."""
    heard: Heard | None = None
    """None without a second opinion, or where the reference faces are others."""


@dataclass(frozen=True, slots=True, eq=False)
class Judge:
    """Faces to judge a pair on, and whose errors count."""

    faces: Callable[[], CalibrationFaces]
    """Gives N of them, aligned to the pair's own template; asked once the pair is found fit."""
    recogniser: Recogniser | None = None
    """None: the pair's own dense network."""
    kept: Kept = field(default_factory=Kept)

    def merit(self, dense: Embeddings, pruned: Embeddings) -> Merit | None:
        """
        Return what the shift between two networks' raw embeddings of the faces is worth.

        None where hardly any comparison fails, so that nothing can be said.
        """
        return self.merit_of(-embedding_shift(dense, pruned), dense)

    def merit_of(self, quality: NDArray[np.floating], dense: Embeddings) -> Merit | None:
        """
        Return what any quality of the faces is worth, or None as `merit` does.

        Args:
            quality: (N,) higher is better.
            dense: (N, D) float32, raw, by the pair's own dense network.
        """
        errors_of = dense if self.recogniser is None else self.recogniser.embeddings
        norms = embedding_norms(errors_of)
        try:
            return SelfMade(self.faces(), unit_rows(errors_of)).merit(quality, norms)
        except CalibrationError:
            return None


def require_better(merit: Merit | None, recipe: str = "recipe") -> None:
    """
    Refuse a measure that is not better than the free embedding norm.

    Raises:
        NotBetterError: The ratio is 1 or more; the message has the figures and the way out.
    """
    if merit is not None and merit.ratio.value >= 1:
        raise NotBetterError(
            f"the {recipe} is not better than the free embedding norm: {merit_text(merit)}. Let "
            "'--recipe calibrate' look for another, allow it more ('edge-gate pair calibrate "
            "--cost 2.1'), take another measure ('--quality'), or take it all the same "
            "('--accept-worse')"
        )
