"""
Whether an open sqlite file is still the one that stands under its name.

A file that is deleted or replaced while it is open goes on working for whoever holds it, until the
end of the process: then everything written since is gone. sqlite notices none of it in WAL mode.
"""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

SUFFIXES = ("", "-wal", "-shm")


class OpenParts:
    """The file, its write-ahead log and its index, as they stood when it was opened."""

    def __init__(self, path: Path) -> None:
        """
        Remember which files these are.

        Args:
            path: Of the open database; one in memory has no parts, and is always in place.
        """
        self._path, self._known = path, dict(_identities(path))

    @property
    def are_in_place(self) -> bool:
        """Whether every part is still found under its name."""
        return all(_identity(part) == known for part, known in self._known.items())

    @property
    def is_file_in_place(self) -> bool:
        """Whether at least the file itself is: then closing it brings everything there."""
        return _identity(self._path) == self._known.get(self._path)

    def delete_left(self) -> None:
        """Delete by name what is still ours, so that a new file does not meet parts of an old."""
        for part, known in self._known.items():
            if _identity(part) == known:
                part.unlink(missing_ok=True)


def _identities(path: Path) -> Iterator[tuple[Path, tuple[int, int]]]:
    for suffix in SUFFIXES:
        part = path.with_name(path.name + suffix)
        identity = _identity(part)
        if identity is not None:
            yield part, identity


def _identity(path: Path) -> tuple[int, int] | None:
    with suppress(OSError):
        status = path.stat()
        return status.st_dev, status.st_ino
    return None
