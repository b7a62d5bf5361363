"""
Change one list of a configuration file and leave every other character as it is.

Items that stay keep their lines and the comments above and beside them; a list on one line stays on
one line. As in `edge.config.edit` the result is parsed again, and must hold the old values and the
new list, or nothing is changed.
"""

import copy
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml

from edge.config.edit import (
    below_mapping,
    into_braces,
    line_end,
    lines_of,
    require_unshared,
)
from edge.config.file import checked
from edge.config.reader import Document, KeyPath, key_name, parse_document, place_error
from edge.errors import ConfigError


def with_list(text: str, path: Path, key: KeyPath, items: Sequence[Any]) -> str:
    """
    Return the text of a configuration with another list.

    Args:
        text: Of a configuration that `edge.config.file` accepts.
        path: Named in messages, never opened.
        key: Of the list, in a mapping that exists: ("sources", n, "masks").
        items: Text, or mappings of text and lists of text.

    Raises:
        ConfigError: An anchor stands in the way, the file is laid out so that the change cannot be
            made alone, or an item is not allowed there.
    """
    mark, body = ("\ufeff", text[1:]) if text.startswith("\ufeff") else ("", text)
    document = parse_document(body, path)
    checked(document)
    changed = _List(body, document, key).replaced([_plain(item) for item in items])
    after = parse_document(changed, path)
    checked(after)
    _require_only_change(document, after, key, items)
    return mark + changed


def flow(item: Any) -> str:
    """Return an item as it is written on one line."""
    if isinstance(item, str):
        return json.dumps(item, ensure_ascii=False)
    dumped = yaml.safe_dump(item, default_flow_style=True, sort_keys=False, width=10_000)
    return str(dumped).strip()


def _plain(item: Any) -> Any:
    return json.loads(json.dumps(item))


class _List:
    """Finds a list, or where it would have to be written."""

    def __init__(self, text: str, document: Document, key: KeyPath) -> None:
        self.text, self.document, self.key = text, document, key
        self.lines = lines_of(text)
        self.end = line_end(self.lines)
        self.mapping = _at(yaml.compose(text, yaml.SafeLoader), key[:-1])

    def replaced(self, items: list[Any]) -> str:
        own = [value for name, value in self.mapping.value if name.value == self.key[-1]]
        if not own:
            require_unshared(self.document, self.key[:-1])
            return self._inserted(items) if items else self.text
        require_unshared(self.document, self.key)
        (node,) = own
        start, end = node.start_mark.index, node.end_mark.index
        if self.text[start] == "&":
            raise self._error("has an anchor (&); change it by hand")
        if node.flow_style:
            return self.text[:start] + _one_line(items) + self.text[end:]
        return self._block(node, items)

    def _inserted(self, items: list[Any]) -> str:
        start = self.mapping.start_mark.index
        if self.text[start] == "{":
            return into_braces(self.text, start, f"{self.key[-1]}: {_one_line(items)}")
        if self.text[start] == "&":
            raise self._error("is to go where an anchor (&) is; add it by hand")
        column = self.mapping.start_mark.column + 1
        written = [f"{self.key[-1]}:", *(f"  - {flow(item)}" for item in items)]
        return below_mapping(self.lines, self.document, self.key[:-1], column, written)

    def _block(self, node: Any, items: list[Any]) -> str:
        first, last = node.value[0].start_mark.line, _last_line_of(node.value[-1])
        parts = self._parts(node, last)
        if not items:
            colon = self.text.index(":", self._key_end()) + 1
            rest = self.text[colon : sum(map(len, self.lines[: self._key_line() + 1]))]
            return f"{self.text[:colon]} []{rest}" + "".join(self.lines[last + 1 :])
        kept = list(zip(self._values(), parts, strict=True))
        indent = self.lines[first][: len(self.lines[first]) - len(self.lines[first].lstrip(" "))]
        written = [_taken(item, kept) or f"{indent}- {flow(item)}{self.end}" for item in items]
        start = self._key_line() + 1
        return "".join([*self.lines[:start], *written, *self.lines[last + 1 :]])

    def _parts(self, node: Any, last: int) -> list[str]:
        """Return the lines of each item, with the comments above it."""
        begins = [self._key_line() + 1]
        begins += [_last_line_of(before) + 1 for before in node.value[:-1]]
        ends = [*begins[1:], last + 1]
        if any(line.lstrip(" ")[:1] != "-" for line in self._item_lines(node)):
            raise self._error("is laid out in a way that only a person can change")
        texts = ["".join(self.lines[a:b]) for a, b in zip(begins, ends, strict=True)]
        return [text if text.endswith(("\n", "\r")) else text + self.end for text in texts]

    def _item_lines(self, node: Any) -> Iterable[str]:
        return (self.lines[item.start_mark.line] for item in node.value)

    def _values(self) -> list[Any]:
        here: Any = self.document.values
        for part in self.key:
            here = here[part]
        return list(here)

    def _key_end(self) -> int:
        (name,) = [name for name, _ in self.mapping.value if name.value == self.key[-1]]
        return int(name.end_mark.index)

    def _key_line(self) -> int:
        return self.document.key_places[self.key].line - 1

    def _error(self, words: str) -> ConfigError:
        place = self.document.value_places[self.key[:-1]]
        return place_error(self.document.path, place, f"{key_name(self.key)}: {words}")


def _at(node: Any, path: KeyPath) -> Any:
    for part in path:
        if isinstance(part, int):
            node = node.value[part]
        else:
            node = next(value for name, value in node.value if name.value == part)
    return node


def _last_line_of(node: Any) -> int:
    """Return the line, from 0, on which an item of a list ends."""
    if isinstance(node, yaml.ScalarNode) or node.flow_style or not node.value:
        return int(node.end_mark.line)
    last = node.value[-1]
    return _last_line_of(last[1] if isinstance(last, tuple) else last)


def _taken(item: Any, kept: list[tuple[Any, str]]) -> str | None:
    """Take the lines of an item that is there already, each once; None when it is new."""
    for place, (value, lines) in enumerate(kept):
        if value == item:
            del kept[place]
            return lines
    return None


def _one_line(items: Iterable[Any]) -> str:
    return f"[{', '.join(flow(item) for item in items)}]"


def _require_only_change(
    before: Document, after: Document, key: KeyPath, items: Sequence[Any]
) -> None:
    expected = copy.deepcopy(before.values)
    here: Any = expected
    for part in key[:-1]:
        here = here[part]
    if items or key[-1] in here:
        here[key[-1]] = [_plain(item) for item in items]
    if expected != after.values:
        raise ConfigError(
            f"{before.path}: {key_name(key)} cannot be changed alone in this layout; "
            "change it by hand"
        )
