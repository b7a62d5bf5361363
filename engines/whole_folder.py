"""
A folder is replaced whole or not at all, and what killed builds left behind is swept.

The new folder is made as `.part-NAME-…/new` beside the old one, brought to the disk, and exchanged
with it in one step of the kernel: whoever looks, and whenever the process is killed, there is
either the old folder or the new one. The work folder is locked meanwhile, so that a running build
is told from a dead one.

A file system that cannot exchange (NFS, FAT, some FUSE ones) gets two renames instead. A kill just
between them leaves no folder under the name; the next build then puts the old one back first.
"""

import ctypes
import errno
import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from engines.whole_file import PART, lock, sync

NEW, OLD = "new", "old"
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2
"""As in linux/fcntl.h and linux/fs.h."""
_CANNOT = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP)


@contextmanager
def whole_folder(out: Path, last: str) -> Iterator[Path]:
    """
    Yield an empty folder that becomes `out` when the block ends well, and vanishes otherwise.

    Where only `out` itself can be written (a mount point, a parent of somebody else) it must be
    empty; its files then arrive one by one.

    Args:
        out: Anything that may be replaced; a symbolic link stays one, its target is replaced.
        last: The file without which the others count for nothing.

    Raises:
        OSError: The file system refuses.
    """
    target = out.resolve()
    place = _workplace(target)
    place.mkdir(parents=True, exist_ok=True)
    _sweep(place, target)
    with _work(place, target) as work:
        fresh = work / NEW
        fresh.mkdir()
        if target.exists():
            fresh.chmod(stat.S_IMODE(target.stat().st_mode))
        yield fresh
        for path in (*fresh.rglob("*"), fresh):
            sync(path)
        if place == target:
            _fill(target, fresh, last)
        else:
            _put_in_place(fresh, target, work / OLD)
        sync(place)


def is_filled_in_place(out: Path) -> bool:
    """Tell whether a folder cannot be exchanged, because its parent cannot be written."""
    target = out.resolve()
    return _workplace(target) == target


def is_writable(folder: Path) -> bool:
    """Tell whether a folder can be written, or made."""
    nearest = next(each for each in (folder, *folder.parents) if os.path.lexists(each))
    if not (nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)):
        return False
    longest = os.pathconf(nearest, "PC_NAME_MAX")
    return all(len(os.fsencode(name)) <= longest for name in folder.relative_to(nearest).parts)


def _workplace(target: Path) -> Path:
    parent = target.parent
    shut_in = target.is_mount() or not os.access(parent, os.W_OK | os.X_OK)
    return target if target.is_dir() and shut_in else parent


def _fill(target: Path, fresh: Path, last: str) -> None:
    for path in sorted(fresh.iterdir(), key=lambda path: path.name == last):
        path.rename(target / path.name)


def _put_in_place(fresh: Path, target: Path, old: Path) -> None:
    if not target.exists() or not any(target.iterdir()):
        fresh.rename(target)  # takes the place of an empty folder too
        return
    try:
        exchange(fresh, target)
    except OSError as error:
        if error.errno not in _CANNOT:
            raise
        _replace_in_two_steps(fresh, target, old)


def _replace_in_two_steps(fresh: Path, target: Path, old: Path) -> None:
    target.rename(old)
    try:
        fresh.rename(target)
    except BaseException:
        old.rename(target)
        raise


def exchange(first: Path, second: Path) -> None:
    """
    Let two paths of one file system swap what they name, in one step (renameat2(2)).

    Raises:
        OSError: ENOSYS or EINVAL where kernel or file system cannot.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "renameat2"):
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    names = os.fsencode(first), os.fsencode(second)
    if libc.renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(second))


@contextmanager
def _work(place: Path, target: Path) -> Iterator[Path]:
    """Yield a new folder, locked; it is gone afterwards."""
    work, descriptor = _made(place, target)
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)
        os.close(descriptor)


def _made(place: Path, target: Path) -> tuple[Path, int]:
    while True:
        work = Path(tempfile.mkdtemp(prefix=_prefix(target), dir=place))
        with suppress(FileNotFoundError):  # taken for a dead one before it was locked
            descriptor = os.open(work, os.O_RDONLY)
            lock(descriptor)
            if work.exists():
                return work, descriptor
            os.close(descriptor)


def _sweep(place: Path, target: Path) -> None:
    for left in place.glob(f"{_prefix(target)}*"):
        with suppress(FileNotFoundError, BlockingIOError):
            descriptor = os.open(left, os.O_RDONLY)
            try:
                if lock(descriptor, fcntl.LOCK_NB):
                    _clear(left, target)
            finally:
                os.close(descriptor)


def _clear(left: Path, target: Path) -> None:
    if (left / OLD).exists() and not target.exists():
        (left / OLD).rename(target)  # killed between the two steps
    shutil.rmtree(left, ignore_errors=True)


def _prefix(target: Path) -> str:
    return f"{PART}{target.name}-"
