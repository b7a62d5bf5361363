"""
Does a scale that is anchored on errors mean the same on every network?

    python -m tests.bench.scale_by_errors --lfw DIR --cache DIR NETWORK=FAMILY ...

A logistic regression of the failure of self-made comparisons on the log shift of the worse golden
face tells the odds that a comparison fails; the score is 50 where one in ten does, and 20 where one
of two does. Beside it shares of golden faces that are worse, half of them degraded. On folds 1 and
2 of LFW, 40 % degraded: by how many points the share of faces that reach 30, 50 and 70 is off the
mean over networks, the fullest window of 8 points of faces of strength 4 and 5, and how many mated
comparisons fail at FMR 1e-3 whose worse face has 45 to 55. FAMILY names a candidate's family and
sparsity, as in 'dlib-resnet=layers 19 to 21@0.2'. Prints Markdown.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from engines.calibration.faces import CalibrationFaces
from engines.calibration.self_made import SelfMade
from engines.pruning.candidates import Candidate
from engines.quality.shift import unit_rows
from tests.bench.network_truth import Bed, Subject, Truth, bed_parser
from tests.bench.score_scale import fullest_window

FMRS = (1e-3, 1e-2)
THRESHOLDS = (30, 50, 70)
ONE_IN_TEN = float(np.log(1 / 9))
"""Log odds."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Row:
    """What a scale does on one network."""

    shares: list[float]
    """Per cent of the faces that reach each threshold."""
    fullest: float
    failing: float
    """Per cent of the mated comparisons about 50."""


def by_rank(golden: Floats, faces: CalibrationFaces, shift: Floats) -> Floats:
    """Return how many of 100 golden faces are worse; degraded and clean ones count alike."""
    clean = faces.clean
    weight = np.where(clean, 0.5 / clean.sum(), 0.5 / (~clean).sum())
    order = np.argsort(golden)
    return 100 * (1 - np.interp(shift, golden[order], np.cumsum(weight[order])))


def by_errors(golden: Floats, made: SelfMade, fmr: float, shift: Floats) -> Floats:
    """Return the score by the odds that a comparison fails."""
    mated = made._mated["other photograph"]
    fails = mated.score < made._threshold(fmr, np.ones(made._subjects))
    worse = np.log(np.maximum(golden[mated.first], golden[mated.second]))
    start, slope = _logistic(worse, fails.astype(np.float64), mated.weight)
    odds = start + slope * np.log(shift)
    return np.clip(50 - 30 * (odds - ONE_IN_TEN) / -ONE_IN_TEN, 0, 100)


def _logistic(values: Floats, happens: Floats, weight: Floats) -> Floats:
    """Newton's method for two coefficients."""
    known = np.stack((np.ones_like(values), values), axis=1)
    found = np.zeros(2)
    for _ in range(50):
        chance = 1 / (1 + np.exp(-known @ found))
        curve = (known.T * (weight * chance * (1 - chance))) @ known
        found += np.linalg.solve(curve + 1e-9 * np.eye(2), known.T @ (weight * (happens - chance)))
    return found


def rows_of(subject: Subject, wanted: Candidate) -> dict[str, Row]:
    """Return what each scale does on one network."""
    dense, golden = subject.tried("golden", [wanted])
    _, shift = subject.tried("choose", [wanted])
    faces = subject.known()
    made = SelfMade(faces, unit_rows(dense))
    known, seen = golden.astype(np.float64), shift.astype(np.float64)
    scores = {"share of golden faces": by_rank(known, faces, seen)}
    for fmr in FMRS:
        scores[f"errors at FMR {fmr:g}"] = by_errors(known, made, fmr, seen)
    truth = Truth(subject, "choose")
    return {name: _row(subject, score, truth) for name, score in scores.items()}


def _row(subject: Subject, score: Floats, truth: Truth) -> Row:
    strength = subject.strength("choose")
    worse = np.minimum(score[truth._first], score[truth._second])
    about = np.abs(worse - 50) < 5
    fails = truth._scores < truth._thresholds[1e-3]
    return Row(
        [100 * float((score[strength >= 0] >= at).mean()) for at in THRESHOLDS],
        100 * fullest_window(score[strength >= 4]),
        100 * float(fails[about].mean()),
    )


def lines(found: list[dict[str, Row]]) -> Iterator[str]:
    """Yield the table."""
    yield "| scale | off the mean at 30 | at 50 | at 70 | fullest 8 points | failing about 50 |"
    yield "|" + "---|" * 6
    for name in found[0]:
        rows = [each[name] for each in found]
        shares = np.array([row.shares for row in rows])
        off = np.abs(shares - shares.mean(axis=0)).max(axis=0)
        failing = ", ".join(f"{row.failing:.0f}" for row in rows)
        fullest = max(row.fullest for row in rows)
        yield f"| {name} | {' | '.join(f'{x:.0f}' for x in off)} | {fullest:.0f} | {failing} |"


def _wanted(subject: Subject, words: str) -> Candidate:
    family, sparsity = words.split("@")
    return next(
        each
        for each in subject.candidates()
        if (each.family, each.recipe.sparsity) == (family, float(sparsity))
        and (each.recipe.importance, each.recipe.structure) == ("channel", "weights")
    )


def main() -> None:
    """Print the table."""
    arguments = bed_parser(__doc__, "NETWORK=FAMILY").parse_args()
    with Progress() as progress:
        bed = Bed(arguments.lfw, arguments.cache, progress)
        found = []
        for each in arguments.networks:
            name, _, words = each.partition("=")
            subject = Subject.open(name, bed)
            found.append(rows_of(subject, _wanted(subject, words)))
    sys.stdout.writelines(f"{line}\n" for line in lines(found))


if __name__ == "__main__":
    main()
