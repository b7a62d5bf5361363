"""What a gate writes to must lie apart from all else that its configuration names."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from edge.config.model import Config
from edge.config.paths.named import named_paths
from edge.config.reader import KeyPath, key_name

WRITTEN = re.compile(
    r"delivery\.outbox\.path|shadow_log\.path|page\.history|sinks\[\d+\](\.desired\.newest|\.path)"
)
FOOTAGE = re.compile(r"sources\[\d+\]\.uri")
FOLDER = re.compile(rf"pair|{FOOTAGE.pattern}|sinks\[\d+\]\.path")
"""Or a file, of a source; other files may lie in it."""
BESIDE = ("-wal", "-shm", "-journal", "-owed", "-reserve", ".lock")
"""Endings of what a gate keeps beside a file that it writes to."""


@dataclass(frozen=True, slots=True)
class _Named:
    key: KeyPath
    path: Path
    """As the kernel knows it, also of a file that is not there yet."""

    @property
    def name(self) -> str:
        return key_name(self.key)

    @property
    def is_written(self) -> bool:
        return WRITTEN.fullmatch(self.name) is not None

    @property
    def is_footage(self) -> bool:
        return FOOTAGE.fullmatch(self.name) is not None

    @property
    def is_folder(self) -> bool:
        return FOLDER.fullmatch(self.name) is not None


def not_apart(config: Config, file: Path) -> Iterator[tuple[KeyPath, str]]:
    """
    Yield each key whose path would spoil another's, or be spoilt by it, and why.

    Args:
        config: Read from the file.
        file: The configuration itself, which the page and the fleet write to.
    """
    own = _Named((), Path(os.path.realpath(file)))
    named = [_Named(key, Path(os.path.realpath(path))) for key, path in named_paths(config)]
    told: set[KeyPath] = set()
    for one, other in combinations((own, *named), 2):
        at, beside = (other, one) if other.is_written else (one, other)
        words = _wrong(at, beside) if at.is_written else None
        if words is not None and at.key not in told:
            told.add(at.key)
            whose = beside.name or "this configuration"
            yield at.key, f"{words.format(whose)}: give it a place of its own, got {at.path}"


def _wrong(at: _Named, beside: _Named) -> str | None:
    """Return what is wrong with where something is written; None when nothing is."""
    if at.path == beside.path:
        return "is where {} is, too"
    if at.path in beside.path.parents and not at.is_folder:
        return "is a file, and {} is to be in it"
    if beside.path in at.path.parents and not beside.is_folder:
        return "is to be in {}, which is a file"
    if at.is_folder and beside.is_footage and beside.path in at.path.parents:
        return "is in {}, and the next run would take its faces for footage"
    if _is_kept_beside(at, beside) or _is_kept_beside(beside, at):
        return "is kept beside {}, or keeps that beside itself"
    return None


def _is_kept_beside(one: _Named, other: _Named) -> bool:
    """Tell whether one is what a gate makes beside the other by itself."""
    made = {f"{other.path}{ending}" for ending in BESIDE}
    return other.is_written and not other.is_folder and str(one.path) in made
