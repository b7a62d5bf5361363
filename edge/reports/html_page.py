"""
Pages that need nothing but themselves: no script, no request, light and dark, phone and desktop.

Everything a caller passes as text is escaped here; only `Html` goes through as it is.
"""

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import NewType

Html = NewType("Html", str)
"""Markup that is safe to put into a page."""

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_STYLE = """
:root { color-scheme: light dark; --paper: #fff; --card: #f4f5f7; --ink: #1b1f24; --grey: #5b6570;
  --line: #d3d8de; --bar: #8aa4c2; --good: #1a7f45; --bad: #b3261e; --mark: #7a3fb0; }
@media (prefers-color-scheme: dark) { :root { --paper: #14171b; --card: #1e2329; --ink: #e6e9ed;
  --grey: #9aa5b1; --line: #39424c; --bar: #5d7da1; --good: #54c983; --bad: #ff8a80;
  --mark: #c79bf2; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 70rem; background: var(--paper);
  color: var(--ink); font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: .5rem 0; }
h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
h3 { font-size: 1rem; margin: .75rem 0 .5rem; }
.grey, figcaption { color: var(--grey); }
.good { color: var(--good); } .bad { color: var(--bad); } .mark { color: var(--mark); }
.card { background: var(--card); border-left: .3rem solid var(--mark); padding: .75rem 1rem;
  border-radius: .4rem; margin: 1rem 0; }
.card p { margin: .25rem 0; }
.beside, .charts, .pair { display: grid; gap: 1.5rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 18rem), 1fr)); }
.charts { grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); }
.pair { grid-template-columns: repeat(2, minmax(0, 1fr)); }
.tiles { display: grid; gap: .6rem; grid-template-columns: repeat(auto-fill, minmax(5.5rem, 1fr)); }
.tile { margin: 0; font-size: .75rem; line-height: 1.3; }
.tile img, .tile .none { display: block; width: 100%; aspect-ratio: 1; object-fit: cover;
  border: 3px solid var(--line); border-radius: .3rem; }
.tile .none { display: grid; place-items: center; text-align: center; color: var(--grey); }
.tile.good img { border-color: var(--good); } .tile.bad img { border-color: var(--bad); }
.tile strong { font-size: .95rem; color: var(--ink); }
@media (max-width: 40rem) { .pair { gap: .75rem; } .pair .tiles { gap: .5rem;
  grid-template-columns: repeat(auto-fill, minmax(4.5rem, 1fr)); } }
pre { background: var(--card); padding: .75rem; border-radius: .4rem; overflow-x: auto;
  overflow-wrap: normal; }
table { border-collapse: collapse; }
th, td { text-align: left; padding: .2rem 1rem .2rem 0; vertical-align: top;
  border-bottom: 1px solid var(--line); }
th { overflow-wrap: normal; min-width: 6rem; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
svg { width: 100%; height: auto; display: block; }
svg text { font: 12px system-ui, sans-serif; fill: var(--grey); paint-order: stroke;
  stroke: var(--paper); stroke-width: 4px; stroke-linejoin: round; }
svg .axis { stroke: var(--line); fill: none; } svg .bar { fill: var(--bar); }
svg .kept { fill: var(--good); } svg .curve { stroke: var(--bar); stroke-width: 2.5; fill: none; }
svg .now { stroke: var(--grey); stroke-dasharray: 4 3; } svg .goal { stroke: var(--good);
  stroke-dasharray: 2 3; } svg .chosen { stroke: var(--mark); stroke-width: 2; }
svg .range { fill: var(--mark); opacity: .15; }
"""


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """One face on a contact sheet."""

    picture: bytes | None
    """JPEG; None draws an empty tile."""
    title: str
    """In bold: the score."""
    lines: Sequence[str]
    forwarded: bool


def page(title: str, body: Iterable[Html]) -> str:
    """Return a whole page that loads nothing and runs nothing."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(body)
        + "\n</body>\n</html>\n"
    )


def element(name: str, text: str, css: str = "") -> Html:
    """Return an element that holds text."""
    return wrapped(name, [Html(escape(text))], css)


def wrapped(name: str, inside: Iterable[Html], css: str = "") -> Html:
    """Return an element that holds markup."""
    opening = f'<{name} class="{escape(css)}">' if css else f"<{name}>"
    return Html(f"{opening}{''.join(inside)}</{name}>")


def table(rows: Iterable[tuple[str, str]], numbers: bool = False) -> Html:
    """Return a table of names and values; numbers stand to the right."""
    css = "number" if numbers else ""
    return wrapped(
        "table",
        [wrapped("tr", [element("th", name), element("td", value, css)]) for name, value in rows],
    )


def diff(text: str) -> Html:
    """Return a change of a text file; what is added is green, what is removed red."""
    return wrapped("pre", [element("span", f"{line}\n", _side(line)) for line in text.splitlines()])


def _side(line: str) -> str:
    if line.startswith(("+++", "---", "@@")):
        return "grey"
    return {"+": "good", "-": "bad"}.get(line[:1], "")


def tiles(faces: Iterable[Tile]) -> Html:
    """Return a grid of faces."""
    shown = [_tile(face) for face in faces]
    return wrapped("div", shown, "tiles") if shown else element("p", "none", "grey")


def _tile(tile: Tile) -> Html:
    css, mark = ("good", "✓") if tile.forwarded else ("bad", "✗")
    title = wrapped("strong", [element("span", mark, css), Html(f" {escape(tile.title)}")])
    caption = [title, *(Html(f"<br>{escape(line)}") for line in tile.lines)]
    return wrapped("figure", [_picture(tile), wrapped("figcaption", caption)], f"tile {css}")


def _picture(tile: Tile) -> Html:
    if tile.picture is None:
        return element("div", "not aligned", "none")
    verdict = "forwarded" if tile.forwarded else "discarded"
    alt = escape(" ".join((f"{verdict},", tile.title, *tile.lines)), quote=True)
    data = base64.b64encode(tile.picture).decode()
    return Html(f'<img alt="face, {alt}" src="data:image/jpeg;base64,{data}">')
