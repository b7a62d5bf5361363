"""
Download pinned package archives by the registries' own clients, npm and pip.

The clients know the user's mirrors, proxies and certificates; nothing here names a server.
No code of a package runs: npm is told to ignore scripts, and pip's question for an sdist's
metadata is answered by a backend of ours (some sdists' own no longer run on new Pythons).
"""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rich.progress import Progress

from engines.catalogue.cache import cache_folder
from engines.errors import CatalogueError, FetchError, HashMismatchError

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


def download_archive(archive: Archive, folder: Path, progress: Progress) -> Path:
    """
    Return an archive as its client left it; whether it is the pinned one is the caller's to check.

    Args:
        archive: What to download.
        folder: For this download alone.
        progress: Shows a bar.

    Raises:
        FetchError: The client is missing, failed, or left something else than one file.
        HashMismatchError: The client itself found that it is not the pinned one.
    """
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
