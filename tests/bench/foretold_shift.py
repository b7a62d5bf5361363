"""
Does it treat people more alike to take off a shift what the embedding alone foretells of it?

    python -m tests.bench.foretold_shift --lfw lfw --pair pairs/mobilefacenet512 --groups groups.csv

A ridge regression of log shift on the dense embedding, fitted on the people of folds 1 and 2, is
subtracted for the others; judged on these: the share of variance between people and the ratio of
the groups' shares above the median, on clean photographs, and pAUC at FMR 1e-2 on degraded ones.
"""

import argparse
import sys
from contextlib import closing
from pathlib import Path, PurePath

import numpy as np
from rich.progress import Progress

from edge.config.model import DetectorSettings
from edge.detection.open import open_detector
from edge.evaluation.curves import MeasuredFace, View, compared_pairs
from edge.evaluation.face_store import FaceStore
from edge.evaluation.group_list import read_groups
from edge.evaluation.measured_faces import FaceFinder, FaceMeasurer
from edge.evaluation.measures import MeasureSettings, open_measures
from edge.evaluation.pair_list import read_pairs
from edge.evaluation.run import Found, collect_all, versions, views_of
from engines.biometrics.edc import Question, error_versus_discard, partial_area
from engines.biometrics.variance import share_between
from engines.pair.pair import open_pair

SEEDS = (1, 2)
PENALTIES = (None, 300.0, 100.0, 30.0, 10.0)
"""None leaves the shift as it is."""


def log_shift(face: MeasuredFace) -> float:
    return float(np.log(2 * (1 - face.qualities["prefiqs"]) + 1e-6))


def fitted(faces: list[MeasuredFace], penalty: float | None):
    """Return what foretells the log shift of an embedding, up to a constant."""
    rows = np.stack([face.embedding for face in faces]).astype(np.float64)
    if penalty is None:
        return np.zeros(rows.shape[1])
    shifts = np.array([log_shift(face) for face in faces])
    rows -= rows.mean(axis=0)
    gram = rows.T @ rows + penalty * np.eye(rows.shape[1])
    return np.linalg.solve(gram, rows.T @ (shifts - shifts.mean()))


def judged(view: View, weights) -> View:
    """Return the faces with the quality that is left."""

    def left(face: MeasuredFace) -> MeasuredFace:
        quality = float(face.embedding @ weights) - log_shift(face)
        return MeasuredFace(face.embedding, {"left": quality})

    return View({name: left(face) for name, face in view.faces.items()}, view.verifying)


def measured(arguments: argparse.Namespace) -> Found:
    pairs = read_pairs(arguments.lfw / "pairs.csv")
    settings = DetectorSettings(threads=1)
    with open_pair(arguments.pair) as pair, closing(FaceStore(arguments.store)) as store:
        name = settings.model_dump_json(exclude={"threads"})
        finder = FaceFinder(arguments.lfw / "images", open_detector(settings), name, store)
        measures = open_measures(["prefiqs"], arguments.pair, pair, MeasureSettings())
        looked_at = versions(pairs.images(), SEEDS, 0.4)
        with Progress() as bars:
            return collect_all(FaceMeasurer(finder, pair, measures), looked_at, bars)


def main() -> None:
    """Print a row for each penalty."""
    parser = argparse.ArgumentParser()
    for name in ("lfw", "pair", "groups"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--store", type=Path, default=Path("faces.sqlite"))
    arguments = parser.parse_args()
    pairs = read_pairs(arguments.lfw / "pairs.csv")
    groups = read_groups(arguments.groups, pairs.images())
    found = measured(arguments)
    views = views_of(found, found)
    [clean] = views["clean"]
    early = {PurePath(name).parent for name in pairs.of(pairs.fold < 2).images()}
    others = pairs.of(
        np.array([not early & {PurePath(name).parent for name in pair} for pair in pairs.pairs()])
    )
    training = [
        face
        for view in [clean, *views["degraded"]]
        for name, face in view.faces.items()
        if PurePath(name).parent in early
    ]
    for penalty in PENALTIES:
        weights = fitted(training, penalty)
        held_out = {
            name: face.qualities["left"]
            for name, face in judged(clean, weights).faces.items()
            if PurePath(name).parent not in early
        }
        values = np.array(list(held_out.values()))
        people = [PurePath(name).parent.name for name in held_out]
        between = share_between(values, np.unique(people, return_inverse=True)[1])
        median = np.median(values)
        shares = {
            group: np.mean(
                [
                    held_out[n] >= median
                    for n in held_out
                    if n in groups and groups[n].group == group
                ]
            )
            for group in {each.group for each in groups.values()}
        }
        compared = compared_pairs(
            "x", others, [judged(view, weights) for view in views["degraded"]]
        )
        curve = error_versus_discard(
            compared.comparisons, compared.qualities("left"), Question(1e-2, 0.3, "fixed")
        )
        ratio = min(shares.values()) / max(shares.values())
        sys.stdout.write(
            f"| {penalty} | {between:.2f} | {ratio:.2f} | {partial_area(curve, 0.3):.3f} |\n"
        )


if __name__ == "__main__":
    main()
