"""
What lowers the share of the shift's variance that lies between people, and what does it cost?

    python -m tests.bench.shift_by_track --lfw lfw --pair pairs/fast --pair pairs/best

A track is a person of folds 3 to 5, and of neither other fold, with four photographs or more. The
first pair's shift is judged as it is, as each track alone would have it, and averaged over all
pairs (of one network, pruned differently); also without the mean movement of 200 people of folds 1
and 2, one photograph each: share of variance between people on clean photographs,
pAUC at FMR 1e-2 on clean and on degraded ones. Each photograph is compared with the next two of
its person and with twenty of others; intervals are of the difference to the plain shift, 200
bootstrap draws of whole people.
"""

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import closing
from itertools import chain
from pathlib import Path, PurePath
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.progress import track

from edge.config.model import DetectorSettings
from edge.detection.open import open_detector
from edge.evaluation.face_store import FaceStore
from edge.evaluation.measured_faces import FaceFinder, FaceMeasurer, Shot
from edge.evaluation.pair_list import PairList, read_pairs
from edge.evaluation.run import NOT_MEASURED, versions
from engines.biometrics.comparisons import Comparisons
from engines.biometrics.edc import Question, error_versus_discard, partial_area
from engines.biometrics.variance import share_between
from engines.errors import EvaluationError
from engines.pair.pair import EnginePair, open_pair
from engines.quality.shift import unit_rows

SEEDS = (1, 2)
LEAST_PHOTOGRAPHS = 4
OTHERS = 20
"""Photographs of other people that each one is compared with."""
STRANGERS = 200
DRAWS = 200
QUESTION = Question(1e-2, 0.3, "fixed")
TINY = 1e-9
NEAR = "no shift: cosine with the mean embedding of the track"
TAKEN_OFF = {
    "half of the track's mean movement taken off": 0.5,
    "the track's mean movement taken off": 1.0,
}


class Faces(NamedTuple):
    """One look at all tracks: every photograph as it is, or some of them degraded."""

    person: np.ndarray
    """(N,) numbers."""
    dense: np.ndarray
    """(N, D) unit rows."""
    moved: np.ndarray
    """(pairs, N, D): by how much each pair's pruned network moves the unit row."""
    usual: np.ndarray
    """(D,) mean movement by the first pair, of people of the other folds."""


def tracks(pairs: PairList) -> list[str]:
    """Return the photographs of people who are in the last three folds alone, four or more each."""
    early = {PurePath(name).parent for name in pairs.of(pairs.fold < 2).images()}
    late = [
        name for name in pairs.of(pairs.fold >= 2).images() if PurePath(name).parent not in early
    ]
    photographs = Counter(PurePath(name).parent for name in late)
    return [name for name in late if photographs[PurePath(name).parent] >= LEAST_PHOTOGRAPHS]


def strangers(pairs: PairList) -> list[Shot]:
    """Return photographs of the first two folds, one of each person."""
    of = {PurePath(name).parent: name for name in pairs.of(pairs.fold < 2).images()}
    return [Shot(name) for name in list(of.values())[:STRANGERS]]


def embedded(finder: FaceFinder, pair: EnginePair, shots: list[Shot]) -> Mapping[Shot, np.ndarray]:
    """Return (2, D) of each face that was found: the dense unit row, and by how much it moves."""
    measurer = FaceMeasurer(finder, pair, {})
    found = {}
    for shot in track(shots, description=pair.pair_id, console=Console(stderr=True)):
        try:
            sample = measurer.sample(shot)
        except NOT_MEASURED:
            continue
        dense, pruned = (unit_rows(each)[0] for each in (sample.dense, sample.pruned))
        found[shot] = np.stack([dense, pruned - dense])
    return found


