"""A calibration for people: its sweep as a table on a terminal."""

from collections.abc import Mapping

from rich.box import SIMPLE
from rich.console import Group
from rich.table import Table
from rich.text import Text

from engines.biometrics.bootstrap import Estimate, MeasureArea
from engines.calibration.pairs import CHOSEN_AT, NORM, PairsVerdict
from engines.calibration.sweep import Signals, Sweep
from engines.pruning.candidates import Candidate

ROWS = 15
"""Of the table; the picture shows all."""

LEGEND = (
    "→ chosen, ! unfit: collapsed or did not move. recipe: layers pruned, importance, sparsity. "
    "cost: multiply-adds of embedding and score over those of the embedding. AUROC: degraded "
    "against clean faces by shift. agree: rank correlation of dense and pruned comparison scores. "
    f"shift: median of clean faces. pAUC: at FMR {CHOSEN_AT:g}, lower is better."
)


def sweep_table(found: Sweep, chosen: Signals, verdict: PairsVerdict | None = None) -> Group:
    """
    Return the best candidates and the chosen one.

    Args:
        found: All of them.
        chosen: One of its signals.
        verdict: From labelled pairs, if there were any.
    """
    areas = areas_of(found, verdict)
    order = sorted(found.signals, key=lambda each: _rank(each, areas))
    shown = order[:ROWS] + [each for each in (chosen,) if each not in order[:ROWS]]
    table = Table(
        title=f"{len(shown)} of {len(order)} recipes, best first",
        box=SIMPLE,
        pad_edge=False,
        collapse_padding=True,
    )
    table.add_column("")
    table.add_column("recipe", no_wrap=True)
    for heading in ("cost", "AUROC", "agree", "shift", *(["pAUC"] if areas else [])):
        table.add_column(heading, justify="right", no_wrap=True)
    for each in shown:
        table.add_row(*_row(each, chosen, areas))
    table.add_section()
    area = [f"{verdict.choice.norm_area:.3f}"] if verdict else []
    table.add_row("", "embedding norm (free)", "", f"{found.norm_separation:.3f}", "", "", *area)
    return Group(table, Text(LEGEND), *(Text(line) for line in _report_lines(verdict)))


def recipe_text(candidate: Candidate) -> str:
    """Return a candidate in words: family, importance and sparsity."""
    recipe = candidate.recipe
    return f"{candidate.family}, {recipe.importance} {recipe.sparsity:g}"


def areas_of(found: Sweep, verdict: PairsVerdict | None) -> dict[int, float]:
    """Return the area of each candidate by its identity; empty without labels."""
    if verdict is None:
        return {}
    return {id(each): area for each, area in zip(found.signals, verdict.choice.areas, strict=True)}


def _rank(each: Signals, areas: Mapping[int, float]) -> tuple[bool, float]:
    return each.fault is not None, areas.get(id(each), -each.separation)


def _row(each: Signals, chosen: Signals, areas: Mapping[int, float]) -> list[str]:
    figures = [
        f"{each.candidate.cost:.2f}",
        f"{each.separation:.3f}",
        f"{each.agreement:.3f}",
        f"{each.median_shift:.4f}",
        *([f"{areas[id(each)]:.3f}"] if areas else []),
    ]
    mark = "→" if each is chosen else "!" if each.fault else ""
    return [mark, recipe_text(each.candidate), *figures]


def _report_lines(verdict: PairsVerdict | None) -> list[str]:
    if verdict is None:
        return []
    first = (
        f"chosen on {verdict.choice.pairs} pairs; on {verdict.report.pairs} others "
        "(pAUC 0 to 30 %, lower is better, 95 % intervals):"
    )
    return [first, *(_report_line(fmr, areas) for fmr, areas in verdict.report.areas.items())]


def _report_line(fmr: float, areas: Mapping[str, MeasureArea] | str) -> str:
    if isinstance(areas, str):
        return f"  {areas}"
    recipe, norm = areas["recipe"], areas[NORM]
    return (
        f"  FMR {fmr:g}: {_text(recipe.area)}, embedding norm {_text(norm.area)}, "
        f"difference {_text(recipe.difference, sign='+')}"
    )


def _text(estimate: Estimate, sign: str = "") -> str:
    value, low, high = (
        f"{each:{sign}.3f}" for each in (estimate.value, estimate.low, estimate.high)
    )
    return f"{value} [{low}, {high}]"
