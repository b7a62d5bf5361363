"""
Does calibration choose well on a network that none of its rules was chosen on?

    python -m tests.bench.leave_one_network_out --lfw DIR --cache DIR NETWORK NETWORK ...

NETWORK is a catalogue name or an entry file. Each in turn is left out: signal, tolerance and price
of the choice are those that choose best on the others (folds 1 and 2 of LFW); they choose for it on
the golden faces; and the chosen recipe is judged on folds 3 to 5 with other seeds, thresholds over
all comparisons of different people. What is embedded is kept below --cache. Prints Markdown.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from engines.biometrics.bootstrap import Estimate
from engines.biometrics.ranks import ranks, spearman
from engines.biometrics.variance import share_between
from engines.build.other_measures import advised
from engines.build.recognisability import UNRECOGNISABLE_FROM, held_out
from engines.calibration.self_made import FALSE_MATCH_RATES, KINDS, SelfMade
from engines.calibration.several_masks import affordable, several_masks
from engines.calibration.sweep import AGREEMENT_AT_LEAST, DEARER
from engines.catalogue.values import Quality
from engines.pair.acceptance import MEDIAN_SHIFT_AT_LEAST
from engines.pair.merit import Merit, estimate_text, of_masks, of_nothing_chosen
from engines.pruning.candidates import Candidate
from engines.pruning.named_recipes import find_recipe
from engines.pruning.recipe import COST_AT_MOST
from engines.quality.recognisability import fitted
from engines.quality.shift import embedding_norms, embedding_shift, mean_shift, unit_rows
from tests.bench.network_truth import Bed, Subject, Truth

GATE = "mobilefacenet512"
PRICES = (1.15, 1.5, 2.1)
MASKS = (1, 2, 3)
BEST = 3
"""Recipes of each network to show."""
TOLERANCES = (0.0, 0.01, 0.02, 0.05)


@dataclass(frozen=True, slots=True)
class Rule:
    """How a recipe is chosen."""

    signal: str
    tolerance: float
    price: float
    masks: int = 1
    """At most."""

    def text(self) -> str:
        masks = "" if self.masks == 1 else f", up to {self.masks} masks"
        return (
            f"{self.signal}, alike within {self.tolerance:g}, at most {self.price:g} times{masks}"
        )


@dataclass(frozen=True, slots=True, eq=False)
class Examined:
    """A network with what is known of each of its recipes."""

    subject: Subject
    candidates: tuple[Candidate, ...]
    """The fit ones, without the control."""
    signals: Mapping[str, NDArray[np.float64]]
    """By name: lower is better."""
    between: NDArray[np.float64]
    truth: Mapping[float, NDArray[np.float64]]
    """By FMR: ratios to the norm on the pairs that rules are chosen on."""

    def chosen(self, rule: Rule) -> int:
        """Return which candidate a rule takes."""
        cost = np.array([each.cost for each in self.candidates])
        masks = np.array([len(each.recipe.single) for each in self.candidates])
        allowed = (cost <= rule.price) & (masks <= rule.masks)
        signal = np.where(allowed, self.signals[rule.signal], np.inf)
        near = np.flatnonzero(signal <= signal.min() + rule.tolerance)
        near = near[cost[near] <= cost[near].min() + DEARER]
        return int(near[np.argmin(self.between[near])])

    def mean_truth(self, rule: Rule) -> float:
        at = self.chosen(rule)
        return float(np.mean([ratios[at] for ratios in self.truth.values()]))


def examined(subject: Subject) -> Examined:
    """Embed a network's golden faces and labelled photographs with every recipe."""
    tried = subject.candidates()
    dense, *shifts = subject.tried("golden", tried)
    _, *true_shifts = subject.tried("choose", tried)
    faces = subject.known()
    fit = [
        n
        for n, each in enumerate(tried)
        if each.recipe.importance != "random"
        and subject.agreement(each) >= AGREEMENT_AT_LEAST
        and np.median(shifts[n][faces.clean]) >= MEDIAN_SHIFT_AT_LEAST
    ]
    made = SelfMade(faces, unit_rows(dense))
    norms = embedding_norms(dense)
    truth = Truth(subject, "choose")
    taken = [tried[n] for n in fit]
    both = _several_masks(taken, [made.area(-shifts[n]) for n in fit])
    _, *shifts = subject.tried("golden", [*taken, *both])
    _, *true_shifts = subject.tried("choose", [*taken, *both])
    return Examined(
        subject,
        (*taken, *both),
        _signals(made, norms, shifts, faces.clean),
        np.array([_between(shift[faces.clean], faces.subject[faces.clean]) for shift in shifts]),
        {
            fmr: np.array([truth.area(-shift, fmr) for shift in true_shifts])
            / truth.area(truth.norms, fmr)
            for fmr in FALSE_MATCH_RATES
        },
    )


