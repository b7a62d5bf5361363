"""A calibration for people: its sweep as a table on a terminal and as a picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.box import SIMPLE
from rich.console import Group
from rich.table import Table
from rich.text import Text

from engines.bootstrap import Estimate, MeasureArea
from engines.calibrate import Signals, Sweep
from engines.calibrate_pairs import CHOSEN_AT, NORM, PairsVerdict
from engines.candidates import Candidate
from engines.errors import CalibrationError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROWS = 15
"""Of the table; the picture shows all."""

LEGEND = (
    "→ chosen, ! unfit: collapsed or did not move. recipe: layers pruned, importance, sparsity. "
    "cost: multiply-adds of embedding and score over those of the embedding. AUROC: degraded "
    "against clean faces by shift. agree: rank correlation of dense and pruned comparison scores. "
    f"shift: median of clean faces. pAUC: at FMR {CHOSEN_AT:g}, lower is better."
)

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00")
"""Told apart by colour-blind people too; Okabe and Ito, "Color Universal Design", 2008."""


def sweep_table(found: Sweep, chosen: Signals, verdict: PairsVerdict | None = None) -> Group:
    """
    Return the best candidates and the chosen one.

    Args:
        found: All of them.
        chosen: One of its signals.
        verdict: From labelled pairs, if there were any.
    """
    areas = _areas(found, verdict)
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
    area = [f"{verdict.norm_area:.3f}"] if verdict else []
    table.add_row("", "embedding norm (free)", "", f"{found.norm_separation:.3f}", "", "", *area)
    return Group(table, Text(LEGEND), *(Text(line) for line in _report_lines(verdict)))


def recipe_text(candidate: Candidate) -> str:
    """Return a candidate in words: family, importance and sparsity."""
    recipe = candidate.recipe
    return f"{candidate.family}, {recipe.importance} {recipe.sparsity:g}"


def draw_sweep(
    found: Sweep, chosen: Signals, path: Path, verdict: PairsVerdict | None = None
) -> None:
    """
    Write a PNG: each candidate by what it costs and how well it does; unfit ones are hollow.

    Raises:
        CalibrationError: matplotlib is not installed; the message says how to.
    """
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415
    except ImportError as error:
        raise CalibrationError(
            "drawing needs matplotlib: pip install 'edge-gate[evaluate]', or leave out --plot"
        ) from error
    areas = _areas(found, verdict)
    figure = Figure(figsize=(9, 5.5), layout="constrained", dpi=110)
    axes = figure.add_subplot()
    _points(axes, found.signals, areas)
    x, y = _point(chosen, areas)
    axes.plot(
        x, y, "o", ms=16, mfc="none", mec="black", label=f"chosen: {recipe_text(chosen.candidate)}"
    )
    norm = verdict.norm_area if verdict else found.norm_separation
    axes.axhline(norm, color="black", ls="--", lw=1, label="embedding norm (free)")
    axes.set_xlabel("multiply-adds of embedding and score over the embedding alone")
    axes.set_ylabel(
        f"pAUC at FMR {CHOSEN_AT:g}, lower is better"
        if areas
        else "separation (AUROC), higher is better"
    )
    axes.legend(fontsize=9)
    figure.savefig(path)


def _points(axes: "Axes", signals: Sequence[Signals], areas: Mapping[int, float]) -> None:
    kinds = dict.fromkeys(each.candidate.kind for each in signals)
    for kind, colour in zip(kinds, COLOURS, strict=False):
        for fit, fill in ((True, colour), (False, "none")):
            points = [
                _point(each, areas)
                for each in signals
                if each.candidate.kind == kind and (each.fault is None) is fit
            ]
            label = kind if fit else None
            xs, ys = [x for x, _ in points], [y for _, y in points]
            axes.plot(xs, ys, "o", mfc=fill, mec=colour, ls="none", ms=6, label=label)


def _areas(found: Sweep, verdict: PairsVerdict | None) -> dict[int, float]:
    """Return the area of each candidate by its identity; empty without labels."""
    if verdict is None:
        return {}
    return {id(each): area for each, area in zip(found.signals, verdict.areas, strict=True)}


def _rank(each: Signals, areas: Mapping[int, float]) -> tuple[bool, float]:
    return each.fault is not None, areas.get(id(each), -each.separation)


def _point(each: Signals, areas: Mapping[int, float]) -> tuple[float, float]:
    return each.candidate.cost, areas.get(id(each), each.separation)


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
        f"chosen on {verdict.tuning_pairs} pairs; on {verdict.report_pairs} others "
        "(pAUC 0 to 30 %, lower is better, 95 % intervals):"
    )
    return [first, *(_report_line(fmr, areas) for fmr, areas in verdict.report.items())]


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