def looks(
    shots_of: list[list[Shot]], found: list[Mapping[Shot, np.ndarray]], usual: np.ndarray
) -> Iterator[Faces]:
    """Yield the clean look, then one for each seed: degraded where that seed degrades."""
    clean = {shot.name: shot for shot in shots_of[0]}
    for degraded in shots_of:
        seen = {**clean, **{shot.name: shot for shot in degraded}}
        shots = [shot for shot in seen.values() if all(shot in each for each in found)]
        people = [PurePath(shot.name).parent.name for shot in shots]
        rows = np.stack([[each[shot] for shot in shots] for each in found])
        number = np.unique(people, return_inverse=True)[1]
        yield Faces(number, rows[0, :, 0], rows[:, :, 1], usual)


def of_tracks(person: np.ndarray, values: np.ndarray, figure) -> np.ndarray:
    """Return what each track has, at all of its faces."""
    return np.stack([figure(values[person == each], axis=0) for each in range(person.max() + 1)])[
        person
    ]


def squared(moved: np.ndarray) -> np.ndarray:
    return np.square(moved).sum(axis=-1)


def without_mean(faces: Faces, index: np.ndarray, share: float, apart=None) -> np.ndarray:
    """
    Return (N,) minus the shift, of movements less a share of their track's mean.

    Neither the face itself nor the one that it is compared with (`apart`) is in the mean: who is
    recognised later stands in no track, and must not tell how well that will go.
    """
    person, moved = faces.person, faces.moved[0]
    total = of_tracks(person, moved, np.sum)[index] - moved[index]
    count = np.bincount(person)[person][index] - 1
    if apart is not None:
        mated = person[index] == person[apart]
        total = total - moved[apart] * mated[:, None]
        count = count - mated
    return -squared(moved[index] - share * total / np.maximum(count, 1)[:, None])


def nearness(faces: Faces, index: np.ndarray, apart=None) -> np.ndarray:
    """Return (N,) cosines with the mean dense embedding of the track's others, without `apart`."""
    person, dense = faces.person, faces.dense
    total = of_tracks(person, dense, np.sum)[index] - dense[index]
    if apart is not None:
        total = total - dense[apart] * (person[index] == person[apart])[:, None]
    return (unit_rows(total) * dense[index]).sum(axis=1)


def qualities(faces: Faces) -> dict[str, np.ndarray]:
    """Return (N,) of each measure, higher is better."""
    person, moved = faces.person, faces.moved[0]
    shift = squared(moved)
    middle = of_tracks(person, shift, np.median)
    spread = of_tracks(person, shift, np.std) + TINY
    everybody = np.arange(len(person))
    scaled = [squared(each) / squared(each).std() for each in faces.moved]
    return {
        "plain": -shift,
        "over the track's spread": -shift / spread,
        "less the track's median, over its spread": (middle - shift) / spread,
        "over the track's median": -shift / (middle + TINY),
        "half of strangers' mean movement taken off": -squared(moved - faces.usual / 2),
        "strangers' mean movement taken off": -squared(moved - faces.usual),
        **{name: without_mean(faces, everybody, share) for name, share in TAKEN_OFF.items()},
        NEAR: nearness(faces, everybody),
        **{f"mask {n} alone": -each for n, each in enumerate(scaled[1:], 2)},
        **{
            f"mean of masks 1 to {n}": -np.mean(scaled[:n], axis=0)
            for n in range(2, len(scaled) + 1)
        },
    }


