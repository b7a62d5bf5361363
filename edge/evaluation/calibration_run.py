"""Calibrate a network on photographs, with or without labelled pairs."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.progress import Progress

from edge.config.model import DetectorSettings
from edge.detection.open import open_detector
from edge.errors import UsageError
from edge.evaluation.calibration_images import (
    PhotographReader,
    labelled_faces,
    labelled_pairs,
    some_photographs,
)
from edge.evaluation.pair_list import PairList, halves, read_pairs
from engines.build.build import BuildRequest
from engines.calibration.faces import CalibrationFaces, calibration_faces, together
from engines.calibration.pairs import (
    LabelledPairs,
    PairsVerdict,
    choose_by_pairs,
    judge_by_pairs,
)
from engines.calibration.several_masks import with_several_masks
from engines.calibration.sweep import Signals, Sweep, choose, race, sweep
from engines.graph.network import Network
from engines.pruning.candidates import Candidate, candidates
from engines.pruning.form import lean

FINDING = "finding faces"


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """What came of it."""

    sweep: Sweep
    chosen: Signals
    verdict: PairsVerdict | None
    """With labelled pairs only."""
    faces: CalibrationFaces
    """Of the photographs, of which scores are shares."""
    skipped: Sequence[str]
    """Photographs that could not be used, with the reason."""


def calibrate_on_photographs(
    arguments: argparse.Namespace, request: BuildRequest, progress: Progress
) -> Calibration:
    """
    Carry out `edge-gate pair calibrate` up to the choice.

    Args:
        arguments: images, labels, cost, faces, seed, threads.
        request: Of the network, and of the known faces that a pair is judged on.
        progress: A running display of the caller's.

    Raises:
        CalibrationError: Too few faces, or no recipe is fit.
        UsageError: The folder or the list of pairs is not readable.
        CatalogueError: The detector cannot be obtained.
    """
    if not arguments.images.is_dir():
        raise UsageError(f"{arguments.images}: no such folder of images")
    if arguments.labels is None and len(arguments.seed) > 1:
        raise UsageError(
            "several seeds need --labels: without them each face is degraded six times"
        )
    network = request.network
    slim, _ = lean(network)
    tried = candidates(slim, arguments.cost)
    detector = open_detector(DetectorSettings(threads=arguments.threads), progress)
    reader = PhotographReader(detector, network.specification)
    if arguments.labels is None:
        paths = some_photographs(arguments.images, arguments.faces)
        faces = _unlabelled(reader, paths, arguments.seed[0], progress)
        assert request.judge is not None  # noqa: S101 -- a network's request has the known faces
        everybody = together(request.judge.faces(), faces)
        found = race(slim, tried, everybody, arguments.threads, progress)
        found = with_several_masks(found, arguments.cost)
        return Calibration(found, choose(found.finished()), None, faces, reader.skipped)
    tuning, others = halves(read_pairs(arguments.labels))
    half = _Half(arguments, reader, slim, progress)
    found, compared, faces = half.tried(tuning, tried)
    choice = choose_by_pairs(found, compared)
    judged, compared, more = half.tried(others, [choice.chosen.candidate])
    verdict = PairsVerdict(choice, judge_by_pairs(judged, compared))
    return Calibration(found, choice.chosen, verdict, together(faces, more), reader.skipped)


@dataclass(frozen=True, slots=True, eq=False)
class _Half:
    """What both halves of the labelled pairs have in common."""

    arguments: argparse.Namespace
    reader: PhotographReader
    network: Network
    progress: Progress

    def tried(
        self, pairs: PairList, recipes: Sequence[Candidate]
    ) -> tuple[Sweep, LabelledPairs, CalibrationFaces]:
        """Return the sweep over the faces of pairs, the pairs in it, and the faces."""
        names = [(name, self.arguments.images / name) for name in pairs.images()]
        shown = self.progress.track(names, description=FINDING)
        faces, place = labelled_faces(self.reader, shown, self.arguments.seed)
        found = sweep(self.network, recipes, faces, self.arguments.threads, self.progress)
        return found, labelled_pairs(pairs, place, self.arguments.seed), faces


def _unlabelled(
    reader: PhotographReader, paths: Sequence[Path], seed: int, progress: Progress
) -> CalibrationFaces:
    framed = reader.all_framed(progress.track(paths, description=FINDING))
    return calibration_faces(framed, reader.specification, seed)
