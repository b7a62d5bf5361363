"""The report of `edge-gate tune`: what a threshold does on this footage, to be looked at."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from edge.html_page import Html, Tile, element, page, table, tiles, wrapped
from edge.observed import Observed, ObservedFace, footage_of, scored
from edge.svg_chart import Axes, Bar, Line, bars, round_top, staircase
from edge.tuning import FEW_TRACKS, Footage, Goal, Steps, Suggestion
from edge.tuning_sheets import Sheets, sheets

SCORE_BINS = 50
_BIN_SECONDS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
_MOST_BINS = 60
_UNITS = {
    "forward_rate": "of all faces forwarded",
    "per_minute": "faces forwarded a minute",
    "fnmr": "FNMR",
}
_HEADINGS = {
    "forward_rate": "forwarded, % of all faces",
    "per_minute": "forwarded faces a minute",
    "fnmr": "FNMR of what is forwarded, %",
}
_RELATION = {
    "forward_rate": "comes closest to",
    "per_minute": "comes closest to",
    "fnmr": "is the lowest with at most",
}


@dataclass(frozen=True, slots=True, eq=False)
class Tuning:
    """Everything the report tells."""

    camera: str
    """What the threshold is of, in words."""
    key: str
    """As written in the configuration, e.g. "gate.threshold"."""
    observed: Observed
    current: float | None
    """The threshold in effect; None where `shift_at_most` decides."""
    goal: Goal | None
    steps: Steps
    """What each threshold gives, in the unit of the goal; forward rates without one."""
    pair_id: str
    """Of the engine pair that scored."""
    facts: Sequence[tuple[str, str]]
    """What was looked at."""
    suggestion: Suggestion | None = None
    refusal: str = ""
    """Why there is no suggestion; empty where there is one or none was asked for."""
    diff: str = ""
    """The change of the configuration; empty where there is none."""

    @property
    def candidate(self) -> float:
        """The threshold that the report looks around."""
        if self.suggestion is not None:
            return self.suggestion.threshold
        return 0.0 if self.current is None else self.current


def report(tuning: Tuning) -> str:
    """Return the page."""
    return page(f"Threshold of {tuning.camera}", _body(tuning))


def conclusion(tuning: Tuning) -> list[str]:
    """Return what was found, in sentences for people, the most important first."""
    found = tuning.suggestion
    if found is None or tuning.goal is None:
        return [f"No suggestion: {tuning.refusal}." if tuning.refusal else _no_goal(tuning)]
    return [*_answer(tuning.key, tuning.goal, found), *_warnings(tuning, found, tuning.goal)]


def _answer(key: str, goal: Goal, found: Suggestion) -> Iterator[str]:
    interval = f"95 % interval {found.interval.low:.3g} to {found.interval.high:.3g}"
    yield (
        f"{key}: {_number(found.threshold)} ({interval}) {_RELATION[goal.kind]} "
        f"{amount(goal.kind, goal.value)}."
    )
    yield (
        f"Here it gives {amount(goal.kind, found.achieved)}; expect {_expected(goal.kind, found)} "
        "of other footage of this place."
    )


def _expected(kind: str, found: Suggestion) -> str:
    low, high = found.achieved_interval.low, found.achieved_interval.high
    return f"{_figure(kind, low)} to {amount(kind, high)}"


def amount(kind: str, value: float) -> str:
    """Return an amount in the unit of a goal, in words."""
    return f"{_figure(kind, value)} {_UNITS[kind]}"


def _figure(kind: str, value: float) -> str:
    return f"{value:.1f}" if kind == "per_minute" else f"{100 * value:.3g} %"


def _no_goal(tuning: Tuning) -> str:
    return (
        f"The threshold {_number(tuning.candidate)} was looked at. Ask for a suggestion with "
        "--forward-rate, --per-minute or --fnmr-labels."
    )


def _warnings(tuning: Tuning, found: Suggestion, goal: Goal) -> Iterator[str]:
    footage = footage_of(tuning.observed)
    if footage.tracks < FEW_TRACKS:
        yield (
            f"Only {footage.tracks} people (tracks) walked by: the true intervals are wider. "
            "Record more."
        )
    if goal.kind != "fnmr" and not 0.8 <= found.achieved / goal.value <= 1.25:
        yield (
            f"No threshold comes closer: pre-checks discard {footage.discarded_track.size} of "
            f"{footage.faces} faces, and equal scores change sides together."
        )


def _body(tuning: Tuning) -> Iterator[Html]:
    yield element("h1", f"Which threshold for {tuning.camera}?")
    yield wrapped("div", [element("p", line) for line in conclusion(tuning)], "card")
    if tuning.diff:
        yield element("pre", tuning.diff)
    yield element("h2", "Around the threshold")
    looked_at = sheets(tuning.observed.faces, tuning.candidate)
    yield _beside(looked_at, tuning.candidate)
    yield element("h2", "All scores")
    yield wrapped("div", _charts(tuning), "beside")
    yield element("h2", "Worst and best")
    yield _ends(looked_at, tuning.candidate)
    yield element("h2", "Discarded before scoring")
    yield from _reasons(looked_at, tuning.candidate)
    yield element("h2", "What was looked at")
    yield table([*tuning.facts, *_counts(tuning)])


def _beside(looked_at: Sheets, threshold: float) -> Html:
    at = _number(threshold)
    return _two(
        (f"Just forwarded (score {at} and a little more)", looked_at.forwarded),
        (f"Just discarded (a little less than {at})", looked_at.discarded),
        threshold,
    )


def _ends(looked_at: Sheets, threshold: float) -> Html:
    return _two(
        ("The worst of each track", looked_at.worst),
        ("The best of each track", looked_at.best),
        threshold,
    )


def _two(
    first: tuple[str, Sequence[ObservedFace]],
    second: tuple[str, Sequence[ObservedFace]],
    threshold: float,
) -> Html:
    parts = [
        wrapped("div", [element("h3", title), _sheet(faces, threshold)])
        for title, faces in (first, second)
    ]
    return wrapped("div", parts, "beside")


def _reasons(looked_at: Sheets, threshold: float) -> Iterator[Html]:
    if not looked_at.reasons:
        yield element("p", "none", "grey")
    for reason, count, faces in looked_at.reasons:
        yield element("h3", f"{reason.value}: {count}")
        yield element("p", f"for example: {faces[0].detail}", "grey")
        yield _sheet(faces, threshold, discarded=True)


def _sheet(faces: Sequence[ObservedFace], threshold: float, *, discarded: bool = False) -> Html:
    return tiles(
        Tile(
            picture=face.picture,
            title="no score" if face.score is None else f"{face.score:.2f}",
            lines=[face.file, face.place],
            forwarded=not discarded and face.score is not None and face.score >= threshold,
        )
        for face in faces
    )


def _charts(tuning: Tuning) -> Iterator[Html]:
    footage = footage_of(tuning.observed)
    yield _histogram(tuning, footage)
    yield _curve(tuning)
    if tuning.observed.video_s:
        yield _over_time(tuning)


def _marks(tuning: Tuning) -> list[Line]:
    marks = []
    if tuning.suggestion is not None:
        at = tuning.suggestion.threshold
        marks.append(Line(at, "chosen", f"suggested {_number(at)}"))
    if tuning.current is not None:
        marks.append(Line(tuning.current, "now", f"now {_number(tuning.current)}"))
    return marks


def _histogram(tuning: Tuning, footage: Footage) -> Html:
    counts, edges = np.histogram(footage.score, SCORE_BINS, (0, 100))
    axes = Axes(
        "Histogram of quality scores",
        "quality score (higher is better)",
        "scored faces",
        right=100,
        top=round_top(float(counts.max(initial=0))),
        marks=_marks(tuning),
    )
    return bars(
        axes,
        [Bar(float(edges[i]), float(edges[i + 1]), float(n)) for i, n in enumerate(counts)],
    )


def _curve(tuning: Tuning) -> Html:
    kind = "forward_rate" if tuning.goal is None else tuning.goal.kind
    scale = 1 if kind == "per_minute" else 100
    steps, highest = tuning.steps, scale * float(tuning.steps.achieved.max(initial=0))
    levels = []
    if tuning.goal is not None:
        wanted = scale * tuning.goal.value
        levels.append(Line(wanted, "goal", f"asked for {_figure(kind, tuning.goal.value)}"))
        highest = max(highest, wanted)
    axes = Axes(
        "What each threshold gives",
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
        "faces a minute: found, and at or above the threshold (green)",
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


def _counts(tuning: Tuning) -> list[tuple[str, str]]:
    footage, observed = footage_of(tuning.observed), tuning.observed
    above = int(np.count_nonzero(footage.score >= tuning.candidate))
    people = np.unique(footage.track[footage.score >= tuning.candidate]).size
    every = np.unique([face.track for face in observed.faces]).size
    rows = [
        ("engine pair", tuning.pair_id),
        ("frames", f"{observed.frames}"),
        ("faces found", f"{footage.faces}"),
        ("faces scored", f"{footage.score.size}"),
        ("tracks (people walking by)", f"{every}"),
        (f"forwarded at {_number(tuning.candidate)}", f"{above} faces, of {people} tracks"),
    ]
    if observed.video_s:
        rows.append(("video", f"{observed.video_s:.1f} s"))
    return rows


def _number(value: float) -> str:
    return f"{value:.10g}"
