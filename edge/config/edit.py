"""
Change one number of a configuration file and leave every other character as it is.

The place of the number comes from `edge.config.reader`. What is shared by an anchor, an alias or a
merge is refused, because the change would reach further than asked. The result is parsed again: it
must hold the old values and the new number, or nothing is changed.
"""

import copy
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from edge.config.file import checked
from edge.config.reader import Document, KeyPath, Place, key_name, parse_document, place_error
from edge.errors import ConfigError
from engines.whole_file import write_whole

_LINE = re.compile(r"[^\r\n\x85\u2028\u2029]*(?:\r\n|[\r\n\x85\u2028\u2029]|$)")
_NUMBER = re.compile(r"[-+.0-9a-zA-Z]+")
_ALTERNATIVE = "shift_at_most"


def read_text(path: Path) -> str:
    """
    Return the whole text of a file with its line ends and byte order mark.

    Raises:
        ConfigError: It cannot be read.
    """
    try:
        return path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error


def with_threshold(text: str, path: Path, section: KeyPath, threshold: float) -> str:
    """
    Return the text of a configuration with another threshold.

    Args:
        text: Of a configuration that `edge.config.file` accepts.
        path: Named in messages, never opened.
        section: The gate to change: ("gate",) or ("sources", n, "gate").
        threshold: Quality score in [0, 100].

    Raises:
        ConfigError: An anchor or `shift_at_most` stands in the way, the file is laid out so that
            the change cannot be made alone, or the text is no configuration.
    """
    mark, body = ("\ufeff", text[1:]) if text.startswith("\ufeff") else ("", text)
    document = parse_document(body, path)
    checked(document)
    alternative = (*section, _ALTERNATIVE)
    if alternative in document.key_places:
        place, name = document.key_places[alternative], key_name(alternative)
        raise place_error(path, place, f"{name}: decides here; remove it to use a threshold")
    key = (*section, "threshold")
    changed = _Edit(body, document).set_number(key, _number_text(threshold))
    after = parse_document(changed, path)
    checked(after)
    _require_only_change(document, after, key)
    return mark + changed


def replace_text(path: Path, old: str, new: str) -> None:
    """
    Replace a file's text, whole or not at all; its permissions stay, a symbolic link stays one.

    Raises:
        ConfigError: The file is no longer what was read, or cannot be written.
    """
    target = path.resolve()
    if read_text(target) != old:
        raise ConfigError(f"{path}: was changed by someone else meanwhile; run the command again")
    try:
        write_whole(target, new.encode())
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror or error}") from error


def _number_text(number: float) -> str:
    return str(int(number)) if float(number).is_integer() else repr(float(number))


class _Edit:
    """Finds where a number is, or where it would have to be written."""

    def __init__(self, text: str, document: Document) -> None:
        self.text = text
        self.document = document
        self.lines = lines_of(text)

    def set_number(self, path: KeyPath, number: str) -> str:
        if path in self.document.value_places:
            return self._replaced(path, number)
        *section, key = path
        if tuple(section) in self.document.value_places:
            return self._inserted(tuple(section), f"{key}: {number}")
        return self._with_section(tuple(section), f"{key}: {number}")

    def _replaced(self, path: KeyPath, number: str) -> str:
        require_unshared(self.document, path)
        start = self._offset(self.document.value_places[path])
        found = _NUMBER.match(self.text, start)
        if found is None:
            raise self._error(path, "has an anchor (&); change it by hand")
        return self.text[:start] + number + self.text[found.end() :]

    def _inserted(self, section: KeyPath, entry: str) -> str:
        """Return the text with a new first entry of a mapping."""
        require_unshared(self.document, section)
        place = self.document.value_places[section]
        start = self._offset(place)
        if self.text[start] == "{":
            return into_braces(self.text, start, entry)
        if self.text[start] == "&":
            raise self._error(section, "has an anchor (&); add the threshold by hand")
        indent = self.lines[place.line - 1][: place.column - 1]
        if indent.strip(" "):
            raise self._error(section, "starts in the middle of a line; add the threshold by hand")
        return self.text[:start] + entry + line_end(self.lines) + indent + self.text[start:]

    def _with_section(self, section: KeyPath, entry: str) -> str:
        """Return the text with a new section at the end of the mapping around it."""
        *around, name = section
        parent = tuple(around)
        require_unshared(self.document, parent)
        place = self.document.value_places[parent]
        start = self._offset(place)
        if self.text[start] == "{":
            return into_braces(self.text, start, f"{name}: {{{entry}}}")
        if self.text[start] == "&":
            raise self._error(parent, "has an anchor (&); add the threshold by hand")
        return below_mapping(
            self.lines, self.document, parent, place.column, (f"{name}:", f"  {entry}")
        )

    def _offset(self, place: Place) -> int:
        return sum(map(len, self.lines[: place.line - 1])) + place.column - 1

    def _error(self, path: KeyPath, message: str) -> ConfigError:
        name = f"{key_name(path)}: " if path else ""
        return place_error(self.document.path, self.document.value_places[path], f"{name}{message}")


