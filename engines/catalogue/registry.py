"""
Obtain pinned package archives through the registries' own clients, npm and pip.

The clients know the user's mirrors, proxies and certificates; nothing here names a server.
No code of a package runs: npm is told to ignore scripts, and pip's question for an sdist's
metadata is answered by a backend of ours (some sdists' own no longer run on new Pythons).
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from rich.progress import Progress

from engines.catalogue.cache import cache_folder, kept, locked, readable, require_sha256, sha256_of
from engines.catalogue.tar import extract, matches, set_sha256
from engines.errors import CatalogueError, FetchError, HashMismatchError
from engines.whole_file import part_of, put_in_place

Client = Literal["npm", "pip-sdist", "pip-wheel"]


@dataclass(frozen=True, slots=True)
class Archive:
    """One version of one package, pinned by hash."""

    client: Client
    package: str
    version: str
    sha256: str
    """Of the archive file, 64 lowercase hex digits."""
    bytes: int | None = None
    """Size of the archive file; shown to the user, not checked."""

    def __str__(self) -> str:
        return f"{self.package}{'@' if self.client == 'npm' else '=='}{self.version}"

    @property
    def slug(self) -> str:
        """Name of the archive's file and folder in the cache."""
        plain = re.sub(r"[^A-Za-z0-9.]+", "-", self.package).strip("-")
        return f"{plain}-{self.version}-{self.sha256[:12]}"


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
        received = _download(archive, folder, progress)
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


def _download(archive: Archive, folder: Path, progress: Progress) -> Path:
    size = f" ({archive.bytes / 1e6:.0f} MB)" if archive.bytes else ""
    task = progress.add_task(f"downloading {archive}{size}", total=None)
    destination = folder / "received"
    destination.mkdir()
    try:
        if archive.client == "npm":
            _npm(archive, destination)
        else:
            _pip(archive, folder, destination)
    finally:
        progress.remove_task(task)
    received = list(destination.iterdir())
    if len(received) != 1:
        names = ", ".join(sorted(path.name for path in received)) or "nothing"
        raise FetchError(f"{archive}: the client left {names} where one archive was expected")
    return received[0]


def _npm(archive: Archive, destination: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise FetchError(
            f"npm is not installed, and {archive} comes from its registry: install Node.js with "
            "npm (Debian, Ubuntu, JetPack: sudo apt-get install npm) and run the command again; "
            "or choose an entry that needs Python's pip only, or a file of your own "
            "(see 'edge-gate models list')"
        )
    # npm pack has no way to expect a hash; ours is checked as soon as it returns.
    words = [npm, "pack", "--ignore-scripts", "--loglevel=error", str(archive)]
    _run("npm", archive, words, cwd=destination)


def _pip(archive: Archive, folder: Path, destination: Path) -> None:
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{archive} --hash=sha256:{archive.sha256}\n")
    words = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--no-deps",
        "--no-input",
        "--quiet",
        "--disable-pip-version-check",
        "--progress-bar=off",
        "--require-hashes",
        "--requirement",
        str(requirements),
        "--dest",
        str(destination),
    ]
    if archive.client == "pip-wheel":
        _run("pip", archive, [*words, "--only-binary=:all:"], cwd=folder)
        return
    _write_backend(archive, folder / "backend")
    words += ["--no-binary=:all:", "--no-build-isolation", "--use-pep517"]
    _run("pip", archive, words, cwd=folder, python_path=folder / "backend")


BACKEND = '''\
"""Answers pip's question for an sdist's name and version without running the sdist's code."""
import pathlib
import sys


def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    folder = pathlib.Path(metadata_directory, "{folder}.dist-info")
    folder.mkdir()
    folder.joinpath("METADATA").write_text(
        "Metadata-Version: 2.1\\nName: {package}\\nVersion: {version}\\n")
    return folder.name


__legacy__ = sys.modules[__name__]
'''


def _write_backend(archive: Archive, folder: Path) -> None:
    # pip asks setuptools when an sdist names no other backend; this one is found first.
    module = folder / "setuptools" / "build_meta.py"
    module.parent.mkdir(parents=True)
    # Older pips read the name from the folder's name.
    stem = f"{archive.package.replace('-', '_')}-{archive.version}"
    module.write_text(BACKEND.format(folder=stem, package=archive.package, version=archive.version))
    (module.parent / "__init__.py").touch()


def _run(
    client: str, archive: Archive, words: list[str], cwd: Path, python_path: Path | None = None
) -> None:
    environment = dict(os.environ)
    if python_path is not None:
        environment["PYTHONPATH"] = str(python_path)
    finished = subprocess.run(
        words,
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if finished.returncode:
        raise _client_error(client, archive, finished.stdout)


def _client_error(client: str, archive: Archive, output: str) -> CatalogueError:
    if "No module named pip" in output:
        return FetchError(
            f"pip is not installed for {sys.executable}: run '{sys.executable} -m ensurepip' "
            "(Debian, Ubuntu: sudo apt-get install python3-pip) and try again"
        )
    mismatch = re.search(r"Got\s+([0-9a-f]{64})", output)
    if mismatch:
        return HashMismatchError(
            f"archive of {archive}: expected SHA-256 {archive.sha256}, got {mismatch[1]}: the "
            "download was cut or the registry serves another file; run the command again"
        )
    said = [line.strip() for line in output.splitlines() if line.strip()][-4:]
    return FetchError(
        f"{client} could not download {archive}: check the network and run the command again; "
        f"what was fetched before stays in {cache_folder()} and works offline. "
        f"{client} said: {' | '.join(said) or 'nothing'}"
    )
