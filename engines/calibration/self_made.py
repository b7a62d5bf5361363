"""
Comparisons that a calibration makes itself, to see which of two measures foretells their failure.

Faces get seeded camera faults; what is compared is one photograph with its own degraded copies
(nobody needs to know who is on it), and photographs of one subject, as they are and degraded, as
often as if a camera spoilt 40 % of all (`engines.calibration.faces.DEGRADED_SHARE`). The figure of
merit of a measure is its normalised partial area under error versus discard
(`engines.biometrics.edc`, convention `fixed`), meaned over both kinds and over FMR 1e-2 and 1e-3.
On networks that no rule was chosen on it ranks recipes nearly as labelled photographs do, where the
separation of degraded from clean faces ranks them at random (docs/measured.md).

Intervals: whole subjects are drawn with replacement, all their comparisons together, and every
measure is judged on the same draws; thresholds are estimated anew in each (Davison and Hinkley,
"Bootstrap Methods and their Application", 1997, section 3.8).
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from engines.biometrics.bootstrap import estimate_of
from engines.biometrics.ranks import ranks
from engines.biometrics.variance import share_between
from engines.calibration.faces import DEGRADED_SHARE, CalibrationFaces
from engines.errors import CalibrationError
from engines.pair.merit import Merit

Kind = Literal["same photograph", "other photograph"]
KINDS: tuple[Kind, ...] = ("same photograph", "other photograph")
FALSE_MATCH_RATES = (1e-2, 1e-3)
LIMIT = 0.3
"""Largest share of comparisons discarded."""
LEAST_ERRORS = 10
"""Failing mated comparisons below which an area is chance."""
RESAMPLES = 400
SEED = 0
TOP = 0.06
"""Share of the non-mated scores that a threshold is looked for in, with room for any draw."""

Floats: TypeAlias = NDArray[np.float64]
Ranked: TypeAlias = dict[Kind, tuple[NDArray[np.intp], NDArray[np.intp]]]
"""For each kind the order of its comparisons, worst first, and the last of each quality but one."""
Drawn: TypeAlias = dict[tuple[Kind, float], tuple[Floats, Floats]]
"""By kind and FMR how much each mated comparison counts, and how much if it fails and else 0."""


@dataclass(frozen=True, slots=True, eq=False)
class _Mated:
    """Mated comparisons of one kind."""

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    score: Floats
    subject: NDArray[np.intp]
    weight: Floats
    """How often each counts."""


class SelfMade:
    """All comparisons among the faces of a calibration, as one network scores them."""

    def __init__(self, faces: CalibrationFaces, embeddings: Floats) -> None:
        """
        Compare faces.

        Args:
            faces: N of them, with their photographs and subjects.
            embeddings: (N, D) unit rows of the network whose errors are to be foretold.

        Raises:
            CalibrationError: No threshold can be set, or hardly any comparison fails.
        """
        self._faces = faces
        self._mated = {kind: _mated(faces, embeddings, kind) for kind in KINDS}
        self._subjects = int(faces.subject.max()) + 1
        self._score, self._pairs, self._total = _non_mated(faces, embeddings)
        asked = [each for each in FALSE_MATCH_RATES if self._total.sum() * each >= 2]
        drawn = self._drawn(np.ones(self._subjects), tuple(product(KINDS, asked)))
        self._all = {
            question: (counts, failing)
            for question, (counts, failing) in drawn.items()
            if np.count_nonzero(failing) >= LEAST_ERRORS
        }
        if not self._all:
            raise CalibrationError(
                "hardly any self-made comparison fails, so no measure can be told from another: "
                "calibrate with --labels"
            )

    @property
    def comparisons(self) -> int:
        """How many mated ones there are."""
        return sum(each.score.size for each in self._mated.values())

    def area(self, quality: NDArray[np.floating]) -> float:
        """Return the figure of merit of (N,) qualities, higher being better quality."""
        return _area(self._sorted(quality), self._all)

    def merit(self, quality: NDArray[np.floating], norms: NDArray[np.floating]) -> Merit:
        """
        Return what a measure is worth beside the norm, with 95 % intervals.

        Args:
            quality: (N,) higher is better quality.
            norms: (N,) of the raw embeddings.

        Raises:
            CalibrationError: Too few draws have errors to measure.
        """
        both = (self._sorted(quality), self._sorted(norms))
        asked = (self._drawn(weight, self._all) for weight in self._draws())
        draws = np.array([[_area(each, drawn) for each in both] for drawn in asked])
        draws = draws[np.isfinite(draws).all(axis=1)]
        if len(draws) < RESAMPLES * 0.9:
            raise CalibrationError(
                "too few subjects: most draws of them have no failing comparison"
            )
        area, norm = (_area(each, self._all) for each in both)
        return Merit(
            estimate_of(area, draws[:, 0]),
            estimate_of(norm, draws[:, 1]),
            estimate_of(area / norm, draws[:, 0] / draws[:, 1]),
            between_people(quality, self._faces),
            between_people(norms, self._faces),
        )

    def _draws(self) -> Iterator[Floats]:
        """Yield how often each subject was drawn."""
        rng = np.random.default_rng(SEED)
        for _ in range(RESAMPLES):
            chosen = rng.integers(self._subjects, size=self._subjects)
            yield np.bincount(chosen, minlength=self._subjects).astype(np.float64)

    def _sorted(self, quality: NDArray[np.floating]) -> Ranked:
        values = quality.astype(np.float64)
        found = {}
        for kind, each in self._mated.items():
            paired = np.minimum(values[each.first], values[each.second])
            order = np.argsort(paired, kind="stable")
            found[kind] = (order, last_of_each(paired[order]))
        return found

    def parts(self, quality: NDArray[np.floating]) -> dict[tuple[Kind, float], float]:
        """Return the areas that the figure of merit is the mean of, by kind and FMR."""
        return _parts(self._sorted(quality), self._all)

    def _drawn(self, weight: Floats, questions: Collection[tuple[Kind, float]]) -> Drawn:
        """Return what counts where subjects were drawn so often; no measure is asked for it."""
        counts = {kind: weight[each.subject] * each.weight for kind, each in self._mated.items()}
        thresholds = {fmr: self._threshold(fmr, weight) for fmr in {fmr for _, fmr in questions}}
        return {
            (kind, fmr): (counts[kind], (self._mated[kind].score < thresholds[fmr]) * counts[kind])
            for kind, fmr in questions
        }

    def _threshold(self, fmr: float, weight: Floats) -> float:
        """Return the lowest threshold whose false match rate among the drawn is at most `fmr`."""
        first, second = self._pairs
        matched = np.cumsum(weight[first] * weight[second])
        total = (weight @ self._total @ weight) / 2
        refused = int(np.searchsorted(matched, np.floor(fmr * total + 1e-9), side="right"))
        return float(np.nextafter(self._score[min(refused, self._score.size - 1)], np.inf))


def between_people(values: NDArray[np.floating], faces: CalibrationFaces) -> float | None:
    """Return the share of the variance of clean faces' ranks that lies between known people."""
    some = faces.clean & faces.known
    if not some.any():
        return None
    return share_between(ranks(values[some].astype(np.float64)), faces.subject[some])


