"""
Read one YAML mapping strictly, and remember the place of every key and value.

Plain scalars follow the core schema of YAML 1.2.2 (section 10.3.2), not PyYAML's YAML 1.1: `1e-3`
is a number; `on`, `no` and `12:30:00` are text. A number with a leading zero is refused, because
YAML 1.1 reads `012` as ten and YAML 1.2 as twelve. Duplicate keys, keys without a value, tags and
further documents are refused. Anchors and merge keys (`<<`) work; a merged key keeps the place
where it was written.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import yaml

from edge.errors import ConfigError

LARGEST_FILE = 1 << 20
"""Bytes; a configuration has a few thousand."""
DEEPEST_NESTING = 32
"""Levels, through aliases too; far below Python's recursion limit."""
MOST_VALUES = 20_000
"""Values, with aliases expanded: a few lines of aliases could otherwise fill the memory."""
LONGEST_NUMBER = 64
"""Characters."""

KeyPath: TypeAlias = tuple[str | int, ...]
"""Keys and list positions from the top of the document, e.g. ("sources", 0, "name")."""

_CORE_SCHEMA = {
    "null": re.compile(r"null|Null|NULL|~|"),
    "bool": re.compile(r"true|True|TRUE|false|False|FALSE"),
    "int": re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+"),
    "float": re.compile(
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"
        r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
    ),
}
_LEADING_ZERO = re.compile(r"[-+]?0[0-9].*")
_MERGE_KEY = "<<"

_Entry: TypeAlias = tuple[str, yaml.ScalarNode, yaml.Node]


class Place(NamedTuple):
    """A position in a text file."""

    line: int
    """From 1."""
    column: int
    """From 1."""


START = Place(1, 1)


@dataclass(frozen=True, slots=True)
class Document:
    """A mapping read from a file, with the place of everything in it."""

    path: Path
    """The file, as the operator named it."""
    values: dict[str, Any]
    """Dicts with text keys, lists, text, booleans, whole numbers and floats; never None."""
    key_places: dict[KeyPath, Place]
    """Where each key was written; list positions have none."""
    value_places: dict[KeyPath, Place]
    """Where each value starts; () is the document itself."""


def place_error(path: Path, place: Place, message: str) -> ConfigError:
    """Return a ConfigError whose message starts with file:line:column."""
    return ConfigError(f"{path}:{place.line}:{place.column}: {message}")


