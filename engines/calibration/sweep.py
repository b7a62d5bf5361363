"""
Find a recipe for a network on faces of whom little is known.

Each candidate is judged by:

* merit: whether its shift foretells, better than the free embedding norm, which comparisons among
  the faces and their degraded copies fail (`engines.calibration.self_made`);
* agreement: whether the pruned network still orders pairs of faces as the dense one does (Spearman
  correlation of their cosines), so that it has not collapsed;
* median shift: it must be above the rounding floor.

It is a race: all candidates run on the faces of some people, the better half on those of more
(successive halving; Jamieson and Talwalkar, arXiv 1502.07943).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from engines.biometrics.ranks import spearman
from engines.calibration.bench import Bench
from engines.calibration.faces import CalibrationFaces
from engines.calibration.self_made import SelfMade, between_people
from engines.errors import CalibrationError
from engines.graph.network import Network
from engines.pair.acceptance import MEDIAN_SHIFT_AT_LEAST
from engines.pair.merit import Merit
from engines.pruning.candidates import Candidate
from engines.quality.shift import embedding_norms, embedding_shift, unit_rows
from engines.quality.specification import Embeddings

AGREEMENT_AT_LEAST = 0.9
"""Spearman correlation of dense and pruned cosines below which a network counts as collapsed."""

AGREEMENT_FACES = 200
"""Clean faces that it is computed over: 19,900 pairs."""

ALIKE = 0.01
"""Ratios to the norm no further apart are not told apart by the golden faces."""

DEARER = 0.1
"""Costs no further apart count as the same."""

LAPS = (0.25, 0.5, 1.0)
"""Shares of the people that the race has seen after each lap."""
SEED = 0
"""Of the order in which people join the race."""


@dataclass(frozen=True, slots=True, eq=False)
class Signals:
    """What a candidate did."""

    candidate: Candidate
    agreement: float
    """Spearman correlation of dense and pruned cosines of clean faces; 1 is the same order."""
    shift: NDArray[np.float32]
    """(n,) of the first n faces: all of them, unless it left the race."""
    median_shift: float
    """Of clean faces, in [0, 2]."""
    ratio: float | None = None
    """Figure of merit over that of the norm on the same faces; below 1 is better than the norm."""
    between: float | None = None
    """Share of the variance of clean faces' ranks that lies between people; smaller is fairer."""

    @property
    def fault(self) -> str | None:
        """Why the candidate may not be taken; None if it may."""
        if self.median_shift < MEDIAN_SHIFT_AT_LEAST:
            return "did not move"
        if self.agreement < AGREEMENT_AT_LEAST:
            return "collapsed"
        return None


@dataclass(frozen=True, slots=True, eq=False)
class Sweep:
    """Every candidate on the same N faces."""

    faces: CalibrationFaces
    """In the order of the shifts."""
    embeddings: NDArray[np.float64]
    """(N, D) unit rows of the dense network."""
    norms: NDArray[np.float64]
    """(N,) norms of the raw dense embeddings: the free opponent; higher is better."""
    signals: tuple[Signals, ...]
    """In the order tried."""

    @property
    def between(self) -> float | None:
        """Share of the variance of the norm's ranks that lies between people."""
        return between_people(self.norms, self.faces)

    def finished(self) -> tuple[Signals, ...]:
        """Return those that may be taken: fit, and in the race to its end."""
        whole = len(self.norms)
        return tuple(each for each in self.signals if not each.fault and each.shift.size == whole)

    def merit(self, chosen: Signals) -> Merit:
        """Return what a candidate that finished is worth, with intervals."""
        return SelfMade(self.faces, self.embeddings).merit(-chosen.shift, self.norms)


def sweep(
    network: Network,
    tried: Sequence[Candidate],
    faces: CalibrationFaces,
    threads: int = 1,
    progress: Progress | None = None,
) -> Sweep:
    """
    Embed all faces with every candidate and judge nothing but whether it is fit.

    Args:
        network: Compacted, as it will run.
        tried: From `candidates`.
        faces: Clean and degraded.
        threads: Of each network call.
        progress: A running display of the caller's; None shows nothing.

    Raises:
        CalibrationError: There is no candidate.
        EmbeddingError: A network gives an embedding without direction.
    """
    _require_some(tried)
    bench = Bench(network, threads, progress or Progress(disable=True))
    dense, *pruned = bench.embedded(tried, faces.images)
    signals = [_signals(each, dense, rows, faces) for each, rows in zip(tried, pruned, strict=True)]
    return Sweep(faces, unit_rows(dense), embedding_norms(dense), tuple(signals))


