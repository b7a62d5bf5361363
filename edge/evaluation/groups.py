"""What the gate does to groups of people: shares forwarded and errors of each. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.evaluation.curves import FMRS, View, compared_pairs
from edge.evaluation.group_list import Membership
from edge.evaluation.pair_list import PairList
from edge.evaluation.score_bands import Scoring, matched, quality_scores
from engines.biometrics.bootstrap import Estimate
from engines.biometrics.differentials import (
    Draws,
    Outcomes,
    People,
    quantiles,
    ratio_of_shares,
    variance_between,
)
from engines.errors import EvaluationError


@dataclass(frozen=True, slots=True)
class Errors:
    """False non-matches of one group at one false match rate of all pairs together."""

    fmr: float
    mated: int
    """Comparisons."""
    fnmr: Estimate | None
    """None without mated comparisons, or where the false match rate cannot be measured."""
    fnmr_forwarded: Estimate | None
    """Of the comparisons whose two images are forwarded."""


@dataclass(frozen=True, slots=True)
class GroupResult:
    """One group."""

    group: str
    people: int
    images: int
    forwarded: Estimate | None
    """Share of the images whose score reaches the threshold."""
    scores: Sequence[float]
    """Quality scores at 5, 25, 50, 75 and 95 % of the images."""
    errors: Sequence[Errors]


@dataclass(frozen=True, slots=True)
class MeasureResult:
    """One measure."""

    variance_between: Estimate | None
    """Share of its variance between people; the rest lies between their pictures."""
    ratio: Estimate | None
    """Lowest share of a group over the highest, at the value that as many images pass in all."""
    lowest: str
    """The group with that share."""
    highest: str


@dataclass(frozen=True, slots=True)
class GroupsResult:
    """All of it, on the images as they are."""

    threshold: float
    """Quality score."""
    forwarded: float
    """Share of all images that have a group."""
    without_group: int
    """Images that the file says nothing of; they count nowhere here."""
    groups: Sequence[GroupResult]
    measures: Mapping[str, MeasureResult]


@dataclass(frozen=True, slots=True, eq=False)
class Grouped:
    """The images that have a face and a group."""

    names: Sequence[str]
    person: NDArray[np.intp]
    """(N,) number of each image's person."""
    people: People
    groups: Sequence[str]
    """Names, by number."""


def judge_groups(
    view: View,
    pairs: PairList,
    members: Mapping[str, Membership],
    gate: tuple[Scoring, float],
    seed: int,
) -> GroupsResult:
    """
    Return what a threshold does to each group.

    Args:
        view: The images as they are.
        pairs: All pairs.
        members: Person and group by image name.
        gate: By what the pair scores, and the quality score from which an image is forwarded.
        seed: Of the bootstrap.

    Raises:
        EvaluationError: Of a group no face was found, or no pair remains.
    """
    grouped = _grouped(view, members)
    draws = grouped.people.draws(np.random.default_rng(seed))
    scoring, threshold = gate
    scores = quality_scores(_values(view, grouped, scoring.measure), scoring.mapping)
    passes = scores >= threshold
    compared = _compared(view, pairs, grouped, passes)
    groups = [
        _group(number, grouped, (scores, passes), compared, draws)
        for number in range(len(grouped.groups))
    ]
    measured = {name: _values(view, grouped, name) for name in _measures(view)}
    return GroupsResult(
        threshold=threshold,
        forwarded=float(passes.mean()),
        without_group=len(view.faces) - len(grouped.names),
        groups=groups,
        measures={
            name: _measure(values, grouped, int(passes.sum()), draws)
            for name, values in measured.items()
        },
    )