def indices(person: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return which faces are compared: the next two of the person, and some of others."""
    of = defaultdict(list)
    for index, each in enumerate(person):
        of[each].append(index)
    near = {
        tuple(sorted((one, mine[(place + step) % len(mine)])))
        for mine in of.values()
        for place, one in enumerate(mine)
        for step in (1, 2)
        if len(mine) > step
    }
    drawn = np.random.default_rng(0).integers(len(person), size=(len(person), OTHERS))
    far = [(a, b) for a, row in enumerate(drawn) for b in row if person[a] != person[b]]
    first, second = np.array([*sorted(near), *far]).T
    return first, second


def apart_from_each_other(faces: Faces, name: str, *sides: np.ndarray) -> list[np.ndarray]:
    """Return the qualities of both faces of each comparison, neither in the other's track."""
    both = zip(sides, reversed(sides), strict=True)
    if name == NEAR:
        return [nearness(faces, one, other) for one, other in both]
    return [without_mean(faces, one, TAKEN_OFF[name], other) for one, other in both]


def between(values: np.ndarray, person: np.ndarray) -> np.ndarray:
    """Return (1 + draws,) shares of variance between people; one drawn twice counts as two."""
    rng = np.random.default_rng(1)
    people = person.max() + 1
    rows = [np.flatnonzero(person == each) for each in range(people)]
    shares = [share_between(values, person)]
    for _ in range(DRAWS):
        drawn = [rows[each] for each in rng.integers(people, size=people)]
        number = np.repeat(np.arange(people), [each.size for each in drawn])
        shares.append(share_between(values[np.concatenate(drawn)], number))
    return np.array(shares)


def area(compared: Comparisons, quality: np.ndarray) -> float:
    """Return NaN where no mated comparison is refused."""
    try:
        return partial_area(error_versus_discard(compared, quality, QUESTION), 0.3)
    except EvaluationError:
        return np.nan


def areas(faces: Faces, measures: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return (1 + draws,) pAUC of each measure, that of all people first."""
    first, second = indices(faces.person)
    scores = (faces.dense[first] * faces.dense[second]).sum(axis=1).astype(np.float64)
    compared = Comparisons(scores, faces.person[first] == faces.person[second])
    rng = np.random.default_rng(1)
    people = faces.person.max() + 1
    rows = [np.flatnonzero(faces.person[first] == each) for each in range(people)]
    draws = [np.arange(first.size)] + [
        np.concatenate([rows[each] for each in rng.integers(people, size=people)])
        for _ in range(DRAWS)
    ]
    made = {}
    for name, quality in measures.items():
        sides = [quality[first], quality[second]]
        if name in TAKEN_OFF or name == NEAR:
            sides = apart_from_each_other(faces, name, first, second)
        both = np.minimum(*sides).astype(np.float64)
        made[name] = np.array([area(compared.of(draw), both[draw]) for draw in draws])
    return made


def cell(area: np.ndarray, plain: np.ndarray) -> str:
    """Return a figure, and by how much it differs from the plain shift's."""
    if np.isnan(area[0]):
        return "undefined"
    low, high = np.nanquantile(area[1:] - plain[1:], [0.025, 0.975])
    return f"{area[0]:.3f} ({area[0] - plain[0]:+.3f} [{low:+.3f}, {high:+.3f}])"


def main() -> None:
    """Print a row for each measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--lfw", type=Path, required=True)
    parser.add_argument("--pair", type=Path, action="append", required=True)
    parser.add_argument("--store", type=Path, default=Path("faces.sqlite"))
    arguments = parser.parse_args()
    pairs = read_pairs(arguments.lfw / "pairs.csv")
    planned = versions(tracks(pairs), SEEDS, 0.4)
    shots_of = [list(planned.clean), *(list(each) for each in planned.degraded)]
    settings = DetectorSettings(threads=1)
    name = settings.model_dump_json(exclude={"threads"})
    found = []
    with closing(FaceStore(arguments.store)) as store:
        finder = FaceFinder(arguments.lfw / "images", open_detector(settings), name, store)
        for folder in arguments.pair:
            with open_pair(folder) as pair:
                found.append(embedded(finder, pair, list(chain.from_iterable(shots_of))))
                if len(found) == 1:
                    others = embedded(finder, pair, strangers(pairs))
    usual = np.mean([moved for _, moved in others.values()], axis=0)
    clean, *degraded = looks(shots_of, found, usual)
    sys.stdout.write(f"{clean.person.max() + 1} people, {clean.person.size} photographs\n")
    measures = qualities(clean)
    on_clean, *by_seed = [areas(look, qualities(look)) for look in (clean, *degraded)]
    on_degraded = {name: np.mean([each[name] for each in by_seed], axis=0) for name in measures}
    shares = {
        name: between(values.astype(np.float64), clean.person) for name, values in measures.items()
    }
    for name in measures:
        cells = [cell(each[name], each["plain"]) for each in (shares, on_clean, on_degraded)]
        sys.stdout.write(f"| {name} | {' | '.join(cells)} |\n")


if __name__ == "__main__":
    main()
