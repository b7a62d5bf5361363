"""The picture and the table."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from tests.bench.scale.points import Part, Point

GREY = "0.5"
"""Readable on a light page and on a dark one, as are the lines."""
COLOURS = ("#1f77b4", "#e4741b", "#2ca02c", "#d62728", "#9467bd", "#8c8c00")
COLUMNS = 2


def draw(path: Path, parts: Sequence[Part], points: Sequence[Point]) -> None:
    """Draw one small plot for each part; the background is transparent."""
    rows = -(-len(parts) // COLUMNS)
    figure = Figure(figsize=(11, 4.2 * rows), layout="constrained")
    axes = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
    for part, place in zip(parts, axes, strict=False):
        _draw(place, part, [point for point in points if point.part == part.name])
    for place in axes[len(parts) :]:
        place.set_visible(False)
    figure.savefig(path, dpi=110, transparent=True)


def _draw(axes, part: Part, points: Sequence[Point]) -> None:
    for colour, (series, line) in zip(COLOURS, _lines(points), strict=False):
        sizes, spent = [point.size for point in line], [point.milliseconds for point in line]
        axes.plot(sizes, spent, marker="o", markersize=4, color=colour, label=series)
    axes.set_title(part.title, color=GREY)
    axes.set_xlabel(part.sizes, color=GREY)
    axes.set_ylabel("ms of processor time", color=GREY)
    if part.is_wide:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    else:
        axes.set_ylim(bottom=0)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.tick_params(colors=GREY)
    axes.spines[:].set_color(GREY)
    below = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.16), "ncols": 2}
    axes.legend(fontsize=8, labelcolor=GREY, framealpha=0, **below)


def table(parts: Sequence[Part], points: Sequence[Point]) -> str:
    """Return one Markdown table for each part: a row for each series, a column for each size."""
    return "\n".join(
        _table(part, [point for point in points if point.part == part.name]) for part in parts
    )


def _table(part: Part, points: Sequence[Point]) -> str:
    sizes = sorted({point.size for point in points})
    heads = [f"ms, by {part.sizes}", *(f"{size:,}" for size in sizes)]
    lines = [_row(heads), _row(["---"] * len(heads))]
    for series, line in _lines(points):
        known = {point.size: f"{point.milliseconds:.3g}" for point in line}
        lines.append(_row([series, *(known.get(size, "") for size in sizes)]))
    return "\n".join([*lines, ""])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _lines(points: Sequence[Point]) -> Iterator[tuple[str, list[Point]]]:
    order = list(dict.fromkeys(point.series for point in points))
    by_series = sorted(points, key=lambda point: (order.index(point.series), point.size))
    for series, line in groupby(by_series, key=lambda point: point.series):
        yield series, list(line)
