"""Files as a damaged disk, a bad copy or a stranger would hand them in: valid ones, changed."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy as copied
from dataclasses import dataclass
from functools import reduce
from typing import Any

from hypothesis import strategies as st

Edit = Callable[[bytes], bytes]

TELLING = (b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\n", b"\r", b"\t", b"-1", b"0", b"1e999", b"nan")
"""What readers of any format stumble over."""
YAML_TOKENS = (
    b"&a ", b"*a", b"<<: *a", b"!!python/object:os.system ", b"!!binary ", b"!!int ", b"!!float ",
    b"!!timestamp ", b"!!set ", b"? ", b": ", b"- ", b"[", b"]", b"{", b"}", b"|\n", b">\n", b"'",
    b'"', b"#", b"%YAML 9.9\n", b"---\n", b"...\n", b"~", b"null", b"0x", b"0o8", b".inf", b"=",
    b"2001-01-01", b"1:30:00", b'"\\UFFFFFFFF"', b'"\\uD800"', b"[" * 40, b"{a: " * 40, b"9" * 5000,
    b"1_000", b"0b2", b"+", b"2026-13-45", b"!!null ", b"!<x> ", b"!",
)  # fmt: skip
JSON_TOKENS = (b"null", b"[]", b"{}", b'"', b"\\", b"[" * 2000, b"NaN", b"-Infinity", b"9" * 5000)


@dataclass(frozen=True)
class _Place:
    """Where in a file, as a share of its length, so that edits hold for files of any length."""

    share: float

    def of(self, content: bytes) -> int:
        return int(self.share * len(content))


_places = st.floats(0, 1).map(_Place)


def _insert(place: _Place, what: bytes) -> Edit:
    return lambda content: content[: place.of(content)] + what + content[place.of(content) :]


def _overwrite(place: _Place, what: bytes) -> Edit:
    def edit(content: bytes) -> bytes:
        start = place.of(content)
        return content[:start] + what + content[start + len(what) :]

    return edit


def _without(place: _Place, count: int) -> Edit:
    return lambda content: content[: place.of(content)] + content[place.of(content) + count :]


def _again(start: _Place, end: _Place) -> Edit:
    def edit(content: bytes) -> bytes:
        first, last = sorted((start.of(content), end.of(content)))
        return content[:last] + content[first:last] + content[last:]

    return edit


def _cut(place: _Place) -> Edit:
    return lambda content: content[: place.of(content)]


def _line(place: _Place, change: Callable[[bytes], bytes]) -> Edit:
    def edit(content: bytes) -> bytes:
        lines = content.splitlines(keepends=True)
        if lines:
            index = min(place.of(b"." * len(lines)), len(lines) - 1)
            lines[index] = change(lines[index])
        return b"".join(lines)

    return edit


def _value(what: bytes) -> Callable[[bytes], bytes]:
    return lambda line: line.split(b":")[0].rstrip() + b": " + what + b"\n"


def mutated(valid: bytes, tokens: Sequence[bytes] = ()) -> st.SearchStrategy[bytes]:
    """
    Return up to eight edits of a valid file: bytes, tokens of its format, whole lines.

    Args:
        valid: A file that is taken as it is.
        tokens: What its format gives a meaning to.
    """
    pieces = st.one_of(st.sampled_from([*TELLING, *tokens]), st.binary(min_size=1, max_size=8))
    edits = st.one_of(
        st.builds(_insert, _places, pieces),
        st.builds(_overwrite, _places, pieces),
        st.builds(_without, _places, st.integers(1, 200)),
        st.builds(_again, _places, _places),
        st.builds(_cut, _places),
        st.builds(_line, _places, pieces.map(_value)),
        st.builds(_line, _places, st.sampled_from([lambda _: b"", lambda line: line * 2])),
    )
    return st.lists(edits, min_size=1, max_size=8).map(
        lambda chosen: reduce(lambda content, edit: edit(content), chosen, valid)
    )


Values = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([0, -1, 1 << 31, 1 << 63, 1 << 64, 10**400, "", "..", "/etc/passwd", "\0"])
    | st.floats()
    | st.text(max_size=8)
    | st.lists(st.integers(), max_size=3)
    | st.dictionaries(st.text(max_size=4), st.integers(), max_size=2)
)
"""What a key may be given instead of what belongs there."""


def places(value: object, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of everything in a document, itself left out."""
    keys: Iterable[Any] = ()
    match value:
        case dict():
            keys = value
        case list():
            keys = range(len(value))
    for key in keys:
        yield (*here, key)
        yield from places(value[key], (*here, key))  # type: ignore[index]


def exchanged(document: Any) -> st.SearchStrategy[Any]:
    """Return a document of dicts and lists with up to three values exchanged for any others."""
    changes = st.lists(
        st.tuples(st.sampled_from(list(places(document))), Values), min_size=1, max_size=3
    )
    return changes.map(lambda chosen: reduce(_with, chosen, document))


def _with(document: Any, change: tuple[tuple[Any, ...], Any]) -> Any:
    (first, *rest), value = change
    copy = copied(document)
    try:
        copy[first] = _with(copy[first], (tuple(rest), value)) if rest else value
    except (KeyError, IndexError, TypeError, AttributeError):  # gone with an earlier exchange
        return document
    return copy
