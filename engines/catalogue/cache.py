"""The folder that keeps what was fetched: atomic files, one lock for each download."""

import fcntl
import hashlib
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TypeVar

from engines.errors import CatalogueError, FetchError, HashMismatchError

log = logging.getLogger(__name__)

Found = TypeVar("Found")
CHUNK_BYTES = 1 << 20


def cache_folder() -> Path:
    """Return $EDGE_GATE_CACHE, else `edge-gate` under $XDG_CACHE_HOME, else under ~/.cache."""
    own = os.environ.get("EDGE_GATE_CACHE")
    if own:
        return Path(own).expanduser().absolute()
    user = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG specification tells programs to ignore relative values.
    base = Path(user) if Path(user).is_absolute() else Path.home() / ".cache"
    return base / "edge-gate"


def chunks(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield the rest of a stream in pieces of at most 1 MiB."""
    return iter(lambda: stream.read(CHUNK_BYTES), b"")


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's content, 64 lowercase hex digits."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        for chunk in chunks(stream):
            digest.update(chunk)
    return digest.hexdigest()


def require_sha256(name: str, expected: str, got: str, advice: str) -> None:
    """
    Refuse content whose hash is not the pinned one.

    Raises:
        HashMismatchError: Naming the file, both hashes and the next step.
    """
    if got != expected:
        raise HashMismatchError(f"{name}: expected SHA-256 {expected}, got {got}: {advice}")


@contextmanager
def readable(what: str) -> Iterator[None]:
    """
    Read what the cache has; others' locks, and a cache that is only to be read, are no hindrance.

    Raises:
        FetchError: A file is there and this user may not read it; fetching it again would not help.
    """
    try:
        yield
    except CatalogueError:
        raise
    except OSError as error:
        raise FetchError(
            f"{what}: {error}: give every user the right to read it: "
            f"sudo chmod -R a+rX {cache_folder()}"
        ) from error


def kept(look: Callable[[], Found]) -> Found | None:
    """
    Return what a look into the cache finds, None when it must be obtained.

    Raises:
        FetchError: It is there and this user may not read it.
    """
    try:
        return look()
    except FetchError:
        raise
    except CatalogueError:
        return None


@contextmanager
def locked(name: str) -> Iterator[None]:
    """
    Hold the cache's lock of this name; another process (or thread) waits for it.

    The kernel drops the lock with the process, so a crash leaves nothing to clean up.

    Raises:
        FetchError: The cache folder or its disk refuses; the message names the folder.
    """
    try:
        folder = cache_folder() / "locks"
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / f"{name}.lock").open("w") as stream:
            _wait_for(stream, name)
            yield
    except CatalogueError:
        raise
    except OSError as error:
        raise FetchError(
            f"cache folder {cache_folder()}: {error}: make it writable with enough free space, "
            "or point EDGE_GATE_CACHE at another folder"
        ) from error


def _wait_for(stream: IO[str], name: str) -> None:
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        log.info("another process is fetching %s; waiting for it", name)
        fcntl.flock(stream, fcntl.LOCK_EX)
