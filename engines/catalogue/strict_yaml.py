"""YAML of this package's own files and of the user's: each key once, bounded, no tags."""

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml
from yaml.composer import Composer

from engines.bounded_file import read_bounded
from engines.errors import EnginesError

LARGEST_FILE = 4 << 20
"""Bytes; the manifest of the largest pair has some ten thousand."""
DEEPEST_NESTING = 32
"""Levels; far below Python's recursion limit, on which PyYAML stands."""


class YamlError(EnginesError):
    """A file is no YAML, or says one thing twice."""


if hasattr(yaml, "CSafeLoader"):

    class _Parser(Composer, yaml.CSafeLoader):
        """
        Composes nodes in Python, of events that libyaml reads.

        The manifest of a pair, read each time that one is opened, takes a fifth of the time.
        """

        def __init__(self, stream: str) -> None:
            Composer.__init__(self)
            yaml.CSafeLoader.__init__(self, stream)

else:  # PyYAML was built without libyaml

    class _Parser(yaml.SafeLoader):  # type: ignore[no-redef]
        """Does all of it in Python."""


class _Loader(_Parser):
    """PyYAML keeps the last of two equal keys silently; this one refuses them."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event: Any = self.peek_event()
        if getattr(event, "tag", None) is not None:  # `!!int ''` is an IndexError of PyYAML
            raise yaml.composer.ComposerError(None, None, "tags (!) are not used", event.start_mark)
        self.depth += 1
        if self.depth > DEEPEST_NESTING:
            raise yaml.composer.ComposerError(
                None, None, f"nested deeper than {DEEPEST_NESTING} levels", None
            )
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        names = [key.value for key, _ in node.value]
        for index, (key, _) in enumerate(node.value):
            if key.value in names[:index]:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {key.value!r} is given twice", key.start_mark
                )
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> object:
    """
    Return the document of a file.

    Raises:
        YamlError: No readable regular file, too large, not UTF-8, not YAML, too deep, tagged, or
            a key is given twice.
    """
    return parse_yaml(read_bytes(path), path)


def read_bytes(path: Path) -> bytes:
    """
    Return what a file of YAML holds, not parsed.

    Raises:
        YamlError: No readable regular file, or too large.
    """
    return read_bounded(path, LARGEST_FILE, YamlError)


def parse_yaml(content: bytes, path: Path) -> object:
    """
    Return the document of bytes that were read before.

    Args:
        content: UTF-8.
        path: Named in messages, never opened.

    Raises:
        YamlError: Not UTF-8, not YAML, too deep, tagged, or a key is given twice.
    """
    try:
        return yaml.load(content.decode(), _Loader)  # noqa: S506 -- safe
    except UnicodeDecodeError as error:
        raise YamlError(f"{path}: cannot be read: {error}") from error
    except (yaml.YAMLError, ValueError, TypeError, OverflowError) as error:  # also a 13th month
        said = f"{error} {_line(error, content)}"
        raise YamlError(f"{path}: not valid YAML: {' '.join(said.split())}") from error


def _line(error: Exception, content: bytes) -> str:
    """Return the beginning of the line that is meant, which libyaml does not show."""
    mark = getattr(error, "problem_mark", None)
    lines = content.decode().split("\n")
    return "" if mark is None or mark.line >= len(lines) else lines[mark.line].strip()[:80]
