"""A sweep as files: a picture for people, and all of its rows as CSV."""

import csv
import io
from collections.abc import Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

from engines.calibration.pairs import CHOSEN_AT, PairsVerdict
from engines.calibration.report import areas_of, recipe_text
from engines.calibration.sweep import Signals, Sweep
from engines.errors import CalibrationError
from engines.pruning.recipe import Recipe
from engines.whole_file import whole_file, write_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = (
    "#0072b2",
    "#d55e00",
    "#009e73",
    "#cc79a7",
    "#e69f00",
    "#56b4e9",
    "#f0e442",
    "#999999",
    "#000000",
    "#882255",
)
"""
Told apart by colour-blind people too; Okabe and Ito, "Color Universal Design", 2008, and wine of
Paul Tol's muted scheme (SRON/EPS/TN/09-002). One for each kind of candidate.
"""

COLUMNS = (
    "family",
    "layers",
    "scope",
    "importance",
    "structure",
    "sparsity",
    "cost",
    "faces",
    "over_norm",
    "between_people",
    "agreement",
    "median_shift",
    "fit",
    "pauc",
    "pauc_minus_norm",
)
"""Of the CSV; the last two are empty without labelled pairs, and
`over_norm` and `between_people` with them."""


def write_sweep(found: Sweep, path: Path, verdict: PairsVerdict | None = None) -> None:
    """
    Write every candidate as one row of a CSV file, in the order tried.

    Args:
        found: The candidates.
        path: To write; replaced if there.
        verdict: From labelled pairs, if there were any.
    """
    areas = areas_of(found, verdict)
    norm = None if verdict is None else verdict.choice.norm_area
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for each in found.signals:
        writer.writerow([*_facts(each), *_area_facts(areas.get(id(each)), norm)])
    write_whole(path, text.getvalue().encode())


def _facts(each: Signals) -> list[str]:
    recipe = each.candidate.recipe
    masks = recipe.single
    figures = (each.ratio, each.between, each.agreement, each.median_shift)
    return [
        each.candidate.family,
        " | ".join(" ".join(mask.layers) for mask in masks),
        *(
            " | ".join(dict.fromkeys(values))
            for values in zip(*map(_mask_facts, masks), strict=True)
        ),
        f"{each.candidate.cost:.3f}",
        str(each.shift.size),
        *("" if figure is None else f"{figure:.4f}" for figure in figures),
        each.fault or "yes",
    ]


def _mask_facts(mask: Recipe) -> tuple[str, ...]:
    return mask.scope, mask.importance, mask.structure, f"{mask.sparsity:g}"


def _area_facts(area: float | None, norm: float | None) -> list[str]:
    if area is None or norm is None:
        return ["", ""]
    return [f"{area:.4f}", f"{area - norm:+.4f}"]


def draw_sweep(
    found: Sweep, chosen: Signals, path: Path, title: str, verdict: PairsVerdict | None = None
) -> None:
    """
    Write a PNG: each candidate by what it costs and how well it does; unfit ones are hollow.

    A line joins the front: the candidates that no cheaper one beats.

    Raises:
        CalibrationError: matplotlib is not installed; the message says how to.
    """
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415
    except ImportError as error:
        raise CalibrationError(
            "drawing needs matplotlib: pip install 'edge-gate[evaluate]', or leave out --plot"
        ) from error
    areas = areas_of(found, verdict)
    figure = Figure(figsize=(10.5, 5), layout="constrained", dpi=100)
    axes = figure.add_subplot(title=title)
    _points(axes, found.signals, areas)
    x, y = _point(chosen, areas)
    label = f"chosen: {recipe_text(chosen.candidate)}"
    axes.plot(x, y, "o", ms=16, mfc="none", mec="black", label=label)
    norm = verdict.choice.norm_area if verdict else 1.0
    axes.axhline(norm, color="black", ls="--", lw=1, label="embedding norm (free)")
    axes.set_xlabel("multiply-adds of embedding and score over the embedding alone")
    axes.set_ylabel(
        f"pAUC at FMR {CHOSEN_AT:g}, lower is better"
        if areas
        else "figure of merit over that of the norm, lower is better"
    )
    axes.grid(alpha=0.3)
    figure.legend(fontsize=9, loc="outside right upper")  # within the axes it covers points
    with whole_file(path) as file:
        figure.savefig(file, format="png")


def front(points: Sequence[tuple[float, float]]) -> list[float]:
    """Return the least value that no more than each point's cost buys; (cost, value) ascending."""
    return list(accumulate((value for _, value in points), min))


def _points(axes: "Axes", signals: Sequence[Signals], areas: Mapping[int, float]) -> None:
    kinds = dict.fromkeys(each.candidate.kind for each in signals)
    for kind, colour in zip(kinds, COLOURS[: len(kinds)], strict=True):
        for fit, fill in ((True, colour), (False, "none")):
            points = [
                _point(each, areas)
                for each in signals
                if each.candidate.kind == kind and (each.fault is None) is fit
            ]
            label = kind if fit else None
            xs, ys = [x for x, _ in points], [y for _, y in points]
            axes.plot(xs, ys, "o", mfc=fill, mec=colour, ls="none", ms=6, label=label)
    ordered = sorted(_point(each, areas) for each in signals if each.fault is None)
    best = front(ordered)
    costs = [cost for cost, _ in ordered]
    axes.plot(costs, best, drawstyle="steps-post", color="0.4", lw=1, zorder=1, label="front")


def _point(each: Signals, areas: Mapping[int, float]) -> tuple[float, float]:
    return each.candidate.cost, areas.get(id(each), 1.0 if each.ratio is None else each.ratio)
