"""What share of mated comparisons still succeeds at each quality score. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from edge.evaluation.curves import FMRS, Compared
from engines.biometrics.comparisons import threshold_at_fmr
from engines.biometrics.edc import Qualities
from engines.errors import EvaluationError
from engines.pair.manifest import Manifest
from engines.quality.score_mapping import ScoreMapping

SHIFT, FUSED = "prefiqs", "fused"
"""The measures that a quality score may be made of."""
EDGES = (0, 10, 15, 20, 25, 30, 40, 50, 100)


@dataclass(frozen=True, slots=True)
class Scoring:
    """What the quality score of a pair is made of."""

    measure: str
    """`prefiqs`, or `fused` of a pair with a second opinion."""
    mapping: ScoreMapping
    """From the shift that the measure tells to the score."""


def scoring_of(manifest: Manifest) -> Scoring:
    """Return by what a pair scores, in the gate as here."""
    return Scoring(FUSED if manifest.second_opinion else SHIFT, manifest.mapping)


@dataclass(frozen=True, slots=True)
class Band:
    """Comparisons whose poorer image scores between two quality scores."""

    low: float
    high: float
    """Not included, but for the last."""
    mated: int
    """Comparisons."""
    succeeded: Mapping[str, float | None]
    """Share of them that match, by FMR; None where there are none, or the FMR is not measurable."""


def score_bands(compared: Compared, scoring: Scoring) -> tuple[Band, ...]:
    """
    Return how comparisons of each quality end, at thresholds of all comparisons together.

    Args:
        compared: With the measure that the quality score is made of.
        scoring: Names it.
    """
    comparisons = compared.comparisons
    scores = quality_scores(compared.qualities(scoring.measure), scoring.mapping)[comparisons.mated]
    mated = comparisons.score[comparisons.mated]
    others = comparisons.score[~comparisons.mated]
    matches = {f"{fmr:g}": matched(mated, others, fmr) for fmr in FMRS}
    return tuple(_band(low, high, scores, matches) for low, high in pairwise(EDGES))


def quality_scores(qualities: Qualities, mapping: ScoreMapping) -> NDArray[np.float64]:
    """Return the (N,) quality scores, in [0, 100], of a measure that is made of shifts."""
    shift = 2 * (1 - qualities)
    return mapping.score(shift.astype(np.float32))


def matched(
    mated: NDArray[np.float64], non_mated: NDArray[np.float64], fmr: float
) -> NDArray[np.bool_] | None:
    """Return (M,) which mated comparisons match; None where the rate cannot be measured."""
    try:
        return mated >= threshold_at_fmr(non_mated, fmr)
    except EvaluationError:
        return None


def _band(
    low: float,
    high: float,
    scores: NDArray[np.float64],
    matches: Mapping[str, NDArray[np.bool_] | None],
) -> Band:
    inside = (scores >= low) & ((scores < high) | (high == EDGES[-1]))
    mated = int(inside.sum())
    succeeded = {
        fmr: None if each is None or not mated else float(each[inside].mean())
        for fmr, each in matches.items()
    }
    return Band(low, high, mated, succeeded)


def bands_table(name: str, bands: Sequence[Band]) -> Table:
    """Return the bands of one set of images as a table."""
    table = Table(title=f"mated comparisons of {name} images by the score of the poorer image")
    rates = list(bands[0].succeeded)
    for heading in ("score", "mated", *(f"succeed at FMR {fmr}" for fmr in rates)):
        table.add_column(heading)
    for band in bands:
        shares = [band.succeeded[fmr] for fmr in rates]
        cells = ("undefined" if share is None else f"{share:.0%}" for share in shares)
        table.add_row(f"{band.low:g} to {band.high:g}", str(band.mated), *cells)
    return table
