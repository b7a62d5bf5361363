"""
A file is written whole or not at all: a reader sees the old one or the new one, never a part.

It is written as `.part-NAME` in the same folder, brought to the disk, and takes its name in one
step. A part is locked while it is written, so that two writers never meet in one, and what a
killed process left behind is known: the kernel drops the lock with the process.
"""

import errno
import fcntl
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

PART = ".part-"
"""Begins the name of an unfinished file; its end stays, because libraries go by the suffix."""
_UNKNOWN_HERE = (errno.ENOTSUP, errno.ENOLCK, errno.ENOSYS, errno.EINVAL, errno.EBADF)
"""What a file system says that has no locks (NFS: EBADF), or no names to bring to the disk."""

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def whole_file(path: Path, *, mode: int | None = None, durable: bool = True) -> Iterator[BinaryIO]:
    """
    Yield a binary file that appears under its name when the block ends without an error.

    What a killed process left of the same file is replaced. A device or a pipe is written as it is.

    Args:
        path: Of the file; its folder must exist.
        mode: Permissions; None keeps those of the file that is replaced, and its owner.
        durable: Whether it is to survive a power cut from now on; it is whole in any case.

    Raises:
        BlockingIOError: Another process is writing the same file.
        OSError: The file system refuses. What was there is untouched, always.
    """
    before = path.stat() if path.exists() else None
    if before is not None and stat.S_ISDIR(before.st_mode):  # else told when all is written
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if before is not None and not stat.S_ISREG(before.st_mode):
        with _named(path), path.open("wb") as file:
            yield file
        return
    if mode is None and before is not None:
        mode = stat.S_IMODE(before.st_mode)
    part = part_of(path)
    with _named(path), _created(part, 0o666 if mode is None else mode) as file:
        try:
            _set_access(file.fileno(), mode, before)
            yield file
            file.flush()
            put_in_place(part, path, durable=durable)
        except BaseException:
            part.unlink(missing_ok=True)
            raise


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Let a write that finds no room say which file it is about, as one that opens does."""
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno in _NO_ROOM:
            error.filename = str(path)
        raise


def write_whole(
    path: Path, content: bytes, *, mode: int | None = None, durable: bool = True
) -> None:
    """Write a file; arguments and errors as of `whole_file`."""
    with whole_file(path, mode=mode, durable=durable) as file:
        file.write(content)


@contextmanager
def whole_path(path: Path) -> Iterator[Path]:
    """Yield what to open in the place of `path`, for libraries that open by name."""
    with whole_file(path):
        yield part_of(path)


def part_of(path: Path) -> Path:
    """Return what a file is called until it is whole."""
    return path.with_name(f"{PART}{path.name}")


def put_in_place(part: Path, path: Path, *, durable: bool = True) -> Path:
    """Give a finished file its name in one step, and return that."""
    if durable:
        sync(part)
    part.replace(path)
    if durable:
        sync(path.parent)
    return path


def sync(path: Path) -> None:
    """Bring a file, or the names in a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _UNKNOWN_HERE:
            raise
    finally:
        os.close(descriptor)


def sweep_parts(folder: Path, is_ours: Callable[[str], bool] = lambda _: True) -> None:
    """
    Delete what killed processes left behind in a folder; files being written stay.

    Args:
        folder: Where to look.
        is_ours: Whether a file of this name would be ours, in a folder that others use too.
    """
    for part in folder.glob(f"{PART}*"):
        if is_ours(part.name.removeprefix(PART)):
            with suppress(OSError):
                _delete_left(part)


def _created(part: Path, mode: int) -> BinaryIO:
    """Return a new file with its lock."""
    while True:
        _delete_left(part)
        with suppress(FileExistsError):  # another process was quicker
            file = open(part, "xb", opener=lambda name, how: os.open(name, how, mode))  # noqa: SIM115 -- the caller's
            lock(file)
            if os.fstat(file.fileno()).st_nlink:  # else taken for a leftover before it was locked
                return file
            file.close()


def _delete_left(part: Path) -> None:
    with suppress(FileNotFoundError), part.open("rb") as left:
        lock(left, fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(left.fileno()), part.stat()):  # else it is whole by now
            part.unlink()


def lock(file: BinaryIO | int, how: int = 0) -> bool:
    """
    Take the lock of a file or folder; the kernel drops it with the descriptor, or the process.

    Returns:
        False on a file system without locks: one writer at a time is then the user's to see to.

    Raises:
        BlockingIOError: With LOCK_NB, when somebody else holds it.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_EX | how)
    except BlockingIOError as error:
        raise BlockingIOError(error.errno, "another process is writing it") from error
    except OSError as error:
        if error.errno not in _UNKNOWN_HERE:
            raise
        return False
    return True


def _set_access(descriptor: int, mode: int | None, before: os.stat_result | None) -> None:
    if mode is not None:
        with suppress(PermissionError):  # the file is ours: FAT, say, has no such permissions
            os.fchmod(descriptor, mode)
    if before is not None:
        with suppress(PermissionError):  # only root may give a file away
            os.fchown(descriptor, before.st_uid, before.st_gid)
