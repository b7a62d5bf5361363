"""Networks on the golden faces and on labelled photographs, with many recipes; kept on disk."""

import argparse
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from edge.config.model import DetectorSettings
from edge.detection.open import open_detector
from edge.evaluation.face_store import FaceStore
from edge.evaluation.measured_faces import FaceFinder, Shot
from edge.evaluation.pair_list import PairList, halves, read_pairs
from edge.evaluation.run import NOT_MEASURED, versions
from engines.biometrics.bootstrap import Estimate, estimate_of
from engines.biometrics.degrade import assigned_degradation
from engines.biometrics.edc import pair_quality
from engines.biometrics.ranks import spearman
from engines.build.request import known_faces
from engines.calibration.bench import Bench
from engines.calibration.faces import CalibrationFaces
from engines.calibration.self_made import _partial_area, last_of_each
from engines.calibration.sweep import AGREEMENT_FACES, _cosines
from engines.catalogue.catalogue import fetch, find_entry
from engines.graph.network import Network, load_network
from engines.pruning.candidates import Candidate, candidates
from engines.pruning.form import lean
from engines.pruning.recipe import Recipe
from engines.quality.align import align
from engines.quality.shift import embedding_norms, embedding_shift, mean_shift, unit_rows
from engines.quality.specification import Embeddings, FaceImages, InputSpecification

SHARE = 0.4
"""Of the photographs that a seed degrades."""
SEEDS = {"choose": (11,), "judge": (21,)}
"""Of the degradations: where rules are chosen, and where they are judged."""
FALSE_MATCH_RATES = (1e-2, 1e-3)
RESAMPLES = 500
IN_ONE_GRAPH = 60
MOST = 2.1

Weights = NDArray[np.float64]
Key = tuple[str, int | None]
"""Photograph and seed; no seed where it is as it was."""


