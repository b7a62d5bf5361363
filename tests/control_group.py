"""A control group of the kernel with a limit of memory, as `MemoryMax=` of a service is one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import pytest

FIRST = Path("/sys/fs/cgroup/memory")
"""Where the memory controller of version 1 is, on machines that still have it."""


class ControlGroup:
    """Processes begun within `joined` belong to it, and their children."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._is_first = folder, folder.parent == FIRST

    @contextmanager
    def joined(self) -> Iterator[None]:
        """Let this process be in it for a while."""
        before = self._folder.parent / _own_group(is_first=self._is_first) / "cgroup.procs"
        (self._folder / "cgroup.procs").write_text(str(os.getpid()))
        try:
            yield
        finally:
            before.write_text(str(os.getpid()))

    def held_bytes(self) -> int:
        """Return what its processes hold, without what the kernel may drop."""
        words = (self._folder / "memory.stat").read_text().split()
        held = dict(zip(words[::2], map(int, words[1::2]), strict=True))
        return held["total_rss" if self._is_first else "anon"]

    def limit(self, size: int) -> None:
        """Set the limit in bytes."""
        name = "memory.limit_in_bytes" if self._is_first else "memory.max"
        (self._folder / name).write_text(str(size))


def _own_group(*, is_first: bool) -> str:
    lines = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines()]
    kind = "memory" if is_first else ""
    return next(path.lstrip("/") for _, kinds, path in lines if kind in kinds.split(","))


@contextmanager
def control_group() -> Iterator[ControlGroup]:
    """Yield a new one; skip where the kernel gives none."""
    parent = FIRST if FIRST.exists() else Path("/sys/fs/cgroup")
    folder = parent / f"edge-gate-test-{os.getpid()}"
    try:
        folder.mkdir()
    except OSError as error:
        pytest.skip(f"no control group can be made: {error.strerror}")
    try:
        if not (folder / "memory.stat").exists():
            pytest.skip("the control groups of this machine do not limit memory")
        yield ControlGroup(folder)
    finally:
        while (folder / "cgroup.procs").read_text():  # those that were killed are still dying
            Event().wait(0.05)
        folder.rmdir()
