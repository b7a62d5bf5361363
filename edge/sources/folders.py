"""Which files are read as pictures, by kind and by ending, and why others are passed over."""

import os
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path

from PIL import Image, features

from edge.config.source import VIDEO_SUFFIXES
from edge.errors import SourceError

KINDS = frozenset(
    {
        *("AVIF", "BMP", "DIB", "GIF", "HEIF", "JPEG", "JPEG2000", "MPO", "PCX", "PNG", "PPM"),
        *("PSD", "QOI", "TGA", "TIFF", "WEBP"),
    }
)
"""
Pillow's names of the kinds that hold photographs. It knows more: of those some start another
program (EPS), some are only recognised (WMF, HDF5), and every one is a parser of foreign bytes.
"""

HEIF_SUFFIXES = frozenset({".heic", ".heics", ".heif", ".heifs", ".hif"})
"""What telephones write; needs a library of its own."""

_CODECS = {"AVIF": "avif", "JPEG2000": "jpg_2000", "WEBP": "webp"}
"""Kinds that Pillow can be built without, and what it then lacks."""

_HEIF_LIBRARIES = ("pi_heif", "pillow_heif")
"""Either is Pillow's plug-in; the first only decodes, and so comes without x265, which is GPL."""


@cache
def kinds() -> tuple[str, ...]:
    """Return Pillow's names of the kinds that can be decoded here."""
    Image.init()
    _register_heif()
    known = sorted(KINDS & Image.OPEN.keys())
    return tuple(kind for kind in known if kind not in _CODECS or features.check(_CODECS[kind]))


def _register_heif() -> None:
    for name in _HEIF_LIBRARIES:
        try:
            import_module(name).register_heif_opener()
        except (ImportError, OSError):  # absent, or its libheif is
            continue
        return


@cache
def suffixes() -> frozenset[str]:
    """Return the file name endings looked for in folders, lower case, those of videos left out."""
    decoded = kinds()  # registers what is asked for next
    endings = Image.registered_extensions().items()
    return frozenset(ending for ending, kind in endings if kind in decoded) - VIDEO_SUFFIXES


def advice(path: Path) -> str | None:
    """Return how a picture of this ending would be read, or None where the ending is no matter."""
    if path.suffix.lower() in HEIF_SUFFIXES and "HEIF" not in kinds():
        return "HEIC needs a library: pip install 'edge-gate[heic]'"
    return None


def is_photograph(path: Path) -> bool:
    """Tell by its first bytes whether a file is of a kind that is read as a picture."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=kinds()):
                return True
    except Exception:  # noqa: BLE001 -- foreign bytes; reading it says what is wrong
        return False


def is_folder(path: Path) -> bool:
    """Tell whether a path leads to a folder; one that is too long leads nowhere."""
    return os.path.isdir(path)  # noqa: PTH112 -- Path's own raises where it is too long


def is_file(path: Path) -> bool:
    """Tell whether a path leads to a file; one that is too long leads nowhere."""
    return os.path.isfile(path)  # noqa: PTH113 -- as above


def images_in(paths: Sequence[Path]) -> Iterator[Path]:
    """
    Yield image files: those named outright, and those of folders below them, sorted.

    What is missing or cannot be listed is yielded too: `read_image` then says what is wrong with
    it, and the run goes on. Links to folders are not followed, so that a loop of links ends, and
    hidden folders not searched: what somebody threw away lies there, and small copies.

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
        if is_folder(path):
            yield from _files_below(path, endings, kind)
        else:
            yield path


def _files_below(folder: Path, endings: frozenset[str], kind: str) -> Iterator[Path]:
    unlisted: list[Path] = []
    found = False
    for file, why_not in _below(folder, endings, unlisted):
        if why_not is None:
            found = True
            yield file
    yield from unlisted
    if not found and not unlisted:
        words = passed_over([folder], endings)
        raise SourceError(
            f"{folder}: no {kind} below this folder{f' ({words})' if words else ''}; "
            f"known endings: {', '.join(sorted(endings))}"
        )


def _below(
    folder: Path, endings: frozenset[str], unlisted: list[Path]
) -> Iterator[tuple[Path, str | None]]:
    """
    Yield every file of a folder and those below it, sorted, and the folders left out.

    With each comes why it is passed over; None where it is read.
    """
    for root, folders, files in os.walk(
        folder, onerror=lambda e: unlisted.append(Path(e.filename))
    ):
        whys = {name: _why_not_searched(Path(root) / name) for name in folders}
        aside = {name: why_not for name, why_not in whys.items() if why_not is not None}
        folders[:] = sorted(whys.keys() - aside.keys())
        for name in sorted([*files, *aside]):
            path = Path(root) / name
            yield path, aside[name] if name in aside else _why_not_read(path, endings)


def _why_not_searched(folder: Path) -> str | None:
    if folder.name.startswith("."):
        return "hidden"
    # Not Path.is_symlink, which raises where no path can be so long: the walk tells of that folder.
    is_link = os.path.islink(folder)  # noqa: PTH114
    return "a link to a folder (name it itself)" if is_link else None


def passed_over(paths: Sequence[Path], endings: frozenset[str]) -> str | None:
    """
    Return how many files of folders `files_in` leaves out, and why, in words; None: not one.

    Args:
        paths: As given to `files_in`.
        endings: As given to `files_in`.
    """
    reasons = Counter(
        why_not
        for folder in paths
        if is_folder(folder)
        for _, why_not in _below(folder, endings, [])
        if why_not is not None
    )
    if not reasons:
        return None
    count = reasons.total()
    words = "; ".join(f"{number} {reason}" for reason, number in sorted(reasons.items()))
    return f"{count:,} {'file' if count == 1 else 'files'} passed over: {words}"


def _why_not_read(file: Path, endings: frozenset[str]) -> str | None:
    if file.name.startswith("."):
        return "hidden"
    ending = file.suffix.lower()
    if ending in endings:
        return None
    told = advice(file)
    if told is not None:
        return f"{ending} ({told})"
    return f"of unknown ending {ending}" if ending else "without an ending"
