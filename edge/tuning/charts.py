"""The charts of `edge-gate tune`: how scores are spread, and what each threshold gives."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from edge.footage.faces import scored
from edge.reports.html_page import Html
from edge.reports.svg_chart import Axes, Bar, Line, bars, round_top, staircase
from edge.tuning.footage import Footage
from edge.tuning.outcome import Tuning, figure, footage_of, number
from edge.tuning.steps import Rates, forward_rates

SCORE_BINS = 50
_BIN_SECONDS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
_MOST_BINS = 60
_HEADINGS = {
    "forward_rate": "forwarded, % of all faces",
    "per_minute": "forwarded faces a minute",
    "fnmr": "FNMR of what is forwarded, %",
    "marks": "marked faces decided as marked, %",
}


def charts(tuning: Tuning) -> Iterator[Html]:
    """Yield the charts of one camera."""
    footage = footage_of(tuning.observed)
    yield _histogram(tuning, footage)
    yield _curve(tuning)
    if tuning.steps.discarded is not None:
        yield _error_versus_discard(tuning, 100 * tuning.steps.discarded)
    if tuning.goal is not None and tuning.goal.kind != "forward_rate":
        yield _curve(replace(tuning, goal=None, steps=forward_rates(footage)))
    if tuning.observed.video_s:
        yield _over_time(tuning)


def _marks(tuning: Tuning) -> list[Line]:
    marks = []
    if tuning.suggestion is not None:
        at = tuning.suggestion.threshold
        marks.append(Line(at, "chosen", f"suggested {number(at)}"))
    if tuning.current is not None:
        marks.append(Line(tuning.current, "now", f"now {number(tuning.current)}"))
    return marks


def _histogram(tuning: Tuning, footage: Footage) -> Html:
    counts, edges = np.histogram(footage.score, SCORE_BINS, (0, 100))
    kept, _ = np.histogram(footage.score[footage.score >= tuning.candidate], SCORE_BINS, (0, 100))
    axes = Axes(
        "Histogram of quality scores",
        "quality score (higher is better)",
        "scored faces; at or above the threshold (green)",
        right=100,
        top=round_top(float(counts.max(initial=0))),
        marks=_marks(tuning),
    )
    return bars(
        axes,
        [
            Bar(float(edges[i]), float(edges[i + 1]), float(counts[i]), float(kept[i]))
            for i in range(counts.size)
        ],
    )


def _curve(tuning: Tuning) -> Html:
    kind = "forward_rate" if tuning.goal is None else tuning.goal.kind
    scale = 1 if kind == "per_minute" else 100
    steps, highest = tuning.steps, scale * float(tuning.steps.achieved.max(initial=0))
    levels = []
    if tuning.goal is not None:
        wanted = scale * tuning.goal.value
        levels.append(Line(wanted, "goal", f"asked for {figure(kind, tuning.goal.value)}"))
        highest = max(highest, wanted)
    axes = Axes(
        "Forward rate of each threshold" if kind == "forward_rate" else "What each threshold gives",
        "threshold",
        _HEADINGS[kind],
        right=100,
        top=100 if kind == "forward_rate" else round_top(highest),
        marks=_marks(tuning),
        levels=levels,
        band=_band(tuning),
    )
    places = zip(steps.threshold, scale * steps.achieved, strict=True)
    return staircase(axes, [(float(at), float(value)) for at, value in places])


def _error_versus_discard(tuning: Tuning, discarded: Rates) -> Html:
    steps, fnmr = tuning.steps, 100 * tuning.steps.achieved
    marks = [
        replace(mark, at=float(discarded[np.searchsorted(steps.threshold, mark.at)]))
        for mark in _marks(tuning)
        if mark.at <= steps.threshold[-1]
    ]
    axes = Axes(
        "Error versus discard",
        "mated pairs discarded, %",
        _HEADINGS["fnmr"],
        right=100,
        top=round_top(float(fnmr.max(initial=0))),
        marks=marks,
    )
    ends = np.append(discarded[1:], 100.0)
    places = zip(ends, fnmr, strict=True)
    return staircase(axes, [(float(at), float(value)) for at, value in places])


def _band(tuning: Tuning) -> tuple[float, float] | None:
    found = tuning.suggestion
    return None if found is None else (found.interval.low, found.interval.high)


def _over_time(tuning: Tuning) -> Html:
    length = tuning.observed.video_s
    width = next((s for s in _BIN_SECONDS if length / s <= _MOST_BINS), length / _MOST_BINS)
    edges = np.arange(0, length + width, width)
    found = [face.time_s for face in tuning.observed.faces if face.time_s is not None]
    kept = [
        face.time_s
        for face, score in scored(tuning.observed.faces)
        if face.time_s is not None and score >= tuning.candidate
    ]
    totals, forwarded = (60 / width * np.histogram(times, edges)[0] for times in (found, kept))
    axes = Axes(
        "Faces over time",
        f"seconds of video (bars of {width:g} s)",
        "faces in frames, a minute; at or above the threshold (green)",
        right=float(edges[-1]),
        top=round_top(float(totals.max(initial=0))),
    )
    return bars(
        axes,
        [
            Bar(float(edges[i]), float(edges[i + 1]), float(totals[i]), float(forwarded[i]))
            for i in range(totals.size)
        ],
    )
