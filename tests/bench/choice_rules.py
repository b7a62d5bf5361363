"""Rules by which calibration could choose, and what is known of a network's recipes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from engines.biometrics.ranks import ranks
from engines.biometrics.variance import share_between
from engines.calibration.self_made import FALSE_MATCH_RATES, KINDS, SelfMade
from engines.calibration.several_masks import affordable, several_masks
from engines.calibration.sweep import AGREEMENT_AT_LEAST, DEARER
from engines.pair.acceptance import MEDIAN_SHIFT_AT_LEAST
from engines.pruning.candidates import Candidate
from engines.pruning.recipe import COST_AT_MOST
from engines.quality.shift import embedding_norms, unit_rows
from tests.bench.network_truth import Subject, Truth

PRICES = (1.15, 1.5, 2.1)
MASKS = (1, 2, 3)
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
