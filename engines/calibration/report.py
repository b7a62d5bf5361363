"""A calibration for people: its sweep as a table on a terminal."""

from collections.abc import Mapping

from rich.box import SIMPLE
from rich.console import Group
from rich.table import Table
from rich.text import Text

from engines.amounts import amount
from engines.biometrics.bootstrap import MeasureArea
from engines.calibration.pairs import CHOSEN_AT, NORM, PairsVerdict
from engines.calibration.sweep import Signals, Sweep
from engines.pair.merit import estimate_text, merit_text
from engines.pruning.candidates import Candidate

ROWS = 15
"""Of the table; the picture shows all."""

LEGEND = (
    "→ chosen, ! unfit: collapsed or did not move. recipe: layers pruned, importance, sparsity. "
    "cost: multiply-adds of embedding and score over those of the embedding. /norm: figure of "
    "merit on self-made comparisons over that of the embedding norm, below 1 is better. people: "
    "share of the variance that lies between people, smaller is fairer. agree: rank correlation "
    "of dense and pruned comparison scores. shift: median of clean faces. "
    f"pAUC: at FMR {CHOSEN_AT:g} of labelled pairs, lower is better."
)


def sweep_table(found: Sweep, chosen: Signals, verdict: PairsVerdict | None = None) -> Group:
    """
    Return the best candidates and the chosen one, and what that is worth.

    Args:
        found: All of them.
        chosen: One of its signals.
        verdict: From labelled pairs, if there were any.
    """
    areas = areas_of(found, verdict)
    order = sorted(found.signals, key=lambda each: _rank(each, areas))
    shown = order[:ROWS] + [each for each in (chosen,) if each not in order[:ROWS]]
    table = Table(
        title=f"{len(shown)} of {amount(len(order), 'recipe')}, best first",
        box=SIMPLE,
        pad_edge=False,
        collapse_padding=True,
    )
    table.add_column("")
    table.add_column("recipe", overflow="fold")  # several masks take several lines
    for heading in ("cost", *(["pAUC"] if areas else ["/norm", "people"]), "agree", "shift"):
        table.add_column(heading, justify="right", no_wrap=True)
    for each in shown:
        table.add_row(*_row(each, chosen, areas))
    table.add_section()
    figures = [f"{verdict.choice.norm_area:.3f}"] if verdict else ["1.000", _share(found.between)]
    table.add_row("", "embedding norm (free)", "", *figures, "", "")
    lines = _report_lines(verdict) if verdict else [merit_text(found.merit(chosen))]
    return Group(table, Text(LEGEND), *(Text(line) for line in lines))


def recipe_text(candidate: Candidate) -> str:
    """Return a candidate in words: family, importance and sparsity."""
    recipe = candidate.recipe
    if recipe.masks:
        return candidate.family
    structure = "" if recipe.structure == "weights" else f", {recipe.structure}"
    return f"{candidate.family}, {recipe.importance} {recipe.sparsity:g}{structure}"


def areas_of(found: Sweep, verdict: PairsVerdict | None) -> dict[int, float]:
    """Return the area of each candidate by its identity; empty without labels."""
    if verdict is None:
        return {}
    return {id(each): area for each, area in zip(found.signals, verdict.choice.areas, strict=True)}


def _rank(each: Signals, areas: Mapping[int, float]) -> tuple[bool, int, float]:
    ratio = 1.0 if each.ratio is None else each.ratio
    return each.fault is not None, -each.shift.size, areas.get(id(each), ratio)


def _row(each: Signals, chosen: Signals, areas: Mapping[int, float]) -> list[str]:
    judged = [f"{areas[id(each)]:.3f}"] if areas else [_share(each.ratio), _share(each.between)]
    figures = [f"{each.candidate.cost:.2f}", *judged]
    figures += [f"{each.agreement:.3f}", f"{each.median_shift:.4f}"]
    mark = "→" if each is chosen else "!" if each.fault else ""
    return [mark, recipe_text(each.candidate), *figures]


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _report_lines(verdict: PairsVerdict) -> list[str]:
    first = (
        f"chosen on {amount(verdict.choice.pairs, 'pair')}; on {verdict.report.pairs} others "
        "(pAUC 0 to 30 %, lower is better, 95 % intervals):"
    )
    return [first, *(_report_line(fmr, areas) for fmr, areas in verdict.report.areas.items())]


def _report_line(fmr: float, areas: Mapping[str, MeasureArea] | str) -> str:
    if isinstance(areas, str):
        return f"  {areas}"
    recipe, norm = areas["recipe"], areas[NORM]
    return (
        f"  FMR {fmr:g}: {estimate_text(recipe.area)}, embedding norm {estimate_text(norm.area)}, "
        f"difference {estimate_text(recipe.difference, sign='+')}"
    )
