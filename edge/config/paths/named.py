"""Every path that a configuration names."""

from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

from edge.config.reader import KeyPath
from edge.config.uri import SourceUri


def named_paths(value: object, key: KeyPath = ()) -> Iterator[tuple[KeyPath, Path]]:
    """Yield each path in a configuration or a part of it, and the key that names it."""
    match value:
        case Path():
            yield key, value
        case SourceUri(scheme="file"):
            yield key, value.path
        case BaseModel():
            for name in type(value).model_fields:
                yield from named_paths(getattr(value, name), (*key, name))
        case tuple() | list():
            for index, each in enumerate(value):
                yield from named_paths(each, (*key, index))
