"""Obtain a pinned file from a URL; an interrupted download goes on where it stopped."""

import http.client
import urllib.error
import urllib.request
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from rich.progress import Progress

from engines.catalogue.cache import (
    cache_folder,
    chunks,
    kept,
    locked,
    readable,
    require_sha256,
    sha256_of,
)
from engines.errors import CatalogueError, FetchError, HashMismatchError
from engines.whole_file import part_of, put_in_place

SILENCE_SECONDS = 30
"""A server that sends nothing for this long counts as gone."""


@dataclass(frozen=True, slots=True)
class Url:
    """A file on a web server."""

    url: str
    """http or https; its hash is pinned, so either is safe."""
    bytes: int | None = None
    """Size of the file; shown to the user, not checked."""

    def __str__(self) -> str:
        return self.url

    @property
    def file_name(self) -> str:
        """Last part of the URL's path."""
        return PurePosixPath(unquote(urlsplit(self.url).path)).name or "download"


def cached_download(source: Url, sha256: str) -> Path:
    """
    Return the cached file of a URL after checking its hash.

    Raises:
        CatalogueError: Not in the cache.
        FetchError: This user may not read it.
        HashMismatchError: The cached file was changed.
    """
    path = _cached_path(source, sha256)
    with readable(source.url):
        if not path.is_file():
            raise CatalogueError(f"{source.url} is not in the cache {path.parent}")
        advice = "it was changed in the cache; fetch it again"
        require_sha256(str(path), sha256, sha256_of(path), advice)
    return path


def obtain_download(source: Url, sha256: str, progress: Progress) -> Path:
    """
    Return the file of a URL, from the cache or from its server.

    Args:
        source: Where it is.
        sha256: Of the file.
        progress: Shows one bar while downloading.

    Returns:
        The verified path in the cache.

    Raises:
        FetchError: The server cannot be reached, refuses or stops early.
        HashMismatchError: The file is not the pinned one.
    """
    look = partial(cached_download, source, sha256)
    if found := kept(look):  # without the lock: it may be another user's, or held for long
        return found
    with locked(sha256[:16]):
        return kept(look) or _downloaded(source, sha256, progress)


def _cached_path(source: Url, sha256: str) -> Path:
    return cache_folder() / "downloads" / sha256[:16] / source.file_name


def _downloaded(source: Url, sha256: str, progress: Progress) -> Path:
    path = _cached_path(source, sha256)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = part_of(path)  # stays when the download is cut, and is gone on with
    try:
        _receive(source, part, progress)
    except (
        urllib.error.URLError,
        http.client.HTTPException,
        TimeoutError,
        ConnectionError,
        ValueError,  # a length that is no number, or one of a chunk below 0
    ) as error:
        _forget_unusable(part, error)
        raise FetchError(
            f"{source.url}: {error}: check the network and run the command again (it goes on "
            "where it stopped), or download the file by other means and name it by 'file:' in an "
            "entry of your own"
        ) from error
    got = sha256_of(part)
    if got != sha256:
        part.unlink()
        raise HashMismatchError(
            f"{source.url}: expected SHA-256 {sha256}, got {got}: the server offers another file"
        )
    return put_in_place(part, path)


def _forget_unusable(part: Path, error: Exception) -> None:
    # The server has fewer bytes than we do: what we have is not the start of its file.
    beyond_the_end = http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
    if isinstance(error, urllib.error.HTTPError) and error.code == beyond_the_end:
        part.unlink()


def _receive(source: Url, part: Path, progress: Progress) -> None:
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(source.url, headers={"User-Agent": "edge-gate"})  # noqa: S310 -- the entry's validation admits http and https only
    if have:
        request.add_header("Range", f"bytes={have}-")
    with urllib.request.urlopen(request, timeout=SILENCE_SECONDS) as response:  # noqa: S310 -- as above
        resumed = response.status == http.HTTPStatus.PARTIAL_CONTENT
        coming = int(response.headers.get("Content-Length") or 0)
        start = have if resumed else 0
        task = progress.add_task(f"downloading {source.file_name}", total=start + coming or None)
        progress.advance(task, start)
        received = start
        with part.open("ab" if resumed else "wb") as stream:
            for chunk in chunks(response):
                stream.write(chunk)
                received += len(chunk)
                progress.advance(task, len(chunk))
        progress.remove_task(task)
    if coming and received < start + coming:
        raise ConnectionError(f"cut after {received} of {start + coming} bytes")
