"""
The results of a long list: a folder with one file for each part, which a later run completes.

    DIR/job.json              what is computed, and of which list
    DIR/part-000000.parquet   results of the first images, and which of them failed

A part that is there is computed again only when one of its files has another size or time of change
now. A job that differs in anything else is refused: its results would not fit the ones kept.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from edge.cluster.parquet import read_notes
from edge.errors import ArchiveError
from engines.whole_file import write_whole

JOB_FILE = "job.json"
JobFacts: TypeAlias = Mapping[str, Any]
"""What decides the results; JSON can say it."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some of the files, one after the other."""

    number: int
    """From 0."""
    first: int
    """Position of its first item in the list of all."""
    items: tuple[str, ...]
    """Paths of files, as the job names them."""
    stamp: str
    """Hash over names, sizes and times of change."""

    @property
    def file_name(self) -> str:
        """Where its results are."""
        return f"part-{self.number:06d}.parquet"


def parts_of(items: Sequence[str], size: int, folder: Path = Path()) -> Iterator[Part]:
    """
    Yield the parts of a list; asks the file system about each file.

    Args:
        items: Paths.
        size: Items in each part but the last.
        folder: Where relative paths start.
    """
    for number, first in enumerate(range(0, len(items), size)):
        chosen = tuple(items[first : first + size])
        yield Part(number, first, chosen, _digest([_state(folder / item) for item in chosen]))


def list_digest(items: Sequence[str]) -> str:
    """Return the hash of the names in a list, in their order."""
    return _digest(items)


class ResultFolder:
    """Keeps the results of one job."""

    def __init__(self, folder: Path, job: JobFacts) -> None:
        """
        Make the folder, or go on in one of the same job.

        Args:
            folder: Where the parts are kept.
            job: What decides the results.

        Raises:
            ArchiveError: The folder holds another job, or cannot be written.
        """
        self.folder = folder
        mine = json.loads(json.dumps(job))
        there = _read_job(folder)
        if there is None:
            _begin(folder, json.dumps(mine, indent=1).encode() + b"\n")
        elif there != mine:
            different = "; ".join(_differences(there, mine))
            raise ArchiveError(
                f"{folder} holds the results of another job ({different}): choose another folder "
                "with --out, or delete this one to compute everything again"
            )

    def has(self, part: Part) -> bool:
        """Tell whether the results of a part are there and its files unchanged."""
        notes = read_notes(self.path(part))
        return notes is not None and notes.get("stamp") == part.stamp

    def keep(self, part: Part, content: bytes) -> None:
        """
        Write the results of one part, whole or not at all.

        Raises:
            ArchiveError: The file system refuses; nothing that was there is lost.
        """
        try:
            write_whole(self.path(part), content)
        except OSError as error:
            raise ArchiveError(
                f"{self.path(part)}: cannot be written: {error.strerror}; make room and run the "
                "same command again, it goes on from here"
            ) from error

    def path(self, part: Part) -> Path:
        """Return where a part is kept."""
        return self.folder / part.file_name


def _read_job(folder: Path) -> Any:
    path = folder / JOB_FILE
    try:
        return json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise ArchiveError(
            f"{path}: not written by this program ({error}): choose another folder with --out"
        ) from error


def _begin(folder: Path, job: bytes) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / JOB_FILE, job)
    except OSError as error:
        raise ArchiveError(
            f"{folder}: cannot be written ({error.strerror}): choose another folder with --out"
        ) from error


def _differences(there: object, mine: Mapping[str, Any]) -> Iterator[str]:
    if not isinstance(there, dict):
        yield "no job of this program"
        return
    for name in sorted(there.keys() | mine.keys()):
        if there.get(name) != mine.get(name):
            yield f"{name} was {_short(there.get(name))}, now {_short(mine.get(name))}"


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 120 else f"{text[:120]}…"


def _state(path: Path) -> tuple[str, int, int]:
    try:
        found = path.stat()
    except OSError:  # the worker says what is wrong with it
        return (str(path), -1, -1)
    return (str(path), found.st_size, found.st_mtime_ns)


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()
