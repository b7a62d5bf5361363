"""
What the gate can obtain by name: networks, face detectors, photographs.

    entry = find_entry("mobilefacenet512")     # or a path to the user's own entry file
    (network,) = fetch(entry)                  # verified local paths, in the order of entry.files
"""

import difflib
import functools
import os
from pathlib import Path

from rich.progress import Progress

from engines.catalogue.cache import cache_folder, kept, require_sha256, sha256_of
from engines.catalogue.conversion import cached_conversion, convert
from engines.catalogue.download import Url, cached_download, obtain_download
from engines.catalogue.entry import read_catalogue, read_entry
from engines.catalogue.package_clients import Archive
from engines.catalogue.registry import RegistryMember, cached_members, obtain_members
from engines.catalogue.values import Catalogued, CataloguedFile, Converted, Source, UserFile
from engines.errors import (
    CatalogueError,
    EntryError,
    FetchError,
    HashMismatchError,
    UnknownEntryError,
)
from engines.whole_folder import is_writable

__all__ = [
    "Archive",
    "Catalogued",
    "CataloguedFile",
    "Converted",
    "RegistryMember",
    "Source",
    "Url",
    "UserFile",
    "entries",
    "entry_beside",
    "fetch",
    "find_entry",
    "located",
]

CATALOGUE = Path(__file__).with_name("catalogue.yaml")


@functools.cache
def entries() -> tuple[Catalogued, ...]:
    """Return every entry of the built-in catalogue."""
    return read_catalogue(CATALOGUE)


def find_entry(name: str) -> Catalogued:
    """
    Return the entry of this name, or the one in the user's own YAML file at this path.

    Args:
        name: An entry's name, or a path (it has a slash or ends in .yaml or .yml); that of a
            network stands for the entry beside it (`entry_beside`).

    Raises:
        UnknownEntryError: No entry has this name; the message names near ones.
        EntryError: The user's file is missing or wrong.
    """
    if name.endswith(".onnx"):
        return _read_beside(Path(name).expanduser())
    if "/" in name or name.endswith((".yaml", ".yml")):
        return read_entry(Path(name).expanduser())
    known = {entry.name: entry for entry in entries()}
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise UnknownEntryError(
        f"no catalogue entry {name!r}: {hint}Known are {', '.join(known)}; "
        "or give the path of a YAML file with an entry of your own"
    )


def entry_beside(network: Path) -> Path:
    """Return where the entry of a network's file is looked for: NAME.yaml beside NAME.onnx."""
    return network.with_suffix(".yaml")


def _read_beside(network: Path) -> Catalogued:
    path = entry_beside(network)
    if not path.exists():
        raise EntryError(
            f"{network}: a network needs an entry, and there is no {path.name} beside it: "
            f"'edge-gate pair build --network {network} --out DIR' proposes one"
        )
    entry = read_entry(path)
    if [file.source for file in entry.files] != [UserFile(network.absolute())]:
        raise EntryError(
            f"{path}: files: not the entry of {network.name}, which lies beside it: correct "
            "'file:', or move either"
        )
    return entry


def fetch(entry: Catalogued, progress: Progress | None = None) -> tuple[Path, ...]:
    """
    Obtain an entry's files, from the cache where it has them (no network is used then).

    A file in the cache whose hash is wrong is obtained again.

    Args:
        entry: What to obtain.
        progress: A running display of the caller's; None shows nothing.

    Returns:
        Verified local paths in the order of `entry.files`; a set of files gives all of its
        members, in natural order (s2 before s10).

    Raises:
        FetchError: A client is missing, failed or was cut short, or a member is missing.
        HashMismatchError: What was obtained is not what is pinned.
    """
    shown = progress or Progress(disable=True)
    return tuple(path for file in entry.files for path in _obtained(file, shown))


def located(entry: Catalogued) -> tuple[Path, ...]:
    """
    Return an entry's verified local paths as `fetch` does, without fetching.

    Raises:
        CatalogueError: Something is not in the cache yet.
        HashMismatchError: A cached file was changed.
    """
    try:
        return tuple(path for file in entry.files for path in _cached(file))
    except (FetchError, HashMismatchError):
        raise
    except CatalogueError as error:
        raise CatalogueError(f"{entry.name}: {error}: run '{_command(entry.name)}'") from error


def _command(name: str) -> str:
    """Return what fetches an entry into the cache in use, which may be another user's."""
    command = f"edge-gate models fetch {name}"
    if "EDGE_GATE_CACHE" not in os.environ:
        return command
    folder = cache_folder()
    return f"{'' if is_writable(folder) else 'sudo '}EDGE_GATE_CACHE={folder} {command}"


def _obtained(file: CataloguedFile, progress: Progress) -> tuple[Path, ...]:
    match file.source:
        case UserFile():
            return (_user_file(file, file.source),)
        case Url():
            return (obtain_download(file.source, _pinned(file), progress),)
        case RegistryMember():
            return obtain_members(file.source, _pinned(file), progress)
        case Converted():
            return (_conversion(file, file.source, progress),)


def _conversion(file: CataloguedFile, source: Converted, progress: Progress) -> Path:
    if found := kept(functools.partial(cached_conversion, source, file.name, _pinned(file))):
        return found
    parts = [path for part in source.files for path in _obtained(part, progress)]
    return convert(source, file.name, _pinned(file), parts, progress)


def _cached(file: CataloguedFile) -> tuple[Path, ...]:
    match file.source:
        case UserFile():
            return (_user_file(file, file.source),)
        case Url():
            return (cached_download(file.source, _pinned(file)),)
        case RegistryMember():
            return cached_members(file.source, _pinned(file))
        case Converted():
            return (cached_conversion(file.source, file.name, _pinned(file)),)


def _user_file(file: CataloguedFile, source: UserFile) -> Path:
    if not source.path.is_file():
        raise FetchError(f"{source.path}: no such file: put it there, or correct 'file:'")
    if file.sha256 is not None:
        advice = "restore the file, or correct 'sha256' in its entry"
        require_sha256(str(source.path), file.sha256, sha256_of(source.path), advice)
    return source.path


def _pinned(file: CataloguedFile) -> str:
    # Entry files are refused without it; this is for entries made in code.
    if file.sha256 is None:
        raise CatalogueError(f"{file.name}: 'sha256' is needed for anything that is downloaded")
    return file.sha256