def _grouped(view: View, members: Mapping[str, Membership]) -> Grouped:
    names = [name for name in view.faces if name in members]
    everybody = sorted({(members[name].person, members[name].group) for name in names})
    number = {person: place for place, (person, _) in enumerate(everybody)}
    groups = sorted({each.group for each in members.values()})
    of_people = [groups.index(group) for _, group in everybody]
    if missing := [name for place, name in enumerate(groups) if place not in of_people]:
        raise EvaluationError(f"no face was found in any image of the group {missing[0]}")
    person = np.array([number[members[name].person] for name in names], np.intp)
    return Grouped(names, person, People(np.array(of_people, np.intp)), groups)


def _measures(view: View) -> Sequence[str]:
    return list(next(iter(view.faces.values())).qualities)


def _values(view: View, grouped: Grouped, measure: str) -> NDArray[np.float64]:
    return np.array([view.faces[name].qualities[measure] for name in grouped.names], np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class _Compared:
    """Mated comparisons of people with a group, at one false match rate."""

    fmr: float
    failed: Outcomes | None
    """None where the rate cannot be measured."""
    forwarded: NDArray[np.bool_]
    """(M,) True where both images are."""


def _compared(
    view: View, pairs: PairList, grouped: Grouped, passes: NDArray[np.bool_]
) -> list[_Compared]:
    """Return the same comparisons at each false match rate."""
    compared = compared_pairs("clean", pairs, [view])
    comparisons, ((_, shown),) = compared.comparisons, compared.seen
    place = {name: number for number, name in enumerate(grouped.names)}
    known = np.array([place.keys() >= set(pair) for pair in shown.pairs()], np.bool_)
    chosen = comparisons.mated & known
    kept = shown.of(chosen)
    first, second = (
        np.array([place[name] for name in names], np.intp) for names in (kept.first, kept.second)
    )
    mated, others = comparisons.score[chosen], comparisons.score[~comparisons.mated]

    def at(fmr: float) -> _Compared:
        matches = matched(mated, others, fmr)
        failed = None if matches is None else Outcomes(~matches, grouped.person[first])
        return _Compared(fmr, failed, passes[first] & passes[second])

    return [at(fmr) for fmr in FMRS]


def _group(
    number: int,
    grouped: Grouped,
    scored: tuple[NDArray[np.float64], NDArray[np.bool_]],
    compared: Sequence[_Compared],
    draws: Draws,
) -> GroupResult:
    scores, passes = scored
    inside = grouped.people.group[grouped.person] == number
    return GroupResult(
        group=grouped.groups[number],
        people=int((grouped.people.group == number).sum()),
        images=int(inside.sum()),
        forwarded=Outcomes(passes, grouped.person).share(grouped.people, number, draws),
        scores=quantiles(scores[inside]),
        errors=[_errors(number, grouped, each, draws) for each in compared],
    )


def _errors(number: int, grouped: Grouped, compared: _Compared, draws: Draws) -> Errors:
    failed = compared.failed
    if failed is None:
        return Errors(compared.fmr, 0, None, None)
    kept = Outcomes(failed.happened[compared.forwarded], failed.person[compared.forwarded])
    mated = int((grouped.people.group[failed.person] == number).sum())
    fnmr, among = (each.share(grouped.people, number, draws) for each in (failed, kept))
    return Errors(compared.fmr, mated, fnmr, among)


def _measure(
    values: NDArray[np.float64], grouped: Grouped, passing: int, draws: Draws
) -> MeasureResult:
    """Judge a measure at the value that lets as many images pass as the score's threshold does."""
    limit = np.sort(values)[::-1][passing - 1] if passing else np.inf
    outcomes = Outcomes(values >= limit, grouped.person)
    numbers = range(len(grouped.groups))
    shares = [outcomes.shares(grouped.people, number, draws)[0] for number in numbers]
    lowest, highest = int(np.argmin(shares)), int(np.argmax(shares))
    return MeasureResult(
        variance_between=variance_between(values, grouped.person, draws),
        ratio=ratio_of_shares(outcomes, grouped.people, lowest, highest, draws),
        lowest=grouped.groups[lowest],
        highest=grouped.groups[highest],
    )
