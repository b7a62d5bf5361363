"""The reports of `edge-gate replay`: a page to look at, and JSON for programs."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from edge.footage.comparison import Compared, Comparison, best_of, sent_of, why_not
from edge.footage.comparison_words import sentences
from edge.footage.faces import file_of
from edge.footage.rerun import Rerun, Sent, Track
from edge.reports.html_page import Html, Tile, element, page, table, tiles, wrapped
from edge.samples import Reason
from engines.amounts import amount

SCHEMA_VERSION = 2
"""1 listed faces by frame; 2 lists people."""
MOST_SHOWN = 120
"""People in each part of the page; the JSON has all of them."""


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """One of the two configurations and what it did."""

    name: str
    """The configuration file, as it was named."""
    pair_id: str
    rerun: Rerun
    threshold: str = "threshold 30"
    """What decides, in words."""


def as_page(first: Side, second: Side, found: Comparison) -> str:
    """Return the page."""
    return page(f"{first.name} and {second.name}", _body(first, second, found))


def as_json(first: Side, second: Side, found: Comparison) -> str:
    """Return the same for programs, with every face; keys and order never change by chance."""
    report = {
        "schema_version": SCHEMA_VERSION,
        "a": _side(first),
        "b": _side(second),
        "conclusion": told(first, second, found),
        "only_a": [_person(each) for each in found.only_first],
        "only_b": [_person(each) for each in found.only_second],
        "both": [_person(each) for each in found.both],
        "neither": [_person(each) for each in found.neither],
    }
    return json.dumps(report, indent=1) + "\n"


def told(first: Side, second: Side, found: Comparison) -> list[str]:
    """Return the outcome in sentences."""
    thresholds = first.threshold, second.threshold
    return list(sentences(found, thresholds, (len(first.rerun.sent), len(second.rerun.sent))))


def _body(first: Side, second: Side, found: Comparison) -> Iterator[Html]:
    yield element("h1", "Of whom one sends a face and the other does not")
    yield wrapped("div", [element("p", line) for line in told(first, second, found)], "card")
    only_a = _list(f"Only A: {first.name}", found.only_first)
    only_b = _list(f"Only B: {second.name}", found.only_second)
    yield wrapped("div", [only_a, only_b], "pair")
    yield _list("Both", found.both)
    yield _list("Neither", found.neither)
    yield element("h2", "In figures")
    yield wrapped("div", [_figures("A", first), _figures("B", second)], "beside")


def _list(title: str, people: Sequence[Compared]) -> Html:
    shown = tiles(_tile(each) for each in people[:MOST_SHOWN])
    return wrapped("div", [element("h2", f"{title}: {len(people)}"), _shown(len(people)), shown])


def _shown(count: int) -> Html:
    if count <= MOST_SHOWN:
        return Html("")
    return element("p", f"The first {MOST_SHOWN} of {count}; the JSON has all.", "grey")


def _tile(person: Compared) -> Tile:
    """Return the best face that is sent of somebody, else the best that is known."""
    sent = [each for side in person.sent() for each in side]
    best = best_of([*person.first, *person.second])
    lines = [f"A: {_did(person.first)}", f"B: {_did(person.second)}"]
    if sent:
        shown = max(sent, key=lambda each: each.score)
        where = [file_of(shown.frame), *_when(shown)]
        return Tile(shown.picture, f"{shown.score:.1f}", [*where, *lines], forwarded=True)
    score = "no score" if best is None or best.score is None else f"best {best.score:.1f}"
    where = [] if best is None else [best.where]
    picture = None if best is None else best.picture
    return Tile(picture, score, [*where, *lines], forwarded=False)


def _when(sent: Sent) -> list[str]:
    return [] if sent.frame.time_s is None else [f"{sent.frame.time_s:.2f} s"]


def _did(tracks: Sequence[Track]) -> str:
    sent = sent_of(tracks)
    if not sent:
        return why_not(tracks)
    below = all(each.reason is Reason.BEST_OF_TRACK for each in sent)
    words = f"{amount(len(sent), 'face')}, best {max(each.score for each in sent):.1f}"
    return f"{words}, below the threshold" if below else words


def _figures(letter: str, side: Side) -> Html:
    reasons = sorted(side.rerun.discarded.items(), key=lambda item: (-item[1], item[0].value))
    rows = [
        ("decides", side.threshold),
        ("engine pair", side.pair_id),
        ("faces found", f"{side.rerun.faces}"),
        ("forwarded", f"{len(side.rerun.sent)}"),
        *((reason.value, f"{count}") for reason, count in reasons if count),
    ]
    return wrapped("div", [element("h3", f"{letter}: {side.name}"), table(rows)])


def _side(side: Side) -> dict[str, object]:
    discarded = {reason.value: n for reason, n in side.rerun.discarded.items() if n}
    return {
        "config": side.name,
        "pair_id": side.pair_id,
        "decides": side.threshold,
        "faces": side.rerun.faces,
        "forwarded": len(side.rerun.sent),
        "discarded": dict(sorted(discarded.items())),
    }


def _person(person: Compared) -> dict[str, object]:
    return {"a": _of_side(person.first), "b": _of_side(person.second)}


def _of_side(tracks: Sequence[Track]) -> dict[str, object]:
    best, sent = best_of(tracks), sent_of(tracks)
    return {
        "tracks": [track.number for track in tracks],
        "best": None if best is None or best.score is None else round(best.score, 3),
        "sent": [_face(each) for each in sent],
        "why_not": None if sent else why_not(tracks),
    }


def _face(sent: Sent) -> dict[str, object]:
    box = sent.box
    return {
        "source": sent.frame.source_text,
        "frame": None if sent.frame.time_s is None else sent.frame.index,
        "time_s": None if sent.frame.time_s is None else round(sent.frame.time_s, 6),
        "box": [round(float(edge), 1) for edge in (box.left, box.top, box.right, box.bottom)],
        "track": sent.track,
        "revision": sent.revision,
        "reason": sent.reason.value,
        "score": round(sent.score, 3),
    }