def key_name(path: KeyPath) -> str:
    """Return a key path as people write it, e.g. "sources[0].name"."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return "".join(parts).removeprefix(".")


def read_document(path: Path) -> Document:
    """
    Read one file.

    Raises:
        ConfigError: The file is missing, unreadable, too large, not UTF-8, empty, not YAML, or
            breaks a rule of this module; the message starts with file:line:column.
    """
    return parse_document(_read_text(path), path)


def parse_document(text: str, path: Path) -> Document:
    """
    Parse the text of one file.

    Args:
        text: YAML.
        path: Named in messages, never opened.

    Raises:
        ConfigError: As `read_document`.
    """
    node = _compose(text, path)
    if node is None:
        raise place_error(path, START, "is empty; configs/gate.example.yaml shows every key")
    if not isinstance(node, yaml.MappingNode):
        raise place_error(path, _place(node), "the file must hold 'key: value' lines")
    document = Document(path, {}, {}, {})
    document.values.update(_Reading(document).value(node, (), ()))
    return document


def _read_text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST_FILE + 1)
    except OSError as error:
        message = f"cannot be read: {os.strerror(error.errno or 0)}"
        raise place_error(path, START, message) from error
    except ValueError as error:  # a NUL in the path
        raise place_error(path, START, f"cannot be read: {error}") from error
    if len(raw) > LARGEST_FILE:
        raise place_error(path, START, f"is larger than {LARGEST_FILE} bytes")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # The error counts from after a byte order mark.
        body = raw.removeprefix(b"\xef\xbb\xbf")
        message = f"is not UTF-8 (byte 0x{body[error.start]:02x}); save it as UTF-8"
        raise place_error(path, _end_of(body[: error.start].decode()), message) from error


def _end_of(text: str) -> Place:
    return Place(text.count("\n") + 1, len(text) - text.rfind("\n"))


def _place(at: yaml.Node | yaml.Event) -> Place:
    # PyYAML's pure Python parser, the only one used here, marks everything.
    return _mark_place(at.start_mark)


def _mark_place(mark: Any) -> Place:
    return Place(mark.line + 1, mark.column + 1)


class _Loader(yaml.SafeLoader):
    """Composes nodes whose tags are names of the core schema; refuses before it recurses."""

    def __init__(self, text: str, path: Path) -> None:
        super().__init__(text)
        self.path = path
        self.depth = 0
        self.composed = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event: yaml.Event = self.peek_event()  # type: ignore[no-untyped-call]
        self.composed += 1
        if getattr(event, "tag", None) is not None:
            raise place_error(self.path, _place(event), "tags (!) are not used; quote text")
        if self.depth > DEEPEST_NESTING:
            message = f"nested more than {DEEPEST_NESTING} levels deep"
            raise place_error(self.path, _place(event), message)
        if self.composed > MOST_VALUES:
            raise place_error(self.path, _place(event), f"more than {MOST_VALUES} values")
        self.depth += 1
        node: yaml.Node | None = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def resolve(self, kind: type[yaml.Node], value: Any, implicit: Any) -> str:
        if kind is not yaml.ScalarNode:
            return "collection"
        plain = implicit[0]
        matching = (tag for tag, form in _CORE_SCHEMA.items() if plain and form.fullmatch(value))
        return next(matching, "str")


def _compose(text: str, path: Path) -> yaml.Node | None:
    """Return the root node of the only document, or None when there is none."""
    try:
        loader = _Loader(text, path)
    except yaml.reader.ReaderError as error:
        message = f"character U+{ord(text[error.position]):04X} is not allowed"
        raise place_error(path, _end_of(text[: error.position]), message) from error
    try:
        return loader.get_single_node()
    except ConfigError:
        raise
    except yaml.MarkedYAMLError as error:
        raise place_error(path, _mark_place(error.problem_mark), _words(error)) from error
    except (ValueError, OverflowError) as error:  # "\UFFFFFFFF" reaches chr() unchecked
        message = "not YAML: a character or version out of range"
        raise place_error(path, _mark_place(loader.get_mark()), message) from error


def _words(error: yaml.MarkedYAMLError) -> str:
    if error.context == "expected a single document in the stream":
        return "a second document starts; one file holds one configuration"
    return f"not YAML: {error.problem} {error.context or ''}".rstrip()


class _Reading:
    """Turns nodes into values and notes their places."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.seen = 0

    def value(self, node: yaml.Node, path: KeyPath, around: tuple[int, ...]) -> Any:
        """Return a node's value; `around` are the identities of the nodes it lies in."""
        self._enter(node, path, around)
        self.document.value_places[path] = _place(node)
        inside = (*around, id(node))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path, inside)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, i), inside) for i, item in enumerate(node.value)]
        return self._scalar(node, path)

    def _enter(self, node: yaml.Node, path: KeyPath, around: tuple[int, ...]) -> None:
        self.seen += 1
        if self.seen > MOST_VALUES:
            raise self._error(node, path, f"more than {MOST_VALUES} values")
        if id(node) in around:
            raise self._error(node, path, "an alias (*) lies inside its own anchor (&)")
        if len(around) > DEEPEST_NESTING:
            raise self._error(node, path, f"nested more than {DEEPEST_NESTING} levels deep")

    def _mapping(
        self, node: yaml.MappingNode, path: KeyPath, inside: tuple[int, ...]
    ) -> dict[str, Any]:
        values = {}
        for key, key_node, value_node in self._entries(node, path, inside):
            here = (*path, key)
            self.document.key_places[here] = _place(key_node)
            values[key] = self.value(value_node, here, inside)
        return values

    def _entries(
        self, node: yaml.MappingNode, path: KeyPath, inside: tuple[int, ...]
    ) -> Iterator[_Entry]:
        """Yield own entries, then the merged ones that none before them overrides."""
        own: dict[str, yaml.Node] = {}
        merged: list[_Entry] = []
        for key_node, value_node in node.value:
            key = self._key(key_node, path)
            if key in own:
                message = f"duplicate key, first given on line {_place(own[key]).line}"
                raise self._error(key_node, (*path, key), message)
            own[key] = key_node
            if key == _MERGE_KEY and key_node.style is None:
                merged.extend(self._merged(value_node, path, inside))
            else:
                yield key, key_node, value_node
        for key, key_node, value_node in merged:
            if own.setdefault(key, key_node) is key_node:
                yield key, key_node, value_node

    def _merged(self, node: yaml.Node, path: KeyPath, inside: tuple[int, ...]) -> Iterator[_Entry]:
        for source in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            self._enter(source, path, inside)
            if not isinstance(source, yaml.MappingNode):
                message = "merge (<<) takes mappings only, e.g. <<: *name"
                raise self._error(source, path, message)
            yield from self._entries(source, path, (*inside, id(source)))

    def _key(self, node: yaml.Node, path: KeyPath) -> str:
        if not isinstance(node, yaml.ScalarNode):
            raise self._error(node, path, "a key must be text, not a list or a mapping")
        if node.tag != "str":
            raise self._error(node, path, f"the key {node.value!r} is not text; quote it")
        return self._text(node, path)

    def _scalar(self, node: yaml.Node, path: KeyPath) -> str | bool | int | float:
        if node.tag == "null":
            raise self._error(node, path, "has no value; give one, or remove the key")
        if node.tag == "bool":
            return bool(node.value.lower() == "true")
        if node.tag == "str":
            return self._text(node, path)
        return self._number(node, path)

    def _text(self, node: yaml.Node, path: KeyPath) -> str:
        text = str(node.value)
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise self._error(node, path, "a quoted text holds half a character (\\uD800…)")
        return text

    def _number(self, node: yaml.Node, path: KeyPath) -> int | float:
        text = str(node.value)
        if len(text) > LONGEST_NUMBER:
            raise self._error(node, path, f"a number of more than {LONGEST_NUMBER} characters")
        if _LEADING_ZERO.fullmatch(text):
            message = f"{text} starts with a zero; write it without, or quote text"
            raise self._error(node, path, message)
        if node.tag == "int":
            return int(text, 0)
        return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))

    def _error(self, node: yaml.Node, path: KeyPath, message: str) -> ConfigError:
        name = f"{key_name(path)}: " if path else ""
        return place_error(self.document.path, _place(node), name + message)
