"""
Of which reference faces should scores be shares, and should some of them count more than others?

    python -m tests.bench.reference_forms --lfw DIR --cache DIR NETWORK NETWORK ...

For each network the recipe that a rule chosen on the others takes, and recognisability, and both;
and ten recipes of the better forty, of which one of each network is drawn, 300 times. By how many
points the share of the faces that reach 30, 50 and 70 is off the mean over networks, and how many
of those of strength 4 and 5 the fullest window of 8 points holds, on folds 1 and 2 and on folds 3
to 5; and the shares themselves where each face counts alike. Networks, photographs and what is kept
below --cache are those of `leave_one_network_out`. Prints Markdown.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from engines.build.recognisability import held_out_of_first
from engines.build.reference_faces import reference_copies
from engines.calibration.faces import CalibrationFaces
from engines.quality.shift import embedding_shift, mean_shift
from tests.bench.choice_rules import Examined, best_rule, examined
from tests.bench.left_out import measures
from tests.bench.network_truth import SEEDS, Bed, Subject, bed_parser
from tests.bench.score_scale import fullest_window

MEASURES = ("own", "both", "recognisability")
THRESHOLDS = (30, 50, 70)
BETTER, EACH, DRAWS = 40, 4, 300
BAD = 4
"""Strength from which a face is a bad one."""

Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Form:
    """What reference faces count, by share of the whole."""

    name: str
    clean: float = 1 / 7
    unposed: float | None = None
    """None: as many as there are."""
    strong: float | None = None
    """Of the degraded ones, those of strength 4 and 5; None: as they come."""

    def weight(self, faces: CalibrationFaces, posed: int) -> Floats:
        """Return what each face counts, of which the first `posed` are posed."""
        unposed = np.arange(len(faces.images)) >= posed
        share = unposed.mean() if self.unposed is None else self.unposed
        found = np.zeros(len(faces.images))
        for kind, of_kind in ((~unposed, 1 - share), (unposed, share)):
            for chosen, of_sort in self._sorts(faces.strength):
                some = chosen & kind
                found[some] = of_kind * of_sort / some.sum()
        return found

    def _sorts(self, strength: NDArray[np.intp]) -> Iterator[tuple[NDArray[np.bool_], float]]:
        yield strength == 0, self.clean
        if self.strong is None:
            yield strength > 0, 1 - self.clean
            return
        yield (strength > 0) & (strength < BAD), (1 - self.clean) * (1 - self.strong)
        yield strength >= BAD, (1 - self.clean) * self.strong


FORMS = (
    Form("each counts alike"),
    Form("half undegraded, half unposed (version 2)", 0.5, 0.5),
    Form("half undegraded", 0.5),
    Form("posed ones alone", unposed=0),
    Form("posed alone, 20 % undegraded, of the degraded 60 % strong", 0.2, 0, 0.6),
    Form("30 % unposed", unposed=0.3),
    Form("half of the degraded strong", strong=0.5),
    Form("15 % unposed, 10 % undegraded, half of the degraded strong", 0.1, 0.15, 0.5),
)


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """One measure of one network."""

    reference: Floats
    """(N,) shifts of the reference faces."""
    seen: Mapping[str, Floats]
    """By half of LFW."""


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """What there is of one network."""

    faces: CalibrationFaces
    posed: int
    strength: Mapping[str, NDArray[np.intp]]
    """By half of LFW: of each face that counts, and -1 for one that does not."""
    measures: Mapping[str, Measured]
    drawn: Sequence[Measured]

    def row(self, form: Form, measured: Measured, which: str) -> tuple[list[float], float]:
        """Return per cent that reach each threshold, and of bad faces in the fullest window."""
        weight, strength = form.weight(self.faces, self.posed), self.strength[which]
        order = np.argsort(measured.reference)
        below = np.cumsum(weight[order]) - weight[order] / 2
        score = 100 * (1 - np.interp(measured.seen[which], measured.reference[order], below))
        shares = [100 * float((score[strength >= 0] >= at).mean()) for at in THRESHOLDS]
        return shares, 100 * fullest_window(score[strength >= BAD])


def known_of(every: Sequence[Examined], each: Examined) -> Known:
    """Embed the reference faces by every recipe that is looked at."""
    subject = each.subject
    specification = subject.network.specification
    faces = reference_copies(subject.known(), specification)
    taken = each.candidates[each.chosen(best_rule([one for one in every if one is not each]))]
    order = np.argsort(each.signals["mean of all"])[:BETTER:EACH]
    drawn = [each.candidates[int(at)] for at in order]
    dense, own, *others = subject.embedded([taken, *drawn], faces.images)
    alone = embedding_shift(dense, held_out_of_first(dense, subject.known()))
    shifts = {"own": own, "recognisability": alone, "both": mean_shift((own, alone))}
    found = measures(every, each).values
    seen = {which: subject.tried(which, drawn)[1:] for which in SEEDS}
    return Known(
        faces,
        len(subject.known().images),
        {which: subject.strength(which) for which in SEEDS},
        {
            name: Measured(
                shifts[name].astype(np.float64),
                {which: -found[which][name].astype(np.float64) for which in SEEDS},
            )
            for name in MEASURES
        },
        [
            Measured(
                others[at].astype(np.float64),
                {which: seen[which][at].astype(np.float64) for which in SEEDS},
            )
            for at in range(len(drawn))
        ],
    )


def _off(shares: Sequence[Sequence[float]]) -> Floats:
    every = np.array(shares)
    found: Floats = np.abs(every - every.mean(axis=0)).max(axis=0)
    return found


def lines(networks: Sequence[Known]) -> Iterator[str]:
    """Yield the table."""
    yield "| form | of | folds 1 and 2 | folds 3 to 5 |"
    yield "|---|---|---|---|"
    for form in FORMS:
        for name in MEASURES:
            cells = [_cell(networks, form, name, which) for which in SEEDS]
            yield f"| {form.name} | {name} | {' | '.join(cells)} |"
        drawn = [_drawn(networks, form, which) for which in SEEDS]
        yield f"| {form.name} | recipes drawn | {' | '.join(drawn)} |"


def share_lines(names: Sequence[str], networks: Sequence[Known]) -> Iterator[str]:
    """Yield the table of what reaches 30, 50 and 70 where each face counts alike (folds 3 to 5)."""
    yield f"| measure | {' | '.join(f'`{name}`' for name in names)} | furthest from the mean |"
    yield "|---|" + "---|" * (len(names) + 1)
    for name in MEASURES:
        rows = [each.row(FORMS[0], each.measures[name], "judge") for each in networks]
        cells = [f"{_text(np.array(shares), ' ')}; {window:.0f}" for shares, window in rows]
        off = _text(_off([shares for shares, _ in rows]))
        yield f"| `{name}` | {' | '.join(cells)} | {off} |"


def _cell(networks: Sequence[Known], form: Form, name: str, which: str) -> str:
    rows = [each.row(form, each.measures[name], which) for each in networks]
    fullest = " ".join(f"{window:.0f}" for _, window in rows)
    return f"{fullest}; {_text(_off([shares for shares, _ in rows]))}"


def _drawn(networks: Sequence[Known], form: Form, which: str) -> str:
    rows = [[each.row(form, one, which) for one in each.drawn] for each in networks]
    random = np.random.default_rng(0)
    off, fullest = [], []
    for _ in range(DRAWS):
        some = [row[random.integers(len(row))] for row in rows]
        off.append(_off([shares for shares, _ in some]))
        fullest.append(max(window for _, window in some))
    usual, most = np.median(off, axis=0), np.quantile(off, 0.9, axis=0)
    return f"{np.median(fullest):.0f}; {_text(usual)}, one in ten {_text(most)}"


def _text(values: Floats, between: str = ", ") -> str:
    return between.join(f"{each:.0f}" for each in values)


def main() -> None:
    """Print the table."""
    arguments = bed_parser(__doc__).parse_args()
    with Progress() as progress:
        bed = Bed(arguments.lfw, arguments.cache, progress)
        every = [examined(Subject.open(name, bed)) for name in arguments.networks]
        networks = [known_of(every, each) for each in every]
    names = [each.subject.name for each in every]
    every_line = (*lines(networks), "", *share_lines(names, networks))
    sys.stdout.writelines(f"{line}\n" for line in every_line)


if __name__ == "__main__":
    main()
