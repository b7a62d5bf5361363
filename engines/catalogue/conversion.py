"""Networks that are made once, in the cache, from files in another format."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from rich.progress import Progress

from engines.catalogue.cache import cache_folder, locked, readable, require_sha256, sha256_of
from engines.catalogue.values import Converted, Converter
from engines.errors import CatalogueError
from engines.whole_file import write_whole


def cached_conversion(source: Converted, name: str, sha256: str) -> Path:
    """
    Return the cached result of a conversion after checking its hash.

    Raises:
        CatalogueError: Not made yet.
        HashMismatchError: The cached file was changed.
    """
    path = _cached_path(name, sha256)
    with readable(name):
        if not path.is_file():
            raise CatalogueError(f"{name} was not made yet ({source.converter}) in {path.parent}")
        advice = "it was changed in the cache; fetch it again"
        require_sha256(str(path), sha256, sha256_of(path), advice)
    return path


def convert(
    source: Converted, name: str, sha256: str, parts: Sequence[Path], progress: Progress
) -> Path:
    """
    Make a network from its verified parts, keep it in the cache and return its path.

    Args:
        source: Names the converter.
        name: Of the file to make.
        sha256: Of the file to make.
        parts: Paths of the source's files, in their order.
        progress: Shows one bar meanwhile.

    Raises:
        NetworkError: The parts are not what the converter reads.
        HashMismatchError: The result is not the pinned one.
    """
    task = progress.add_task(f"making {name}", total=None)
    content = _converted(source.converter, parts)
    progress.remove_task(task)
    path = _cached_path(name, sha256)
    with locked(f"{name}-{sha256[:16]}"):
        path.parent.mkdir(parents=True, exist_ok=True)
        advice = f"{source.converter} made another file than was pinned; correct its sha256"
        require_sha256(name, sha256, hashlib.sha256(content).hexdigest(), advice)
        write_whole(path, content)
        return path


def _cached_path(name: str, sha256: str) -> Path:
    return cache_folder() / "converted" / sha256[:16] / Path(name).name


def _converted(converter: Converter, parts: Sequence[Path]) -> bytes:
    match converter:
        case "dlib-resnet-from-tfjs":
            from engines.catalogue.dlib_resnet import dlib_resnet_from_tfjs  # noqa: PLC0415 -- onnx is slow

            return dlib_resnet_from_tfjs(parts)