def _several_masks(taken: Sequence[Candidate], areas: Sequence[float]) -> list[Candidate]:
    """Return two and three of those that would finish a race, a quarter, and prune other layers."""
    cheap = [n for n, each in enumerate(taken) if each.cost <= COST_AT_MOST]
    finished = sorted(cheap, key=lambda n: areas[n])[: -(-len(cheap) // 4)]
    some = [taken[n] for n in sorted(finished)]
    return [several_masks([some[at] for at in chosen]) for chosen in affordable(some, max(PRICES))]


def _signals(
    made: SelfMade,
    norms: NDArray[np.float64],
    shifts: Sequence[NDArray[np.float32]],
    clean: NDArray[np.bool_],
) -> dict[str, NDArray[np.float64]]:
    opponent = made.parts(norms)
    parts = [made.parts(-shift) for shift in shifts]
    found = {
        f"{kind}, {fmr:g}": np.array([each[kind, fmr] / opponent[kind, fmr] for each in parts])
        for kind, fmr in product(KINDS, FALSE_MATCH_RATES)
        if (kind, fmr) in opponent
    }
    whole = made.area(norms)
    found["mean of all"] = np.array([made.area(-shift) / whole for shift in shifts])
    found["separation (former)"] = -np.array([_separation(shift, clean) for shift in shifts])
    return found


def _separation(shift: NDArray[np.float32], clean: NDArray[np.bool_]) -> float:
    degraded = int((~clean).sum())
    above = ranks(shift.astype(np.float64))[~clean].sum() - degraded * (degraded + 1) / 2
    return float(above / (degraded * int(clean.sum())))


def _between(shift: NDArray[np.float32], people: NDArray[np.intp]) -> float:
    share = share_between(ranks(shift.astype(np.float64)), people)
    return 1.0 if share is None else share


def best_rule(others: Sequence[Examined]) -> Rule:
    """Return the rule that chooses best on these networks."""
    signals = set.intersection(*(set(each.signals) for each in others))
    rules = (Rule(*each) for each in product(sorted(signals), TOLERANCES, PRICES, MASKS))
    return min(rules, key=lambda rule: float(np.mean([each.mean_truth(rule) for each in others])))


def lines(every: Sequence[Examined]) -> Iterator[str]:
    """Yield the tables."""
    yield from _rank_lines(every)
    yield ""
    yield from _best_lines(every)
    yield ""
    yield from _choice_lines(every)
    yield ""
    yield from _measure_lines(every)
    yield ""
    yield from _advice_lines(every)
    yield ""
    yield from _opponent_lines(every)


def _rank_lines(every: Sequence[Examined]) -> Iterator[str]:
    names = list(every[0].signals)
    yield f"| network | recipes | {' | '.join(names)} |"
    yield "|---|---|" + "---|" * len(names)
    for each in every:
        cells = []
        for name in names:
            values = [f"{spearman(each.signals[name], true):+.2f}" for true in each.truth.values()]
            cells.append(" / ".join(values))
        yield f"| `{each.subject.name}` | {len(each.candidates)} | {' | '.join(cells)} |"


def _best_lines(every: Sequence[Examined]) -> Iterator[str]:
    yield "| network | recipe | price | people | estimate | FMR 1e-2 | FMR 1e-3 |"
    yield "|---|---|---|---|---|---|---|"
    for each in every:
        order = np.argsort(sum(each.truth.values()))
        for at in order[:BEST]:
            true = " | ".join(f"{ratios[at]:.2f}" for ratios in each.truth.values())
            yield f"| `{each.subject.name}` | {_facts(each, int(at))} | {true} |"


def _facts(each: Examined, at: int) -> str:
    taken = each.candidates[at]
    if taken.recipe.masks:
        return " | ".join((taken.family, *_figures(each, at)))
    structure = "" if taken.recipe.structure == "weights" else f" {taken.recipe.structure}"
    name = f"{taken.family}, {taken.recipe.importance}{structure} {taken.recipe.sparsity:g}"
    return " | ".join((name, *_figures(each, at)))


def _figures(each: Examined, at: int) -> tuple[str, str, str]:
    cost, estimate = each.candidates[at].cost, each.signals["mean of all"][at]
    return f"{cost:.2f}", f"{each.between[at]:.2f}", f"{estimate:.2f}"


def _choice_lines(every: Sequence[Examined]) -> Iterator[str]:
    yield (
        "| left out | rule chosen on the others | it takes | price | people | estimate | "
        "FMR 1e-2 | FMR 1e-3 | former choice | gate |"
    )
    yield "|" + "---|" * 10
    gate = _gate_quality(every)
    for each in every:
        rule = best_rule([other for other in every if other is not each])
        at, former = each.chosen(rule), each.chosen(Rule("separation (former)", 0.01, 1.15))
        _, *shifts = each.subject.tried("judge", [each.candidates[n] for n in (at, former)])
        judged = Truth(each.subject, "judge")
        ratios = [[judged.ratio(-shift, fmr) for fmr in FALSE_MATCH_RATES] for shift in shifts]
        beside = "itself"
        if each.subject.name != GATE:
            quality = _at(each.subject, gate)
            beside = _texts([judged.ratio(quality, fmr) for fmr in FALSE_MATCH_RATES])
        cells = [
            f"`{each.subject.name}`",
            rule.text(),
            _facts(each, at),
            *(estimate_text(one) for one in ratios[0]),
            _texts(ratios[1]),
            beside,
        ]
        yield f"| {' | '.join(cells)} |"


def _advice_lines(every: Sequence[Examined]) -> Iterator[str]:
    """Yield what the build would say of the choice for a network left out, and what comes of it."""
    yield (
        "| left out | of own | of recognisability | of both | of gate | it advises | "
        "FMR 1e-2 | 1e-3 |"
    )
    yield "|" + "---|" * 8
    for each in every:
        says, true, judged = _measures(every, each)
        best = advised(says["own"], {k: v for k, v in says.items() if k != "own"})
        cells = [
            f"`{each.subject.name}`",
            *(f"{estimate_text(one.ratio)} {one.verdict}" for one in says.values()),
            *(["itself"] if len(says) < len(true) - 1 else []),
            f"`{best}`",
            *(estimate_text(judged.ratio(true[best], fmr)) for fmr in FALSE_MATCH_RATES),
        ]
        yield f"| {' | '.join(cells)} |"


def _measure_lines(every: Sequence[Examined]) -> Iterator[str]:
    """Yield what each measure is worth on the people and the network that nothing was chosen on."""
    yield "| left out | own | recognisability | both | gate |"
    yield "|" + "---|" * 5
    for each in every:
        says, true, judged = _measures(every, each)
        cells = [
            _texts([judged.ratio(true[name], fmr) for fmr in FALSE_MATCH_RATES])
            if name in says
            else "itself"
            for name in true
            if name != "norm"
        ]
        yield f"| `{each.subject.name}` | {' | '.join(cells)} |"


def _measures(
    every: Sequence[Examined], each: Examined
) -> tuple[dict[Quality, Merit], dict[Quality, NDArray[np.floating]], Truth]:
    """Return what the build says of each measure, its values on labelled faces, and their truth."""
    subject, faces = each.subject, each.subject.known()
    taken = each.candidates[each.chosen(best_rule([o for o in every if o is not each]))]
    dense, shift = subject.tried("golden", [taken])
    labelled, judged_shift = subject.tried("judge", [taken])
    judged = Truth(subject, "judge")
    made, norms = SelfMade(faces, unit_rows(dense)), embedding_norms(dense)
    few = embedding_shift(dense, held_out(dense, faces))
    bad, good = dense[faces.strength >= UNRECOGNISABLE_FROM], dense[faces.clean]
    alone = embedding_shift(labelled, fitted(bad, good).moved(labelled))
    masks = len(taken.recipe.single)
    says: dict[Quality, Merit] = {
        "own": of_masks(made.merit(-shift, norms), masks),
        "recognisability": of_nothing_chosen(made.merit(-few, norms)),
        "both": of_masks(made.merit(-mean_shift((shift, few)), norms), masks),
    }
    gate, wanted = _gate(every)
    if each is not gate:
        _, gate_shift = gate.subject.tried("golden", [wanted])
        says["gate"] = made.merit(-gate_shift, norms)
    true: dict[Quality, NDArray[np.floating]] = {
        "own": -judged_shift,
        "recognisability": -alone,
        "both": -mean_shift((judged_shift, alone)),
        "gate": _at(subject, _gate_quality(every)),
        "norm": judged.norms,
    }
    return says, true, judged


def _opponent_lines(every: Sequence[Examined]) -> Iterator[str]:
    """Yield what the gate's quality is over either norm: of the recogniser, and the gate's own."""
    yield "| recogniser | over its norm | over the gate's norm |"
    yield "|---|---|---|"
    gate, _ = _gate(every)
    dense, *_ = gate.subject.tried("judge", ())
    keys = gate.subject.keys("judge")
    norm = dict(zip(keys, embedding_norms(dense).tolist(), strict=True))
    quality = _gate_quality(every)
    for each in (one for one in every if one is not gate):
        judged = Truth(each.subject, "judge")
        found = _at(each.subject, quality)
        cells = [
            " / ".join(
                f"{judged.area(found, fmr) / judged.area(opponent, fmr):.2f}"
                for fmr in FALSE_MATCH_RATES
            )
            for opponent in (judged.norms, _at(each.subject, norm))
        ]
        yield f"| `{each.subject.name}` | {' | '.join(cells)} |"


def _texts(estimates: Sequence[Estimate]) -> str:
    return " / ".join(estimate_text(each) for each in estimates)


def _gate(every: Sequence[Examined]) -> tuple[Examined, Candidate]:
    """Return the gate's own network and its recipe `fast`."""
    gate = next(each for each in every if each.subject.name == GATE)
    wanted = next(
        each
        for each in gate.candidates
        if each.recipe == replace(find_recipe(GATE), layers=each.recipe.layers)
        and each.family == "last layer"
    )
    return gate, wanted


def _gate_quality(every: Sequence[Examined]) -> dict[tuple[str, int | None], float]:
    """Return the quality that the gate's own network gives each face, by what the face is."""
    gate, wanted = _gate(every)
    _, shift = gate.subject.tried("judge", [wanted])
    return dict(zip(gate.subject.keys("judge"), (-shift).tolist(), strict=True))


def _at(subject: Subject, quality: Mapping[tuple[str, int | None], float]) -> NDArray[np.float64]:
    """Return the qualities in the order of another network's faces; one that has none is worst."""
    worst = min(quality.values())
    return np.array([quality.get(key, worst) for key in subject.keys("judge")])


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("networks", nargs="+", metavar="NETWORK")
    parser.add_argument("--lfw", type=Path, required=True, metavar="DIR")
    parser.add_argument("--cache", type=Path, required=True, metavar="DIR")
    arguments = parser.parse_args()
    with Progress() as progress:
        bed = Bed(arguments.lfw, arguments.cache, progress)
        every = [examined(Subject.open(name, bed)) for name in arguments.networks]
        text = "\n".join(lines(every))
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
