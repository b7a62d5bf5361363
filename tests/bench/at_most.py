"""
How good could a quality for one network's errors be at all?

    python -m tests.bench.at_most --lfw DIR --cache DIR NETWORK NETWORK ...

For each network, over its own norm, on folds 3 to 5 of LFW (seed 21), what no build can have: a
linear quality of everything that is measured here, trained on the labels of folds 1 and 2; the mean
over all networks; faces in the order of the least similarity of their own mated comparisons; and
comparisons in the order of their similarity, so that each error is discarded first. Prints
Markdown. What is embedded is kept below --cache, as by `leave_one_network_out`.
"""

import sys
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from engines.calibration.self_made import FALSE_MATCH_RATES, _partial_area, last_of_each
from engines.pair.merit import estimate_text
from engines.quality.shift import unit_rows
from tests.bench.choice_rules import Examined, examined
from tests.bench.left_out import Measured, in_order, measures
from tests.bench.network_truth import SEEDS, Bed, Subject, Truth, bed_parser

OF_A_NETWORK = ("own", "recognisability")
PENALTIES = (1.0, 10.0, 100.0, 1000.0)
"""Of the ridge regression; the best on the judged people is taken, which flatters it."""

Floats = NDArray[np.floating]


def lines(every: Sequence[Examined]) -> Iterator[str]:
    """Yield the table."""
    yield (
        "| errors of | best single measure | all networks' shifts and recognisabilities | "
        "trained on labels | faces by their least similarity | each error first |"
    )
    yield "|---|---|---|---|---|---|"
    found = [measures(every, each) for each in every]
    for each, measured in zip(every, found, strict=True):
        truth = measured.truth["judge"]
        of_all = {which: _of_all(each.subject, every, found, which) for which in SEEDS}
        single = [each for each in measured.values["judge"] if each != "norm"]
        best = min(single, key=lambda name: _mean(truth, measured.values["judge"][name]))
        cells = (
            f"`{best}` {_text(truth, measured.values['judge'][best])}",
            _text(truth, of_all["judge"].mean(axis=1)),
            _text(truth, _trained(each.subject, measured, of_all)),
            _text(truth, _least(truth)),
            " / ".join(f"{_errors_first(truth, fmr):.2f}" for fmr in FALSE_MATCH_RATES),
        )
        yield f"| `{each.subject.name}` | {' | '.join(cells)} |"


def _of_all(
    subject: Subject, every: Sequence[Examined], found: Sequence[Measured], which: str
) -> Floats:
    """Return (N, M) logarithms of what all networks say of one network's faces, standardised."""
    columns = []
    for each, measured in zip(every, found, strict=True):
        keys = each.subject.keys(which)
        for name in OF_A_NETWORK:
            values = dict(zip(keys, measured.values[which][name].tolist(), strict=True))
            columns.append(-np.log(-in_order(subject, values, which)))
    return _standardised(np.stack(columns, axis=1))


def _trained(subject: Subject, measured: Measured, of_all: dict[str, Floats]) -> Floats:
    """Return what a ridge regression of the least similarity foretells on other people."""
    seen = {which: _seen(subject, which, of_all[which]) for which in SEEDS}
    target = _least(measured.truth["choose"])
    compared = np.isfinite(target)
    rows, wanted = seen["choose"][compared], target[compared]
    foretold = [
        seen["judge"]
        @ np.linalg.solve(
            rows.T @ rows + penalty * np.eye(rows.shape[1]), rows.T @ (wanted - wanted.mean())
        )
        for penalty in PENALTIES
    ]
    return min(foretold, key=lambda quality: _mean(measured.truth["judge"], quality))


def _seen(subject: Subject, which: str, of_all: Floats) -> Floats:
    """Return what the regression knows of each face: embedding, norm, and all measures."""
    (dense,) = subject.tried(which, ())
    norm = np.log(np.linalg.norm(dense, axis=1))[:, None]
    directions = unit_rows(dense) * np.sqrt(dense.shape[1])
    return np.concatenate((_standardised(norm), directions, of_all), axis=1)


def _standardised(columns: Floats) -> Floats:
    return np.asarray((columns - columns.mean(axis=0)) / columns.std(axis=0))


def _least(truth: Truth) -> Floats:
    """Return of each face the least similarity of its mated comparisons; infinite without any."""
    least = np.full(len(truth.norms), np.inf)
    for side in (truth._first, truth._second):
        np.minimum.at(least, side, truth._scores)
    return least


def _errors_first(truth: Truth, fmr: float) -> float:
    """Return the area over the norm's where comparisons are discarded by their similarity."""
    scores = np.sort(truth._scores)
    failing = (scores < truth._thresholds[fmr]).astype(np.float64)
    area = _partial_area(last_of_each(scores), np.ones(scores.size), failing)
    return area / truth.area(truth.norms, fmr)


def _mean(truth: Truth, quality: Floats) -> float:
    return float(np.mean([truth.area(quality, fmr) for fmr in FALSE_MATCH_RATES]))


def _text(truth: Truth, quality: Floats) -> str:
    return " / ".join(estimate_text(truth.ratio(quality, fmr)) for fmr in FALSE_MATCH_RATES)


def main() -> None:
    """Print the table."""
    arguments = bed_parser(__doc__).parse_args()
    with Progress() as progress:
        bed = Bed(arguments.lfw, arguments.cache, progress)
        every = [examined(Subject.open(name, bed)) for name in arguments.networks]
        sys.stdout.writelines(f"{line}\n" for line in lines(every))


if __name__ == "__main__":
    main()
