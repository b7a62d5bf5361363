"""The report of `edge-gate tune`: what a threshold does on this footage, to be looked at."""

from collections.abc import Iterator, Sequence

import numpy as np

from edge.footage.faces import ObservedFace
from edge.reports.html_page import Html, Tile, diff, element, page, table, tiles, wrapped
from edge.tuning.charts import charts
from edge.tuning.footage import Footage
from edge.tuning.outcome import Tuning, conclusion, footage_of, number
from edge.tuning.people import Person, lost, lost_rows, people_of
from edge.tuning.sheets import Sheets, sheets
from engines.amounts import amount


def report(tuning: Tuning) -> str:
    """Return the page."""
    return page(f"Threshold of {tuning.camera}", _body(tuning))


def _body(tuning: Tuning) -> Iterator[Html]:
    yield element("h1", f"Which threshold for {tuning.camera}?")
    yield wrapped("div", [element("p", line) for line in conclusion(tuning)], "card")
    if tuning.diff:
        yield diff(tuning.diff)
        yield element("p", "--write makes this change in the file, and no other.", "grey")
    yield from _lost(tuning)
    yield element("h2", "Around the threshold")
    looked_at = sheets(tuning.observed.faces, tuning.candidate)
    yield _beside(looked_at, tuning.candidate)
    yield element("h2", "All scores")
    yield wrapped("div", charts(tuning), "charts")
    yield element("h2", "Worst and best")
    yield _ends(looked_at, tuning.candidate)
    yield element("h2", "Discarded by the pre-checks, whatever their score")
    yield from _reasons(looked_at, tuning.candidate)
    yield element("h2", "What was looked at")
    yield table([*tuning.facts, *_counts(tuning)])


def _lost(tuning: Tuning) -> Iterator[Html]:
    everybody = people_of(tuning.observed, tuning.looked_at)
    if not everybody:
        return
    yield element("h2", "Who misses the threshold")
    found = lost(everybody, tuning.candidate)
    shown = tiles(
        Tile(
            picture=each.best.picture,
            title=f"best {each.score:.1f}",
            lines=[each.best.file, each.best.place, *_sent_by_floor(each, tuning.floor)],
            forwarded=each.score >= tuning.floor,
        )
        for each in found
    )
    yield shown if found else element("p", "nobody", "grey")
    yield element("h3", "People without a face, by threshold")
    yield table(lost_rows(everybody, tuning.floor))


def _sent_by_floor(person: Person, floor: float) -> list[str]:
    return ["sent by the floor"] if person.score >= floor else []


def _beside(looked_at: Sheets, threshold: float) -> Html:
    at = number(threshold)
    return _two(
        (f"Just forwarded (score {at} and a little more), one face a person", looked_at.forwarded),
        (f"Just discarded (a little less than {at}), one face a person", looked_at.discarded),
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
    return wrapped("div", parts, "pair")


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


def _people_words(footage: Footage) -> str:
    if footage.minutes:
        return f"{amount(footage.people, 'track')} that a second look confirmed"
    return "not told apart: each face of a photograph counts as somebody"


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
        ("tracks", f"{every}, {footage.tracks} of them with a scored face"),
        ("people", _people_words(footage)),
        (
            f"forwarded at {number(tuning.candidate)}",
            f"{amount(above, 'face')}, of {amount(people, 'track')}",
        ),
    ]
    if observed.video_s:
        rows.append(("video", f"{observed.video_s:.1f} s"))
    return rows
