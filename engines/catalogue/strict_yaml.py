"""YAML of this package's own files and of the user's: each key once, bounded, no tags."""

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from engines.bounded_file import read_bounded
from engines.errors import EnginesError

LARGEST_FILE = 4 << 20
"""Bytes; the manifest of the largest pair has some ten thousand."""
DEEPEST_NESTING = 32
"""Levels; far below Python's recursion limit, on which PyYAML stands."""


class YamlError(EnginesError):
    """A file is no YAML, or says one thing twice."""


class _Loader(yaml.SafeLoader):
    """PyYAML keeps the last of two equal keys silently; this one refuses them."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
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
    except (yaml.YAMLError, ValueError, TypeError, OverflowError) as error:
        # Also a 13th month, a key of lists, and "\UFFFFFFFF", which reaches chr() unchecked.
        raise YamlError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from error
