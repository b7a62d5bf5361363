"""What a threshold of one engine pair becomes on another of the same network and recipe."""

from dataclasses import dataclass

import numpy as np

from engines.errors import PairError
from engines.pair.manifest import Manifest


@dataclass(frozen=True, slots=True)
class CarriedThreshold:
    """Two scores that forward the same faces."""

    old: float
    """0 to 100, of the old pair."""
    shift: float
    """Largest embedding shift that both forward."""
    new: float
    """0 to 100, of the new pair."""


def carried_threshold(threshold: float, old: Manifest, new: Manifest) -> CarriedThreshold:
    """
    Return the score of the new pair that forwards the faces which the threshold did.

    Args:
        threshold: 0 to 100, on the scale of the old pair.
        old: Manifest of the pair it was chosen for.
        new: Manifest of the pair in use from now on.

    Raises:
        PairError: Another network, recipe, measure or second opinion: shifts cannot be compared.
    """
    for what, first, second in (
        ("network", old.network.source_sha256, new.network.source_sha256),
        ("recipe", old.recipe, new.recipe),
        ("measure", old.quality, new.quality),
        ("second opinion", _opinion(old), _opinion(new)),
    ):
        if first != second:
            raise PairError(
                f"pairs {old.pair_id} and {new.pair_id} have not the same {what}, so no score of "
                "one is a score of the other: run 'edge-gate tune' with the new pair"
            )
    shift = old.mapping.shift(threshold)
    return CarriedThreshold(threshold, shift, _score(new, shift))


def _opinion(manifest: Manifest) -> tuple[object, ...] | None:
    """Return what decides a second opinion, whatever runs it."""
    record = manifest.second_opinion
    if record is None:
        return None
    return record.source_sha256, record.specification, record.direction, record.shares, record.fused


def _score(manifest: Manifest, shift: float) -> float:
    exact = float(manifest.mapping.score(np.array([shift], np.float32))[0])
    # Rounded down: the same faces, and never fewer. 39.99999 is 40: a shift has float32's digits.
    return float(np.floor(10 * exact + 1e-3) / 10)
