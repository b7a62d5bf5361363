"""Which files of folders are read, and which are passed over and why."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from edge.errors import SourceError
from edge.sources.photographs import advice, suffixes


def images_in(paths: Sequence[Path]) -> Iterator[Path]:
    """
    Yield image files: those named outright, and those of folders below them, sorted.

    What is missing or cannot be listed is yielded too: `read_image` then says what is wrong with
    it, and the run goes on. Links to folders are not followed, so that a loop of links ends.

    Raises:
        SourceError: A folder holds no image.
    """
    return files_in(paths, suffixes(), "image")


def files_in(paths: Sequence[Path], endings: frozenset[str], kind: str) -> Iterator[Path]:
    """
    Yield files as `images_in` does, of any kind.

    Args:
        paths: Files, taken as they are, and folders.
        endings: Looked for in folders, lower case.
        kind: What such a file is, in words, for the error.

    Raises:
        SourceError: A folder holds no such file.
    """
    for path in paths:
        if path.is_dir():
            yield from _files_below(path, endings, kind)
        else:
            yield path


def _files_below(folder: Path, endings: frozenset[str], kind: str) -> Iterator[Path]:
    unlisted: list[Path] = []
    found = False
    for file in _below(folder, unlisted):
        if _is_read(file, endings):
            found = True
            yield file
    yield from unlisted
    if not found and not unlisted:
        words = passed_over([folder], endings)
        raise SourceError(
            f"{folder}: no {kind} below this folder{f' ({words})' if words else ''}; "
            f"known endings: {', '.join(sorted(endings))}"
        )


def _below(folder: Path, unlisted: list[Path]) -> Iterator[Path]:
    """Yield every file of a folder and those below it, sorted."""
    for root, folders, files in os.walk(
        folder, onerror=lambda e: unlisted.append(Path(e.filename))
    ):
        folders.sort()
        for name in sorted(files):
            yield Path(root) / name


def _is_read(file: Path, endings: frozenset[str]) -> bool:
    return file.suffix.lower() in endings and not file.name.startswith(".")


def passed_over(paths: Sequence[Path], endings: frozenset[str]) -> str | None:
    """
    Return how many files of folders `files_in` leaves out, and why, in words; None: not one.

    Args:
        paths: As given to `files_in`.
        endings: As given to `files_in`.
    """
    reasons = Counter(
        _reason(file)
        for folder in paths
        if folder.is_dir()
        for file in _below(folder, [])
        if not _is_read(file, endings)
    )
    if not reasons:
        return None
    count = reasons.total()
    words = "; ".join(f"{number} {reason}" for reason, number in sorted(reasons.items()))
    return f"{count:,} {'file' if count == 1 else 'files'} passed over: {words}"


def _reason(file: Path) -> str:
    if file.name.startswith("."):
        return "hidden"
    ending = file.suffix.lower()
    told = advice(file)
    if told is not None:
        return f"{ending} ({told})"
    return f"of unknown ending {ending}" if ending else "without an ending"
