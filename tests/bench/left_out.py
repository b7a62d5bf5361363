"""What could measure quality for a network that every rule was chosen without."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from engines.biometrics.bootstrap import Estimate
from engines.build.recognisability import UNRECOGNISABLE_FROM, held_out
from engines.calibration.self_made import FALSE_MATCH_RATES, SelfMade
from engines.catalogue.values import Quality
from engines.pair.merit import Merit
from engines.pruning.candidates import Candidate
from engines.pruning.named_recipes import find_recipe
from engines.quality.recognisability import fitted
from engines.quality.shift import embedding_norms, embedding_shift, mean_shift, unit_rows
from tests.bench.choice_rules import Examined, best_rule
from tests.bench.network_truth import SEEDS, Subject, Truth

GATE = "mobilefacenet512"
MEASURES: tuple[Quality, ...] = ("own", "recognisability", "both", "gate")


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """What could measure quality for a network that was left out."""

    says: Mapping[Quality, Merit]
    """Of self-made comparisons."""
    values: Mapping[str, Mapping[str, NDArray[np.floating]]]
    """By set of labelled photographs and measure: of each face, higher is better."""
    truth: Mapping[str, Truth]
    """By set of labelled photographs."""

    def ratio(self, name: str, fmr: float) -> Estimate:
        """Return the ratio to the norm on people that nothing was chosen on."""
        return self.truth["judge"].ratio(self.values["judge"][name], fmr)

    def excess(self, name: Quality) -> float:
        """Return how much higher the ratio is on labelled photographs than the figure says."""
        ratios = [
            truth.area(self.values[which][name], fmr) / truth.area(truth.norms, fmr)
            for (which, truth), fmr in product(self.truth.items(), FALSE_MATCH_RATES)
        ]
        return float(np.mean(ratios)) - self.says[name].ratio.value


def measures(every: Sequence[Examined], each: Examined) -> Measured:
    """Return what the build says of each measure, and its values on labelled faces."""
    subject, faces = each.subject, each.subject.known()
    taken = each.candidates[each.chosen(best_rule([o for o in every if o is not each]))]
    dense, shift = subject.tried("golden", [taken])
    made, norms = SelfMade(faces, unit_rows(dense)), embedding_norms(dense)
    few = embedding_shift(dense, held_out(dense, faces))
    learnt = fitted(dense[faces.strength >= UNRECOGNISABLE_FROM], dense[faces.clean])
    shifts: dict[Quality, NDArray[np.float32]] = {
        "own": shift,
        "recognisability": few,
        "both": mean_shift((shift, few)),
    }
    gate, wanted = gate_of(every)
    if each is not gate:
        shifts["gate"] = gate.subject.tried("golden", [wanted])[1]
    labelled: dict[str, dict[str, NDArray[np.floating]]] = {}
    for which in SEEDS:
        rows, own = subject.tried(which, [taken])
        alone = embedding_shift(rows, learnt.moved(rows))
        labelled[which] = {
            "own": -own,
            "recognisability": -alone,
            "both": -mean_shift((own, alone)),
            "gate": in_order(subject, gate_quality(every, which), which),
            "norm": embedding_norms(rows),
        }
    return Measured(
        {name: made.merit(-values, norms) for name, values in shifts.items()},
        labelled,
        {which: Truth(subject, which) for which in SEEDS},
    )


def gate_of(every: Sequence[Examined]) -> tuple[Examined, Candidate]:
    """Return the gate's own network and its recipe `fast`."""
    gate = next(each for each in every if each.subject.name == GATE)
    wanted = next(
        each
        for each in gate.candidates
        if each.recipe == replace(find_recipe(GATE), layers=each.recipe.layers)
        and each.family == "last layer"
    )
    return gate, wanted


def gate_quality(
    every: Sequence[Examined], which: str = "judge"
) -> dict[tuple[str, int | None], float]:
    """Return the quality that the gate's own network gives each face, by what the face is."""
    gate, wanted = gate_of(every)
    _, shift = gate.subject.tried(which, [wanted])
    return dict(zip(gate.subject.keys(which), (-shift).tolist(), strict=True))


def in_order(
    subject: Subject, quality: Mapping[tuple[str, int | None], float], which: str = "judge"
) -> NDArray[np.float64]:
    """Return the qualities in the order of another network's faces; one that has none is worst."""
    worst = min(quality.values())
    return np.array([quality.get(key, worst) for key in subject.keys(which)])
