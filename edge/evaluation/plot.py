"""Draw error-versus-discard curves. The only module that imports matplotlib (extra `evaluate`)."""

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edge.errors import UsageError
from edge.evaluation.curves import LIMIT, FaultResult, OperatingPoint, SetResult
from engines.whole_file import whole_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999999")
"""Told apart by colour-blind people too; Okabe and Ito, "Color Universal Design", 2008."""
LINES = ("-", "--", ":")
"""Where colours recur."""
HATCHES = ("", "///", "...")
"""Likewise, of bars."""


def draw(sets: Sequence[SetResult], faults: Sequence[FaultResult], title: str, path: Path) -> None:
    """
    Write a PNG: one curve for each measure, set and FMR, and the answer to each fault.

    Args:
        sets: One row of curves each.
        faults: A row of correlations below; none if empty.
        title: Of the picture.
        path: To write; replaced if there.

    Raises:
        UsageError: matplotlib is not installed; the message says how to.
    """
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415
    except ImportError as error:
        raise UsageError(
            "drawing needs matplotlib: pip install 'edge-gate[evaluate]', or leave out --out"
        ) from error
    rows = len(sets) + bool(faults)
    figure = Figure(figsize=(13, 4.6 * rows), layout="constrained", dpi=110)
    figure.suptitle(title)
    grid = figure.add_gridspec(rows, 2)
    for row, one in enumerate(sets):
        for column, point in enumerate(one.points):
            _curves(figure.add_subplot(grid[row, column]), one, point)
    if faults:
        _faults(figure.add_subplot(grid[len(sets), :]), faults)
    with whole_file(path) as file:
        figure.savefig(file, format="png")


def look(number: int) -> tuple[str, str, str]:
    """Return colour, line and hatch of a measure by its place, from 0; 24 differ."""
    again, colour = divmod(number, len(COLOURS))
    return COLOURS[colour], LINES[again % len(LINES)], HATCHES[again % len(HATCHES)]


def _curves(axes: "Axes", one: SetResult, point: OperatingPoint) -> None:
    axes.set_title(f"{one.name} images, FMR {point.fmr:g}: FNMR after discarding")
    if point.reason is not None:
        axes.set_axis_off()
        axes.text(0.5, 0.5, textwrap.fill(point.reason, 50), ha="center", va="center")
        return
    for number, (name, curve) in enumerate(point.curves.items()):
        area = point.areas[name].area
        label = f"{name}  {area.value:.3f} [{area.low:.3f}, {area.high:.3f}]"
        style = "steps-post" if curve.convention == "fixed" else "default"
        shown = curve.discard <= LIMIT  # the axis of FNMR shall suit what is seen
        discard = np.append(curve.discard[shown], LIMIT)
        fnmr = np.append(curve.fnmr[shown], curve.fnmr[shown][-1])
        colour, line, _ = look(number)
        axes.plot(discard, fnmr, line, drawstyle=style, color=colour, label=label)
    axes.set_xlim(0, LIMIT)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("share of pairs discarded, lowest quality first")
    axes.set_ylabel("FNMR (lower is better)")
    axes.legend(fontsize=8, title="pAUC, 1 = useless [95 % interval]", title_fontsize=8)
    axes.grid(alpha=0.3)


def _faults(axes: "Axes", faults: Sequence[FaultResult]) -> None:
    measures = list(faults[0].correlations)
    width = 0.8 / len(measures)
    for number, measure in enumerate(measures):
        values = [fault.correlations[measure] for fault in faults]
        heights = [np.nan if value is None else value for value in values]
        places = np.arange(len(faults)) + number * width
        colour, _, hatch = look(number)
        bars = axes.bar(places, heights, width, color=colour, label=measure, zorder=2)
        for bar in bars:
            bar.set(hatch=hatch, edgecolor="white", linewidth=0)
    axes.set_xticks(np.arange(len(faults)) + 0.4 - width / 2, [each.fault for each in faults])
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set_title("quality against strength of each fault: -1 = every step lowers it")
    axes.set_ylabel("Spearman's rho")
    axes.legend(fontsize=8, ncols=len(measures))
    axes.grid(alpha=0.3, axis="y")
