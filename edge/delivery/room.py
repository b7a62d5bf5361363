"""
The last room of a full disk, kept for what makes room again.

sqlite needs room to delete, too: what a transaction changes goes to the write-ahead log first, and
the log is emptied into the file, which grows. So a disk that faces have filled to its last byte
would never be emptied by their delivery. A file beside the database keeps that much for it: it is
given up when the disk is full, and taken back before another face is accepted.
"""

import errno
import os
from contextlib import suppress
from pathlib import Path

SUFFIX = "-reserve"
MOST_BYTES = 4 * 2**20
PART_OF_DISK = 8
PARTS = 4
"""The log may hold two parts when the disk is full, and a few deletions add less than another."""
PAGE = 4096
LEAST_PAGES = 8
FULL = (errno.ENOSPC, errno.EDQUOT)


class Room:
    """Beside one database; what holds is asked of the file system, so processes may share it."""

    def __init__(self, path: Path) -> None:
        """
        Prepare; nothing is taken yet.

        Args:
            path: Of the database; its folder need not exist yet.
        """
        self._path = path.parent / (path.name + SUFFIX)
        self.bytes = _bytes_on(path)

    @property
    def log_pages(self) -> int:
        """After how many pages the write-ahead log is to be emptied into the file."""
        return max(LEAST_PAGES, self.bytes // PARTS // PAGE)

    @property
    def is_held(self) -> bool:
        """Whether the file has its size."""
        try:
            return self._path.stat().st_size >= self.bytes
        except OSError:
            return False

    def take(self) -> bool:
        """Hold the room; False when the disk has less, of which a half or a quarter is held."""
        if self.is_held:
            return True
        self.give_up()
        try:
            sizes = (self.bytes, self.bytes // 2, self.bytes // 4)
            return next((size for size in sizes if self._allocate(size)), 0) == self.bytes
        except OSError as error:  # other trouble is the database's to tell
            return error.errno not in FULL

    def _allocate(self, size: int) -> bool:
        file = os.open(self._path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(file, 0, size)
        except OSError as error:
            os.ftruncate(file, 0)
            if error.errno in FULL:
                return False
            raise
        finally:
            os.close(file)
        return True

    def give_up(self) -> bool:
        """Let the room be used; False when there was none to give up."""
        is_given = self._path.exists()
        with suppress(OSError):
            self._path.unlink()
        return is_given


def free_bytes(path: Path) -> int:
    """Return what the file system of a path has left, as far as it says so."""
    try:
        disk = os.statvfs(_existing(path))
    except OSError:
        return MOST_BYTES
    return disk.f_bavail * disk.f_frsize


def _bytes_on(path: Path) -> int:
    """Return 4 MB, or less where that would be much of the whole file system."""
    with suppress(OSError):
        disk = os.statvfs(_existing(path))
        return min(MOST_BYTES, disk.f_blocks * disk.f_frsize // PART_OF_DISK)
    return MOST_BYTES


def _existing(path: Path) -> Path:
    """Return the innermost folder of a path that is already there."""
    return next((each for each in path.absolute().parents if each.exists()), Path("/"))
