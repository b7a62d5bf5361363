"""The reports of `edge-gate replay`: a page to look at, and JSON for programs."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from edge.console import amount
from edge.footage.comparison import Comparison, OneSided
from edge.footage.faces import file_of
from edge.footage.rerun import Rerun, Sent
from edge.reports.html_page import Html, Tile, element, page, table, tiles, wrapped

SCHEMA_VERSION = 1
MOST_SHOWN = 120
"""Faces on each side of the page; the JSON has all of them."""


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """One of the two configurations and what it did."""

    name: str
    """The configuration file, as it was named."""
    pair_id: str
    rerun: Rerun


def as_page(first: Side, second: Side, found: Comparison) -> str:
    """Return the page."""
    return page(f"{first.name} and {second.name}", _body(first, second, found))


def as_json(first: Side, second: Side, found: Comparison) -> str:
    """Return the same for programs, with every face; keys and order never change by chance."""
    report = {
        "schema_version": SCHEMA_VERSION,
        "a": _side(first),
        "b": _side(second),
        "only_a": [_face(each.sent) | {"why_not": each.why_not} for each in found.only_first],
        "only_b": [_face(each.sent) | {"why_not": each.why_not} for each in found.only_second],
        "both": [_face(sent) | {"score_b": round(other.score, 3)} for sent, other in found.both],
    }
    return json.dumps(report, indent=1) + "\n"


def sentence(found: Comparison) -> str:
    """Return the outcome in one line."""
    return (
        f"Both forward {amount(len(found.both), 'face')}; A alone {len(found.only_first)}, "
        f"B alone {len(found.only_second)}."
    )


def _body(first: Side, second: Side, found: Comparison) -> Iterator[Html]:
    yield element("h1", "What one forwards and the other does not")
    yield wrapped("div", [element("p", sentence(found))], "card")
    only_a = _only(f"Only A: {first.name}", "B", found.only_first)
    only_b = _only(f"Only B: {second.name}", "A", found.only_second)
    yield wrapped("div", [only_a, only_b], "pair")
    yield element("h2", f"Both: {len(found.both)}")
    yield _shown(len(found.both))
    yield tiles(_tile(sent, _scores(sent, other)) for sent, other in found.both[:MOST_SHOWN])
    yield element("h2", "In figures")
    yield wrapped("div", [_figures("A", first), _figures("B", second)], "beside")


def _scores(first: Sent, second: Sent) -> str:
    scores = [f"{sent.score:.1f}" for sent in (first, second)]
    return " / ".join(dict.fromkeys(scores))


def _only(title: str, other: str, faces: Sequence[OneSided]) -> Html:
    shown = tiles(
        _tile(each.sent, f"{each.sent.score:.1f}", f"{other}: {each.why_not}")
        for each in faces[:MOST_SHOWN]
    )
    return wrapped("div", [element("h2", f"{title}: {len(faces)}"), _shown(len(faces)), shown])


def _shown(count: int) -> Html:
    if count <= MOST_SHOWN:
        return Html("")
    return element("p", f"The first {MOST_SHOWN} of {count}; the JSON has all.", "grey")


def _tile(sent: Sent, title: str, *why_not: str) -> Tile:
    lines = [file_of(sent.frame), _place(sent), *why_not]
    return Tile(sent.picture, title, lines, forwarded=True)


def _place(sent: Sent) -> str:
    time_s = sent.frame.time_s
    return f"track {sent.track}" if time_s is None else f"{time_s:.2f} s, track {sent.track}"


def _figures(letter: str, side: Side) -> Html:
    reasons = sorted(side.rerun.discarded.items(), key=lambda item: (-item[1], item[0].value))
    rows = [
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
        "faces": side.rerun.faces,
        "forwarded": len(side.rerun.sent),
        "discarded": dict(sorted(discarded.items())),
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
        "score": round(sent.score, 3),
    }