def lines_of(text: str) -> list[str]:
    """Return the lines of a text with their ends, as YAML counts them."""
    return [match.group() for match in _LINE.finditer(text) if match.group()]


def line_end(lines: Sequence[str]) -> str:
    """Return how a text ends its lines."""
    return "\r\n" if lines[0].endswith("\r\n") else "\n"


def into_braces(text: str, start: int, entry: str) -> str:
    """Return a text with a new first entry of the mapping whose `{` is at an index."""
    rest = text[start + 1 :]
    comma = "" if rest.lstrip().startswith("}") else ", "
    return text[: start + 1] + entry + comma + rest


def below_mapping(
    lines: Sequence[str],
    document: Document,
    parent: KeyPath,
    column: int,
    entry: Iterable[str],
) -> str:
    """
    Return a text with a new last entry of a block mapping.

    Args:
        lines: Of the text.
        document: What they say.
        parent: The mapping.
        column: Where its keys start, from 1.
        entry: Its lines, without their ends and the indent of the keys.
    """
    end, after = line_end(lines), _last_line(lines, document, parent, column)
    head, tail = "".join(lines[:after]), "".join(lines[after:])
    gap = "" if head.endswith(("\n", "\r")) else end
    return head + gap + "".join(f"{' ' * (column - 1)}{line}{end}" for line in entry) + tail


def _last_line(lines: Sequence[str], document: Document, parent: KeyPath, column: int) -> int:
    """Return the number of the last line of a block mapping whose keys start at a column."""
    own = [place for key, place in document.key_places.items() if key[:-1] == parent]
    last = max(place.line for place in own if place.column == column)
    for number, line in enumerate(lines[last:], last + 1):
        words = line.strip()
        if words and len(line) - len(line.lstrip(" ")) < column:
            break
        if words and not words.startswith("#"):
            last = number
    return last


def require_unshared(document: Document, path: KeyPath) -> None:
    """
    Make sure that a value stands in the file for one key alone.

    Raises:
        ConfigError: An anchor shares it.
    """
    place = document.value_places[path]
    for other, where in document.value_places.items():
        if where == place and not _contains(other, path) and not _contains(path, other):
            name, shared = key_name(path), key_name(other)
            raise place_error(
                document.path,
                place,
                f"{name}: is shared with {shared} by an anchor (&); change it by hand",
            )


def _contains(outer: KeyPath, inner: KeyPath) -> bool:
    return inner[: len(outer)] == outer


def _require_only_change(before: Document, after: Document, path: KeyPath) -> None:
    expected = copy.deepcopy(before.values)
    here: Any = expected
    for part in path[:-1]:
        here = here[part] if isinstance(part, int) else here.setdefault(part, {})
    got: Any = after.values
    for part in path:
        got = got[part]
    here[path[-1]] = got
    if expected != after.values:
        raise ConfigError(
            f"{before.path}: {key_name(path)} cannot be changed alone in this layout; "
            "change it by hand"
        )
