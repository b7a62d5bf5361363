"""
Does calibration choose well on a network that none of its rules was chosen on?

    python -m tests.bench.leave_one_network_out --lfw DIR --cache DIR NETWORK NETWORK ...

NETWORK is a catalogue name or an entry file. Each in turn is left out: signal, tolerance and price
of the choice are those that choose best on the others (folds 1 and 2 of LFW); they choose for it on
the golden faces; and the chosen recipe is judged on folds 3 to 5 with other seeds, thresholds over
all comparisons of different people. What is embedded is kept below --cache. Prints Markdown.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from rich.progress import Progress

from engines.biometrics.bootstrap import Estimate
from engines.biometrics.ranks import spearman
from engines.build.other_measures import advised
from engines.calibration.self_made import FALSE_MATCH_RATES
from engines.catalogue.values import Quality
from engines.pair.merit import FLATTERED, estimate_text
from engines.quality.shift import embedding_norms
from tests.bench.choice_rules import Examined, Rule, best_rule, examined
from tests.bench.left_out import GATE, MEASURES, Measured, gate_of, gate_quality, in_order, measures
from tests.bench.network_truth import Bed, Subject, Truth, bed_parser

BEST = 3
"""Recipes of each network to show."""


def lines(every: Sequence[Examined]) -> Iterator[str]:
    """Yield the tables."""
    yield from _rank_lines(every)
    yield ""
    yield from _best_lines(every)
    yield ""
    yield from _choice_lines(every)
    yield ""
    found = [measures(every, each) for each in every]
    yield from _measure_lines(every, found)
    yield ""
    yield from _advice_lines(every, found)
    yield ""
    yield from _opponent_lines(every)


def _rank_lines(every: Sequence[Examined]) -> Iterator[str]:
    names = list(every[0].signals)
    yield f"| network | recipes | {' | '.join(names)} |"
    yield "|---|---|" + "---|" * len(names)
    for each in every:
        cells = []
        for name in names:
            values = [f"{spearman(each.signals[name], true):+.2f}" for true in each.truth.values()]
            cells.append(" / ".join(values))
        yield f"| `{each.subject.name}` | {len(each.candidates)} | {' | '.join(cells)} |"


def _best_lines(every: Sequence[Examined]) -> Iterator[str]:
    yield "| network | recipe | price | people | estimate | FMR 1e-2 | FMR 1e-3 |"
    yield "|---|---|---|---|---|---|---|"
    for each in every:
        order = np.argsort(sum(each.truth.values()))
        for at in order[:BEST]:
            true = " | ".join(f"{ratios[at]:.2f}" for ratios in each.truth.values())
            yield f"| `{each.subject.name}` | {_facts(each, int(at))} | {true} |"


def _facts(each: Examined, at: int) -> str:
    taken = each.candidates[at]
    if taken.recipe.masks:
        return " | ".join((taken.family, *_figures(each, at)))
    structure = "" if taken.recipe.structure == "weights" else f" {taken.recipe.structure}"
    name = f"{taken.family}, {taken.recipe.importance}{structure} {taken.recipe.sparsity:g}"
    return " | ".join((name, *_figures(each, at)))


def _figures(each: Examined, at: int) -> tuple[str, str, str]:
    cost, estimate = each.candidates[at].cost, each.signals["mean of all"][at]
    return f"{cost:.2f}", f"{each.between[at]:.2f}", f"{estimate:.2f}"


def _choice_lines(every: Sequence[Examined]) -> Iterator[str]:
    yield (
        "| left out | rule chosen on the others | it takes | price | people | estimate | "
        "FMR 1e-2 | FMR 1e-3 | former choice | gate |"
    )
    yield "|" + "---|" * 10
    gate = gate_quality(every)
    for each in every:
        rule = best_rule([other for other in every if other is not each])
        at, former = each.chosen(rule), each.chosen(Rule("separation (former)", 0.01, 1.15))
        _, *shifts = each.subject.tried("judge", [each.candidates[n] for n in (at, former)])
        judged = Truth(each.subject, "judge")
        ratios = [[judged.ratio(-shift, fmr) for fmr in FALSE_MATCH_RATES] for shift in shifts]
        beside = "itself"
        if each.subject.name != GATE:
            quality = in_order(each.subject, gate)
            beside = _texts([judged.ratio(quality, fmr) for fmr in FALSE_MATCH_RATES])
        cells = [
            f"`{each.subject.name}`",
            rule.text(),
            _facts(each, at),
            *(estimate_text(one) for one in ratios[0]),
            _texts(ratios[1]),
            beside,
        ]
        yield f"| {' | '.join(cells)} |"


def _measure_lines(every: Sequence[Examined], found: Sequence[Measured]) -> Iterator[str]:
    """Yield what each measure is worth on the people and the network that nothing was chosen on."""
    yield f"| left out | {' | '.join(MEASURES)} |"
    yield "|---|" + "---|" * len(MEASURES)
    for each, measured in zip(every, found, strict=True):
        cells = [
            _texts([measured.ratio(name, fmr) for fmr in FALSE_MATCH_RATES])
            if name in measured.says
            else "itself"
            for name in MEASURES
        ]
        yield f"| `{each.subject.name}` | {' | '.join(cells)} |"


def _advice_lines(every: Sequence[Examined], found: Sequence[Measured]) -> Iterator[str]:
    """
    Yield what the build would say of the choice for a network left out, and what comes of it.

    By how much a figure flatters is what it did on the other networks.
    """
    yield (
        f"| left out | {' | '.join(f'of {name}' for name in MEASURES)} | "
        "flattered on the others | it advises | FMR 1e-2 | 1e-3 |"
    )
    yield "|" + "---|" * (5 + len(MEASURES))
    for each, measured in zip(every, found, strict=True):
        others = [other for other in found if other is not measured]
        flattered = {name: _flattered(others, name) for name in FLATTERED}
        says = {
            name: replace(merit, better_below=1 - flattered.get(name, 0.0))
            for name, merit in measured.says.items()
        }
        best = advised(says["own"], {k: v for k, v in says.items() if k != "own"})
        cells = [
            f"`{each.subject.name}`",
            *(
                f"{estimate_text(says[name].ratio)} {says[name].verdict}"
                if name in says
                else "itself"
                for name in MEASURES
            ),
            ", ".join(f"{name} {by:.2f}" for name, by in flattered.items()),
            f"`{best}`",
            *(estimate_text(measured.ratio(best, fmr)) for fmr in FALSE_MATCH_RATES),
        ]
        yield f"| {' | '.join(cells)} |"


def _flattered(others: Sequence[Measured], name: Quality) -> float:
    return float(np.mean([each.excess(name) for each in others if name in each.says]))


def _opponent_lines(every: Sequence[Examined]) -> Iterator[str]:
    """Yield what the gate's quality is over either norm: of the recogniser, and the gate's own."""
    yield "| recogniser | over its norm | over the gate's norm |"
    yield "|---|---|---|"
    gate, _ = gate_of(every)
    dense, *_ = gate.subject.tried("judge", ())
    keys = gate.subject.keys("judge")
    norm = dict(zip(keys, embedding_norms(dense).tolist(), strict=True))
    quality = gate_quality(every)
    for each in (one for one in every if one is not gate):
        judged = Truth(each.subject, "judge")
        found = in_order(each.subject, quality)
        cells = [
            " / ".join(
                f"{judged.area(found, fmr) / judged.area(opponent, fmr):.2f}"
                for fmr in FALSE_MATCH_RATES
            )
            for opponent in (judged.norms, in_order(each.subject, norm))
        ]
        yield f"| `{each.subject.name}` | {' | '.join(cells)} |"


def _texts(estimates: Sequence[Estimate]) -> str:
    return " / ".join(estimate_text(each) for each in estimates)


def main() -> None:
    """Print the tables."""
    arguments = bed_parser(__doc__).parse_args()
    with Progress() as progress:
        bed = Bed(arguments.lfw, arguments.cache, progress)
        every = [examined(Subject.open(name, bed)) for name in arguments.networks]
        text = "\n".join(lines(every))
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
