"""
What is a score blind to? By camera fault, for masks at several depths of a network.

    python -m tests.bench.depth_by_fault --cache DIR NETWORK NETWORK ...

On the golden faces, each six times degraded: Spearman correlation of the strength of a fault (0 for
faces as they are) with the embedding norm, with the shift of the last layer, of eight neighbouring
layers at depths from early to late, and with the mean of the last layer's shift and the earliest
window's, each over its median; and with what components of ISO/IEC 29794-5 see. More is better.
`ratio`: figure of merit over that of the norm.
What is embedded is kept below --cache, in the form of `leave_one_network_out`. Prints Markdown.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from engines.biometrics.degrade import (
    FAULTS,
    assigned_degradation,
    degrade,
    generator_of,
    with_margin,
)
from engines.biometrics.ranks import spearman
from engines.build.golden_faces import golden_faces
from engines.calibration.faces import COPIES, CalibrationFaces
from engines.calibration.self_made import SelfMade
from engines.pruning.candidates import Candidate, _window
from engines.pruning.form import lean
from engines.pruning.prune import prunable_weights
from engines.pruning.recipe import Recipe
from engines.quality.photometry import photometry
from engines.quality.shift import embedding_norms, unit_rows
from tests.bench.network_truth import Bed, Subject

PLACES = tuple(place / 11 for place in (1, 2, 4, 5, 7, 9))
"""Shares of the depth."""
WIDE = 8
COMPONENTS = ("under_exposure_prevention", "over_exposure_prevention", "no_compression_artifacts")


def lines(subject: Subject) -> Iterator[str]:
    """Yield the table of one network."""
    faces, fault = subject.known(), _faults()
    dense, measures = _measures(subject, faces)
    made = SelfMade(faces, unit_rows(dense))
    norms = embedding_norms(dense)
    opponent = made.area(norms)
    yield f"| `{subject.name}` | ratio | {' | '.join(FAULTS)} |"
    yield "|---|---|" + "---|" * len(FAULTS)
    everything = {"embedding norm": -norms, **measures, **_components(subject)}
    for name, shift in everything.items():
        cells = [f"{made.area(-shift) / opponent:.2f}"]
        for one in FAULTS:
            some = (fault == one) | faces.clean
            cells.append(f"{spearman(faces.strength[some].astype(float), shift[some]):+.2f}")
        yield f"| {name} | {' | '.join(cells)} |"


def _measures(
    subject: Subject, faces: CalibrationFaces
) -> tuple[NDArray[np.float32], Mapping[str, NDArray[np.float64]]]:
    model = lean(subject.network)[0].model
    names = tuple(dict.fromkeys(each.layer for each in prunable_weights(model)))
    tried = [Candidate("", "last layer", _recipe(names[-1:], 0.35), 1)]
    for place in PLACES:
        name, layers = _window(names, WIDE, place)
        tried.append(Candidate("", name, _recipe(layers, 0.1), 1))
    dense, *shifts = subject.tried("golden", tried)
    found = {
        each.family: shift.astype(np.float64) for each, shift in zip(tried, shifts, strict=True)
    }
    last, early = found["last layer"], found[tried[1].family]
    middle = [float(np.median(each[faces.clean])) for each in (last, early)]
    found["mean of last and earliest"] = last / middle[0] + early / middle[1]
    return dense, found


def _components(subject: Subject) -> dict[str, NDArray[np.float64]]:
    """Return the native values, worse being more, of components that see a fault each."""
    framed = with_margin(subject.network.specification)
    landmarks = np.array(framed.template, np.float32)
    rows = []
    for number, image in enumerate(golden_faces(framed).images, 1):
        for copy in range(-1, COPIES):
            name = f"{number} {copy}"
            fault = None if copy < 0 else assigned_degradation(name, 0, 1)
            seen = image
            if fault is not None:
                seen = degrade(image, fault, generator_of(name, 0, "pixels"))
            found = photometry(seen, landmarks)
            rows.append([found[each].value if each in found else 0.0 for each in COMPONENTS])
    return dict(zip(COMPONENTS, np.array(rows).T, strict=True))


def _recipe(layers: tuple[str, ...], sparsity: float) -> Recipe:
    return Recipe(sparsity=sparsity, layers=layers, importance="channel")


def _faults() -> NDArray[np.str_]:
    """Return the fault of each calibration face, in their order; empty where there is none."""
    faces = 124
    names = []
    for face in range(1, faces + 1):
        names.append("")
        for copy in range(COPIES):
            fault = assigned_degradation(f"{face} {copy}", 0, 1)
            names.append("" if fault is None else fault.fault)
    return np.array(names)


def main() -> None:
    """Print one table for each network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("networks", nargs="+", metavar="NETWORK")
    parser.add_argument("--cache", type=Path, required=True, metavar="DIR")
    arguments = parser.parse_args()
    with Progress() as progress:
        bed = Bed(Path(), arguments.cache, progress)
        for name in arguments.networks:
            text = "\n".join(lines(Subject.open(name, bed)))
            sys.stdout.write(f"{text}\n\n")


if __name__ == "__main__":
    main()
