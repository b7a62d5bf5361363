"""
Hold the scale of scores against networks and people that it was not fitted on.

    python tests/bench/score_scale.py PAIR ... --pairs lfw/pairs.csv --images lfw/images

For each engine pair: the share of the same faces forwarded at each threshold, how many of the badly
damaged ones (strength 4 and 5) the fullest window of 8 points holds, and how many mated comparisons
fail at FMR 1e-3 by the score of the worse face. 40 % of the photographs are degraded, by each seed
anew; only folds 3 to 5 are looked at.
"""

import argparse
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
from rich.progress import Progress

sys.path.insert(0, str(Path(__file__).parents[2]))

from edge.config.model import DetectorSettings
from edge.detection.open import open_detector
from edge.evaluation.face_store import FaceStore
from edge.evaluation.measured_faces import FaceFinder, FaceMeasurer
from edge.evaluation.measures import MeasureSettings, open_measures
from edge.evaluation.pair_list import read_pairs
from edge.evaluation.run import collect_all, overlaid, versions
from engines.biometrics.comparisons import threshold_at_fmr
from engines.pair.pair import open_pair

FOLDS = ("3", "4", "5")
SHARE, FMR, WINDOW = 0.4, 1e-3, 8.0
THRESHOLDS = (10, 20, 30, 40, 50, 60, 70, 80, 90)
ENOUGH = 30
"""Mated comparisons of one row."""


def measured(folder, looked_at, finder, progress):
    """Return each seed's faces: name -> (embedding, score, strength)."""
    with open_pair(folder) as pair:
        measures = open_measures(("prefiqs",), folder, pair, MeasureSettings())
        mapping = pair.mapping
        found = collect_all(FaceMeasurer(finder, pair, measures), looked_at, progress)
    strengths = [
        {shot.name: shot.degradation.strength for shot in shots} for shots in looked_at.degraded
    ]
    views = []
    for degraded, strength in zip(found.degraded, strengths, strict=True):
        faces = overlaid(found.clean, degraded).faces
        shifts = {name: 2 * (1 - face.qualities["prefiqs"]) for name, face in faces.items()}
        scores = dict(
            zip(shifts, mapping.score(np.array(list(shifts.values()), np.float32)), strict=True)
        )
        views.append(
            {
                name: (face.embedding.astype(np.float64), scores[name], strength.get(name, 0))
                for name, face in faces.items()
            }
        )
    return views


def fullest_window(scores):
    ordered = np.sort(scores)
    ends = np.searchsorted(ordered, ordered + WINDOW, side="right")
    return float((ends - np.arange(len(ordered))).max() / len(ordered))


def failing(views, pairs):
    """Return scores of the worse face and failures of the mated comparisons of all seeds."""
    score, cosine, mated = [], [], []
    for faces in views:
        for first, second, is_mated in zip(pairs.first, pairs.second, pairs.mated, strict=True):
            if first in faces and second in faces:
                (a, s, _), (b, t, _) = faces[first], faces[second]
                score.append(min(s, t))
                cosine.append(a @ b)
                mated.append(is_mated)
    same = np.array(mated, bool)
    cosines, scores = np.array(cosine, np.float64), np.array(score, np.float64)
    return scores[same], cosines[same] < threshold_at_fmr(cosines[~same], FMR)


def row(views, pairs):
    every = np.array([score for faces in views for _, score, _ in faces.values()])
    bad = np.array([s for faces in views for _, s, strength in faces.values() if strength >= 4])
    shares = [float((every >= at).mean()) for at in THRESHOLDS]
    score, fails = failing(views, pairs)
    rates = []
    for low in range(0, 100, 10):
        inside = (score >= low) & (score < low + 10)
        rates.append(float(fails[inside].mean()) if inside.sum() >= ENOUGH else None)
    return shares, fullest_window(bad), rates


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folders", nargs="+", type=Path, metavar="PAIR")
    parser.add_argument("--pairs", type=Path, required=True)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument(
        "--out", type=Path, default=Path("scale"), help="what is computed is kept there"
    )
    parser.add_argument("--degrade", type=int, nargs="+", default=[1, 2, 3])
    arguments = parser.parse_args()
    pairs = read_pairs(arguments.pairs, FOLDS)
    looked_at = versions(pairs.images(), arguments.degrade, SHARE)
    found = {}
    with Progress() as progress, closing(FaceStore(arguments.out / "faces.sqlite")) as store:
        settings = DetectorSettings(threads=1)
        name = settings.model_dump_json(exclude={"threads"})
        finder = FaceFinder(arguments.images, open_detector(settings, progress), name, store)
        for folder in arguments.folders:
            views = measured(folder, looked_at, finder, progress)
            found[folder.name] = row(views, pairs)
    sys.stdout.writelines(f"{each}\n" for each in show(found))


def show(found):
    yield from table(("pair", *(f"≥ {at}" for at in THRESHOLDS), "fullest 8 points"))
    for name, (shares, window, _) in found.items():
        yield line((name, *(f"{100 * share:.0f}" for share in shares), f"{100 * window:.0f}"))
    shares = 100 * np.array([each[0] for each in found.values()])
    away = np.abs(shares - shares.mean(axis=0)).max(axis=0)
    yield line(("furthest from the mean", *(f"{each:.0f}" for each in away), ""))
    yield ""
    yield from table(("pair", *(f"{low} to {low + 10}" for low in range(0, 100, 10))))
    for name, (_, _, rates) in found.items():
        yield line((name, *("few" if each is None else f"{100 * each:.0f}" for each in rates)))


def line(cells):
    return f"| {' | '.join(cells)} |"


def table(headings):
    yield line(headings)
    yield line(["---"] * len(headings))


if __name__ == "__main__":
    main()
