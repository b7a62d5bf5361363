"""
What is a second opinion worth beside each measure of a network that every rule was chosen without?

    python -m tests.bench.second_opinions --lfw DIR --cache DIR --opinion ENTRY NETWORK NETWORK ...

ENTRY is that of a quality network, such as configs/networks/lightqnet.yaml. As `pair build` fuses
them: the mean of both ranks among the reference faces. Choices, photographs and ratios to the norm
are those of `leave_one_network_out`, and what is embedded is kept below --cache. Prints Markdown.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from engines.build.recognisability import held_out_of_first
from engines.build.reference_faces import reference_faces
from engines.calibration.self_made import FALSE_MATCH_RATES
from engines.catalogue.catalogue import find_entry
from engines.onnxruntime.backend import open_network
from engines.pair.merit import estimate_text
from engines.pair.quality_network import QualityNetwork, load_quality_network
from engines.pair.second_opinion import qualities
from engines.quality.fusion import fit_ranking
from engines.quality.score_mapping import fit_score_mapping
from engines.quality.shift import embedding_shift, mean_shift
from tests.bench.choice_rules import Examined, best_rule, examined
from tests.bench.left_out import Measured, measures
from tests.bench.network_truth import Bed, Subject, bed_parser

BESIDE = ("own", "recognisability", "both")

Floats = NDArray[np.floating]


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """What is said of a network's reference faces."""

    shifts: Mapping[str, NDArray[np.float32]]
    """By measure."""
    said: Floats
    """By the second opinion."""


def lines(every: Sequence[Examined], second: QualityNetwork) -> Iterator[str]:
    """Yield the table."""
    columns = ("alone", *(f"beside {name}" for name in BESIDE))
    yield f"| left out | {' | '.join(columns)} |"
    yield "|---|" + "---|" * len(columns)
    for each in every:
        measured, said = measures(every, each), _said(each.subject, second)
        reference = _reference(every, each, second)
        alone = measured.truth["judge"]
        fused = [_fused(measured, reference, name, said) for name in BESIDE]
        cells = [
            " / ".join(estimate_text(alone.ratio(values, fmr)) for fmr in FALSE_MATCH_RATES)
            for values in (said, *fused)
        ]
        yield f"| `{each.subject.name}` | {' | '.join(cells)} |"


def _fused(measured: Measured, reference: Reference, name: str, said: Floats) -> Floats:
    mapping = fit_score_mapping(reference.shifts[name])
    shift = -measured.values["judge"][name].astype(np.float32)
    ranking = fit_ranking(reference.said.astype(np.float64))
    return mapping.score(shift) / 100 + ranking.share(said.astype(np.float64))


def _said(subject: Subject, second: QualityNetwork) -> Floats:
    """Return what is said of the judged people's faces; one that is found no more is worst."""
    specification = subject.network.specification
    images, keys = subject.bed.faces("judge", specification)
    found = dict(zip(keys, qualities(second, images, specification).tolist(), strict=True))
    worst = min(found.values())
    return np.array([found.get(key, worst) for key in subject.keys("judge")])


def _reference(every: Sequence[Examined], each: Examined, second: QualityNetwork) -> Reference:
    """Embed the reference faces, and ask of them."""
    rule = best_rule([other for other in every if other is not each])
    network, taken = each.subject.network, each.candidates[each.chosen(rule)]
    known = reference_faces(each.subject.known(), network.specification)
    dense, own = each.subject.embedded([taken], known)
    alone = embedding_shift(dense, held_out_of_first(dense, each.subject.known()))
    return Reference(
        {"own": own, "recognisability": alone, "both": mean_shift((own, alone))},
        qualities(second, known, network.specification),
    )


def main() -> None:
    """Print the table."""
    parser = bed_parser(__doc__)
    parser.add_argument("--opinion", type=Path, required=True, metavar="ENTRY")
    arguments = parser.parse_args()
    entry = find_entry(str(arguments.opinion.absolute()))
    network = load_quality_network(entry)
    opened = open_network(network.model.SerializeToString())
    second = QualityNetwork(opened, network.specification, entry.direction or "higher")
    with Progress() as progress, closing(second):
        bed = Bed(arguments.lfw, arguments.cache, progress)
        every = [examined(Subject.open(name, bed)) for name in arguments.networks]
        sys.stdout.writelines(f"{line}\n" for line in lines(every, second))


if __name__ == "__main__":
    main()