def bed_parser(documentation: str | None, networks: str = "NETWORK") -> argparse.ArgumentParser:
    """Return what reads the networks and the folders of a `Bed` from a command line."""
    parser = argparse.ArgumentParser(
        description=documentation, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("networks", nargs="+", metavar=networks)
    parser.add_argument("--lfw", type=Path, required=True, metavar="DIR")
    parser.add_argument("--cache", type=Path, required=True, metavar="DIR")
    return parser


@dataclass(frozen=True, slots=True)
class Bed:
    """Where photographs lie and what was computed is kept."""

    lfw: Path
    cache: Path
    progress: Progress

    def pairs(self, which: str) -> PairList:
        """Return the pairs of folds 1 and 2, or those of 3 to 5 without a photograph of these."""
        return halves(read_pairs(self.lfw / "pairs.csv"))[0 if which == "choose" else 1]

    def faces(self, which: str, spec: InputSpecification) -> tuple[FaceImages, list[Key]]:
        """Return faces of both halves' pairs, detected after degradation."""
        looked_at = versions(self.pairs(which).images(), SEEDS[which], SHARE)
        shots = [*looked_at.clean, *(shot for some in looked_at.degraded for shot in some)]
        settings = DetectorSettings(name="mtcnn")
        store = FaceStore(self.cache / "faces.sqlite")
        named = settings.model_dump_json(exclude={"threads"})
        detector = open_detector(settings, self.progress)
        finder = FaceFinder(self.lfw / "images", detector, named, store)
        found = list(self._aligned(finder, shots, spec))
        store.commit()
        return np.stack([image for image, _ in found]), [key for _, key in found]

    def _aligned(
        self, finder: FaceFinder, shots: Sequence[Shot], spec: InputSpecification
    ) -> Iterator[tuple[NDArray[np.uint8], Key]]:
        for shot in self.progress.track(shots, description="finding faces"):
            try:
                pixels, face = finder.find(shot)
                image = align(pixels, face.landmarks, spec)
            except NOT_MEASURED:
                continue
            yield image, (shot.name, shot.seed if shot.degradation else None)


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """One network under examination."""

    name: str
    network: Network
    bed: Bed

    @classmethod
    def open(cls, name: str, bed: Bed) -> "Subject":
        """Obtain a network by its catalogue name or entry file."""
        entry = find_entry(name)
        if entry.specification is None:
            raise ValueError(f"{name} is no network")
        (file,) = fetch(entry)
        network = load_network(file, entry.specification, entry.embedding_length, entry.output)
        return cls(entry.name, network, bed)

    def known(self) -> CalibrationFaces:
        """Return the faces that the product calibrates on."""
        return known_faces(self.network.specification)

    def candidates(self) -> list[Candidate]:
        """Return the product's, one sparsity of each dear family: truth is expensive."""
        return [each for each in candidates(lean(self.network)[0], MOST) if _is_taken(each)]

    def tried(self, which: str, wanted: Sequence[Candidate]) -> tuple[NDArray[np.float32], ...]:
        """Return raw dense embeddings and each recipe's shifts, of which new ones are computed."""
        single = [replace(each, recipe=mask) for each in wanted for mask in each.recipe.single]
        dense, *found = self._single(which, single)
        shifts, rest = [], iter(found)
        for each in wanted:
            masks = [next(rest) for _ in each.recipe.single]
            shifts.append(masks[0] if len(masks) == 1 else mean_shift(masks))
        return (dense, *shifts)

    def _single(self, which: str, wanted: Sequence[Candidate]) -> tuple[NDArray[np.float32], ...]:
        folder = self.bed.cache / self.name / which
        folder.mkdir(parents=True, exist_ok=True)
        missing = [each for each in wanted if not (folder / f"{_key(each.recipe)}.npy").exists()]
        if missing or not (folder / "dense.npy").exists():
            self._compute(which, missing, folder)
        shifts = (np.load(folder / f"{_key(each.recipe)}.npy") for each in wanted)
        return (np.load(folder / "dense.npy"), *shifts)

    def embedded(
        self, wanted: Sequence[Candidate], images: FaceImages
    ) -> tuple[NDArray[np.float32], ...]:
        """Return raw dense embeddings and each recipe's shifts of any images; nothing is kept."""
        single = [replace(each, recipe=mask) for each in wanted for mask in each.recipe.single]
        bench = Bench(lean(self.network)[0], 1, self.bed.progress)
        dense, *rows = bench.embedded(single, images)
        rest = iter(embedding_shift(dense, pruned) for pruned in rows)
        return (dense, *(mean_shift([next(rest) for _ in each.recipe.single]) for each in wanted))

    def strength(self, which: str) -> NDArray[np.intp]:
        """Return that of each face's fault, 0 without; -1 where a degraded one stands for it."""
        (seed,) = SEEDS[which]
        found = []
        for name, of_seed in self.keys(which):
            fault = assigned_degradation(name, seed, SHARE)
            replaced = fault is not None and of_seed is None
            found.append(-1 if replaced else fault.strength if fault else 0)
        return np.array(found, np.intp)

    def keys(self, which: str) -> list[Key]:
        """Return what the faces of a set of labelled photographs are."""
        path = self.bed.cache / self.name / which / "keys.json"
        return [(row[0], row[1]) for row in json.loads(path.read_text())]

    def _compute(self, which: str, missing: Sequence[Candidate], folder: Path) -> None:
        clean: NDArray[np.intp] = np.empty(0, np.intp)
        if which == "golden":
            faces = self.known()
            images, clean = faces.images, np.flatnonzero(faces.clean)[:AGREEMENT_FACES]
        else:
            images, keys = self.bed.faces(which, self.network.specification)
            (folder / "keys.json").write_text(json.dumps(keys))
        bench = Bench(lean(self.network)[0], 1, self.bed.progress)
        for start in range(0, max(len(missing), 1), IN_ONE_GRAPH):
            some = missing[start : start + IN_ONE_GRAPH]
            dense, *rows = bench.embedded(some, images)
            np.save(folder / "dense.npy", dense)
            for each, embeddings in zip(some, rows, strict=True):
                if which == "golden":
                    _note(folder, each, dense[clean], embeddings[clean])
                np.save(folder / f"{_key(each.recipe)}.npy", embedding_shift(dense, embeddings))

    def agreement(self, each: Candidate) -> float:
        """Return what `_note` wrote."""
        path = self.bed.cache / self.name / "golden" / f"{_key(each.recipe)}.json"
        return float(json.loads(path.read_text())["agree"])


def _note(folder: Path, each: Candidate, dense: Embeddings, pruned: Embeddings) -> None:
    agreement = spearman(_cosines(dense), _cosines(pruned))
    (folder / f"{_key(each.recipe)}.json").write_text(json.dumps({"agree": agreement}))


class Truth:
    """Labelled comparisons of one network, and how well measures foretell their failure."""

    def __init__(self, subject: Subject, which: str) -> None:
        (dense,) = subject.tried(which, ())
        self.norms = embedding_norms(dense)
        keys, pairs = subject.keys(which), subject.bed.pairs(which)
        first, second, self._pair = _compared(keys, pairs, SEEDS[which])
        rows = unit_rows(dense)
        self._scores = (rows[first] * rows[second]).sum(axis=1)
        self._first, self._second = first, second
        self._pairs = int(self._pair.max()) + 1
        self._thresholds = _thresholds(rows, [name.split("/")[0] for name, _ in keys])

    def area(self, quality: NDArray[np.floating], fmr: float) -> float:
        """Return the normalised partial area of (N,) qualities of the faces."""
        return self._area(quality, fmr, np.ones(self._pairs))

    def ratio(self, quality: NDArray[np.floating], fmr: float) -> Estimate:
        """Return the area over that of the norm, whole pairs drawn for its interval."""
        random = np.random.default_rng(0)
        draws = []
        for _ in range(RESAMPLES):
            weight = np.bincount(random.integers(self._pairs, size=self._pairs), None, self._pairs)
            draws.append(self._ratio(quality, fmr, weight.astype(np.float64)))
        return estimate_of(self._ratio(quality, fmr, np.ones(self._pairs)), np.array(draws))

    def _ratio(
        self, quality: NDArray[np.floating], fmr: float, weight: NDArray[np.float64]
    ) -> float:
        return self._area(quality, fmr, weight) / self._area(self.norms, fmr, weight)

    def _area(
        self, quality: NDArray[np.floating], fmr: float, weight: NDArray[np.float64]
    ) -> float:
        values = quality.astype(np.float64)
        paired = pair_quality(values[self._first], values[self._second])
        order = np.argsort(paired, kind="stable")
        counts = weight[self._pair][order]
        failing = counts * (self._scores < self._thresholds[fmr])[order]
        return _partial_area(last_of_each(paired[order]), counts, failing)


def _compared(
    keys: Sequence[Key], pairs: PairList, seeds: Sequence[int]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Return the mated comparisons of every seed: indices of both faces, and numbers of pairs."""
    place = {key: number for number, key in enumerate(keys)}
    rows = []
    for seed in seeds:
        for number, names in enumerate(pairs.pairs()):
            at = [
                place.get((name, seed if assigned_degradation(name, seed, SHARE) else None))
                for name in names
            ]
            if pairs.mated[number] and None not in at:
                rows.append((*at, number))
    first, second, pair = np.array(rows, np.intp).T
    return first, second, pair


def _thresholds(rows: NDArray[np.float64], names: Sequence[str]) -> dict[float, float]:
    """Return for each FMR the threshold over all comparisons of different people."""
    one, other = np.triu_indices(len(rows), 1)
    people = np.unique(names, return_inverse=True)[1]
    different = people[one] != people[other]
    few = rows.astype(np.float32)
    scores = np.sort((few @ few.T)[one[different], other[different]])[::-1]
    return {
        fmr: float(np.nextafter(scores[int(fmr * scores.size)], np.inf))
        for fmr in FALSE_MATCH_RATES
    }


def _is_taken(each: Candidate) -> bool:
    recipe, size = each.recipe, len(each.recipe.layers)
    if each.kind in {"neighbours", "middle"}:
        return recipe.sparsity == (0.2 if size == 3 else 0.1) and not (
            size == 3 and recipe.importance == "unfolded"
        )
    if each.kind == "all layers":
        return (recipe.importance, recipe.sparsity) in {("channel", 0.05), ("unfolded", 0.2)}
    return each.kind != "last layers" or recipe.sparsity != 0.1


def _key(recipe: Recipe) -> str:
    """Return a name for what a recipe prunes; later keys count where they say anything."""
    content = asdict(recipe)
    del content["masks"]
    if content["structure"] == "weights":
        del content["structure"]
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