def race(
    network: Network,
    tried: Sequence[Candidate],
    faces: CalibrationFaces,
    threads: int = 1,
    progress: Progress | None = None,
) -> Sweep:
    """
    Judge every candidate by self-made comparisons; after each lap the worse half leaves.

    Args and errors are those of `sweep`; also:

    Raises:
        CalibrationError: Hardly any comparison among the faces fails.
    """
    _require_some(tried)
    bench = Bench(network, threads, progress or Progress(disable=True))
    faces, ends = _starting_order(faces)
    runners = {each: np.empty((0, network.embedding_length), np.float32) for each in tried}
    found: dict[Candidate, Signals] = {}
    dense = np.empty((0, network.embedding_length), np.float32)
    for lap, (start, end) in enumerate(pairwise((0, *ends)), 1):
        first, *rest = bench.embedded(tuple(runners), faces.images[start:end])
        dense = np.concatenate((dense, first))
        runners = {
            each: np.concatenate((rows, more))
            for (each, rows), more in zip(runners.items(), rest, strict=True)
        }
        judged = _judged(runners, dense, faces.of(np.arange(end)))
        found.update(judged)
        if lap < len(ends):
            runners = {each: runners[each] for each in _better_half(judged)}
    return Sweep(
        faces, unit_rows(dense), embedding_norms(dense), tuple(found[each] for each in tried)
    )


def choose(found: Sequence[Signals]) -> Signals:
    """
    Return the one to take: near the best merit the cheapest, then where people differ least.

    Raises:
        CalibrationError: None may be taken.
    """
    fit = [
        (each.ratio, each)
        for each in found
        if each.fault is None
        and each.ratio is not None
        and each.candidate.recipe.importance != "random"  # the control
    ]
    if not fit:
        raise CalibrationError(
            "no candidate is fit: pruned networks collapsed or did not move. Allow a second "
            "embedding with --cost 2.1, or give a recipe of your own to 'build'"
        )
    best = min(ratio for ratio, _ in fit)
    near = [each for ratio, each in fit if ratio <= best + ALIKE]
    cheapest = min(each.candidate.cost for each in near)
    near = [each for each in near if each.candidate.cost <= cheapest + DEARER]
    return min(near, key=lambda each: (1.0 if each.between is None else each.between, each.ratio))


def _require_some(tried: Sequence[Candidate]) -> None:
    if not tried:
        raise CalibrationError(
            "no recipe is cheap enough: allow more with 'edge-gate pair calibrate --cost 2', or "
            "give one of your own, such as --sparsity 0.1"
        )


def _starting_order(faces: CalibrationFaces) -> tuple[CalibrationFaces, tuple[int, ...]]:
    """Return the faces person after person in a seeded order, and how many each lap ends with."""
    people = np.random.default_rng(SEED).permutation(int(faces.subject.max()) + 1)
    turn = np.empty(people.size, np.intp)
    turn[people] = np.arange(people.size)
    turns = turn[faces.subject]
    ends = [int((turns < round(share * people.size)).sum()) for share in LAPS]
    return faces.of(np.argsort(turns, kind="stable")), tuple(ends)


def _judged(
    runners: Mapping[Candidate, Embeddings], dense: Embeddings, faces: CalibrationFaces
) -> dict[Candidate, Signals]:
    made, norms = SelfMade(faces, unit_rows(dense)), embedding_norms(dense)
    opponent = made.area(norms)
    found = {}
    for each, rows in runners.items():
        signals = _signals(each, dense, rows, faces)
        ratio = made.area(-signals.shift) / opponent
        found[each] = replace(signals, ratio=ratio, between=between_people(signals.shift, faces))
    return found


def _better_half(judged: Mapping[Candidate, Signals]) -> list[Candidate]:
    """Return the fit ones with the lower half of the ratios, in the order tried."""
    ratios = sorted(_ratio(each) for each in judged.values())
    limit = ratios[(len(ratios) - 1) // 2]
    return [each for each, signals in judged.items() if _ratio(signals) <= limit]


def _ratio(signals: Signals) -> float:
    return np.inf if signals.fault or signals.ratio is None else signals.ratio


def _signals(
    candidate: Candidate, dense: Embeddings, pruned: Embeddings, faces: CalibrationFaces
) -> Signals:
    shift = embedding_shift(dense, pruned)
    some = np.flatnonzero(faces.clean)[:AGREEMENT_FACES]
    return Signals(
        candidate,
        spearman(_cosines(dense[some]), _cosines(pruned[some])),
        shift,
        float(np.median(shift[faces.clean])),
    )


def _cosines(embeddings: Embeddings) -> NDArray[np.float64]:
    rows = unit_rows(embeddings)
    return (rows @ rows.T)[np.triu_indices(len(rows), 1)]
