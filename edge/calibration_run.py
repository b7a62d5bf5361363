"""Calibrate a network on photographs, with or without labelled pairs."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.progress import Progress

from edge.calibration_images import (
    PhotographReader,
    labelled_faces,
    labelled_pairs,
    some_photographs,
)
from edge.config import DetectorSettings
from edge.detector import open_detector
from edge.errors import UsageError
from edge.pair_list import read_pairs
from engines.calibrate import Signals, Sweep, choose, sweep
from engines.calibrate_pairs import PairsVerdict, choose_by_pairs
from engines.calibration_faces import CalibrationFaces, calibration_faces
from engines.candidates import candidates
from engines.form import lean
from engines.network import Network
from engines.specification import FaceImages

FINDING = "finding faces"


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """What came of it."""

    sweep: Sweep
    chosen: Signals
    verdict: PairsVerdict | None
    """With labelled pairs only."""
    usable: FaceImages
    """The faces that were not degraded."""
    skipped: Sequence[str]
    """Photographs that could not be used, with the reason."""


def calibrate_on_photographs(
    arguments: argparse.Namespace, network: Network, progress: Progress
) -> Calibration:
    """
    Carry out `build_engines.py calibrate` up to the choice.

    Args:
        arguments: images, labels, cost, faces, seed, threads.
        network: As loaded.
        progress: A running display of the caller's.

    Raises:
        CalibrationError: Too few faces, or no recipe is fit.
        UsageError: The folder or the list of pairs is not readable.
        CatalogueError: The detector cannot be obtained.
    """
    if not arguments.images.is_dir():
        raise UsageError(f"{arguments.images}: no such folder of images")
    pairs = None if arguments.labels is None else read_pairs(arguments.labels)
    slim, _ = lean(network)
    tried = candidates(slim, arguments.cost)
    detector = open_detector(DetectorSettings(threads=arguments.threads), progress)
    reader = PhotographReader(detector, network.specification)
    if pairs is None:
        paths = some_photographs(arguments.images, arguments.faces)
        faces = _unlabelled(reader, paths, arguments.seed, progress)
        found = sweep(slim, tried, faces, arguments.threads, progress)
        return Calibration(
            found, choose(found.signals), None, faces.images[faces.clean], reader.skipped
        )
    names = [(name, arguments.images / name) for name in pairs.images()]
    shown = progress.track(names, description=FINDING)
    faces, place = labelled_faces(reader, shown, arguments.seed)
    found = sweep(slim, tried, faces, arguments.threads, progress)
    verdict = choose_by_pairs(found, labelled_pairs(pairs, place))
    return Calibration(found, verdict.chosen, verdict, faces.images[faces.clean], reader.skipped)


def _unlabelled(
    reader: PhotographReader, paths: Sequence[Path], seed: int, progress: Progress
) -> CalibrationFaces:
    framed = reader.all_framed(progress.track(paths, description=FINDING))
    return calibration_faces(framed, reader.specification, seed)
