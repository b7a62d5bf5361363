"""
TensorRT's timings of kernels, kept between builds: minutes become seconds on a rebuild.

One file for each TensorRT version and device, because timings of others are worthless; written
whole, under a lock, so that two builds at once leave one good file. It does not make builds
reproducible: every plan is verified on its own.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engines.catalogue.cache import cache_folder
from engines.tensorrt.fingerprint import Fingerprint
from engines.whole_file import write_whole


def default_path(fingerprint: Fingerprint) -> Path:
    """Return where the timings of this TensorRT and device are kept."""
    device = f"sm{fingerprint.compute_capability}x{fingerprint.multiprocessors}"
    name = f"{fingerprint.flavour}-{fingerprint.tensorrt}-{device}.timing"
    return cache_folder() / "timing" / name


def read_timings(path: Path) -> bytes:
    """Return earlier timings, or nothing where there are none."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def write_timings(path: Path, timings: bytes) -> None:
    """Keep the timings of a build that used them; readers never see a part."""
    with _locked(path):
        write_whole(path, timings)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(path.name + ".lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield
