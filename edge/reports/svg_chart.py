"""Small charts as inline SVG; colours come from the page's style, so that dark pages work too."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

from edge.reports.html_page import Html

WIDTH, HEIGHT = 400, 230
LEFT, RIGHT, TOP, BOTTOM = 46, 10, 22, 38


@dataclass(frozen=True, slots=True)
class Line:
    """A marked place on the horizontal axis, or on the vertical one."""

    at: float
    css: str
    """`now`, `chosen` or `goal`."""
    label: str


@dataclass(frozen=True, slots=True)
class Axes:
    """What a chart measures."""

    title: str
    """For those who cannot see it."""
    across: str
    up: str
    right: float
    """Value at the right end; the left end is 0."""
    top: float
    """Value at the top; the bottom is 0."""
    marks: Sequence[Line] = ()
    """Upright lines."""
    levels: Sequence[Line] = ()
    """Level lines."""
    band: tuple[float, float] | None = None
    """An interval on the horizontal axis."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar, from the bottom."""

    start: float
    end: float
    height: float
    kept: float = field(default=0.0)
    """Its lower part that is forwarded."""


def bars(axes: Axes, drawn: Sequence[Bar]) -> Html:
    """Return a bar chart; the part `kept` of each bar is green."""
    shapes = [_rectangle(axes, bar, bar.height, "bar") for bar in drawn if bar.height]
    shapes += [_rectangle(axes, bar, bar.kept, "kept") for bar in drawn if bar.kept]
    return _chart(axes, shapes)


def staircase(axes: Axes, steps: Sequence[tuple[float, float]]) -> Html:
    """Return a curve that holds each value from the step before up to its own place."""
    words, before = [], None
    for place, value in steps:
        x, y = _x(axes, place), _y(axes, value)
        words.append(
            f"M{_x(axes, 0):.1f} {y:.1f}H{x:.1f}" if before is None else f"V{y:.1f}H{x:.1f}"
        )
        before = value
    return _chart(axes, [f'<path class="curve" d="{"".join(words)}"/>'])


def round_top(value: float) -> float:
    """Return the next of 1, 2, 3, 4, 5, 6, 8, 10, 20, 30 … at or above a value, at least 1."""
    power = 1.0
    while True:
        for digit in (1, 2, 3, 4, 5, 6, 8):
            if value <= digit * power:
                return digit * power
        power *= 10


def round_step(length: float) -> float:
    """Return the smallest of …, 0.1, 0.2, 0.5, 1, 2, 5, … for at most five to a length."""
    power = 10.0 ** math.floor(math.log10(length / 5))
    return next(step for step in (power, 2 * power, 5 * power, 10 * power) if step * 5 >= length)


def _chart(axes: Axes, shapes: Sequence[str]) -> Html:
    parts = [_band(axes), *shapes, *_frame(axes)]
    parts += [_level(axes, line) for line in axes.levels]
    parts += [_mark(axes, line, row) for row, line in enumerate(axes.marks)]
    return Html(
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(axes.title)}">'
        f"{''.join(parts)}</svg>"
    )


def _x(axes: Axes, value: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * min(max(value / axes.right, 0), 1)


def _y(axes: Axes, value: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * min(max(value / axes.top, 0), 1)


def _rectangle(axes: Axes, bar: Bar, height: float, css: str) -> str:
    left, top = _x(axes, bar.start), _y(axes, height)
    width = max(0.5, _x(axes, bar.end) - left - 0.7)
    bottom = HEIGHT - BOTTOM
    return (
        f'<rect class="{css}" x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" '
        f'height="{bottom - top:.1f}"/>'
    )


def _band(axes: Axes) -> str:
    if axes.band is None:
        return ""
    left, right = (_x(axes, value) for value in axes.band)
    return (
        f'<rect class="range" x="{left:.1f}" y="{TOP}" width="{max(1.0, right - left):.1f}" '
        f'height="{HEIGHT - TOP - BOTTOM}"/>'
    )


def _frame(axes: Axes) -> list[str]:
    bottom = HEIGHT - BOTTOM
    parts = [f'<path class="axis" d="M{LEFT} {TOP}V{bottom}H{WIDTH - RIGHT}"/>']
    step = round_step(axes.right)
    for value in (step * number for number in range(int(axes.right / step) + 1)):
        anchor = "end" if value == axes.right else "middle"
        parts.append(_text(_x(axes, value), bottom + 15, anchor, f"{value:g}"))
    for share in (0, 0.5, 1):
        value = axes.top * share
        parts.append(_text(LEFT - 5, _y(axes, value) + 4, "end", f"{value:g}"))
    parts.append(_text((LEFT + WIDTH) / 2, HEIGHT - 6, "middle", axes.across))
    parts.append(_text(2, 12, "start", axes.up))
    return parts


def _mark(axes: Axes, line: Line, row: int) -> str:
    x = _x(axes, line.at)
    anchor, beside = ("end", x - 4) if x > (LEFT + WIDTH) / 2 else ("start", x + 4)
    return f'<path class="{line.css}" d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}"/>' + _text(
        beside, TOP + 10 + 15 * row, anchor, line.label
    )


def _level(axes: Axes, line: Line) -> str:
    y = _y(axes, line.at)
    return f'<path class="{line.css}" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>' + _text(
        WIDTH - RIGHT, y - 4, "end", line.label
    )


def _text(x: float, y: float, anchor: str, words: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'