def _mated(faces: CalibrationFaces, embeddings: Floats, kind: Kind) -> _Mated:
    first, second = _indices(faces, kind)
    score = (embeddings[first] * embeddings[second]).sum(axis=1)
    weight = np.ones(score.size)
    if kind == "other photograph":
        weight = _chance(faces, first) * _chance(faces, second)
    return _Mated(first, second, score, faces.subject[first], weight)


def _chance(faces: CalibrationFaces, chosen: NDArray[np.intp]) -> Floats:
    """Return how often a camera delivers each of the faces among the copies of its photograph."""
    copies = np.bincount(faces.photograph, ~faces.clean)[faces.photograph[chosen]]
    clean = faces.clean[chosen]
    return np.where(clean, 1 - DEGRADED_SHARE, DEGRADED_SHARE / np.maximum(copies, 1))


def _indices(faces: CalibrationFaces, kind: Kind) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    one, other = np.triu_indices(len(faces.subject), 1)
    alike = faces.photograph[one] == faces.photograph[other]
    if kind == "same photograph":
        chosen = alike & (faces.clean[one] != faces.clean[other])
    else:
        chosen = ~alike & (faces.subject[one] == faces.subject[other])
    return one[chosen], other[chosen]


def _non_mated(
    faces: CalibrationFaces, embeddings: Floats
) -> tuple[Floats, tuple[NDArray[np.intp], NDArray[np.intp]], Floats]:
    """Return the highest scores, descending, whose they are, and counts by pair of subjects."""
    known = np.flatnonzero(faces.known)
    one, other = np.triu_indices(known.size, 1)
    first, second = faces.subject[known][one], faces.subject[known][other]
    different = first != second
    if not different.any():
        raise CalibrationError("a threshold needs faces of two known subjects or more")
    scores = (embeddings[known] @ embeddings[known].T)[one, other][different]
    first, second = first[different], second[different]
    some = min(scores.size, max(int(TOP * scores.size), 1000))
    top = np.argpartition(-scores, some - 1)[:some]
    top = top[np.argsort(-scores[top], kind="stable")]
    size = int(faces.subject.max()) + 1
    faces_of = np.bincount(faces.subject[known], minlength=size).astype(np.float64)
    counts = np.outer(faces_of, faces_of)
    np.fill_diagonal(counts, 0)
    return scores[top], (first[top], second[top]), counts


def last_of_each(quality: Floats) -> NDArray[np.intp]:
    """Return where in sorted qualities each ends but the highest: equals are discarded together."""
    return np.flatnonzero(np.diff(quality) > 0)


def _area(ranked: Ranked, drawn: Drawn) -> float:
    return float(np.mean(list(_parts(ranked, drawn).values())))


def _parts(ranked: Ranked, drawn: Drawn) -> dict[tuple[Kind, float], float]:
    areas = {}
    for (kind, fmr), (counts, failing) in drawn.items():
        order, last = ranked[kind]
        areas[kind, fmr] = _partial_area(last, counts[order], failing[order])
    return areas


def _partial_area(last: NDArray[np.intp], counts: Floats, failing: Floats) -> float:
    """Return the area of weighted comparisons sorted by quality; NaN where none fails."""
    total, errors = counts.sum(), failing.sum()
    if errors == 0:
        return float("nan")
    before = np.concatenate(([0.0], np.cumsum(counts)[last]))
    gone = np.concatenate(([0.0], np.cumsum(failing)[last]))
    left = total - before
    rate = np.divide(errors - gone, left, out=np.zeros_like(left), where=left > 0)
    widths = np.diff(np.minimum(np.append(before / total, 1.0), LIMIT))
    return float(widths @ rate / (LIMIT * errors / total))
