"""How much memory a build may take on a board whose GPU shares it with everything else."""

from pathlib import Path

from engines.build.memory import free_bytes
from engines.tensorrt.errors import BuildError

MIB = 1 << 20
SMALLEST = 256 * MIB
LARGEST = 2048 * MIB


def available_bytes(meminfo: Path = Path("/proc/meminfo")) -> int:
    """
    Return MemAvailable.

    Raises:
        BuildError: The kernel shows no such figure (a sandbox with ProcSubset=pid hides it).
    """
    free = free_bytes(meminfo)
    if free is None:
        raise BuildError(f"{meminfo} shows no MemAvailable: give --workspace MiB")
    return free


def default_workspace(available: int) -> int:
    """
    Return the bytes TensorRT may use for trying kernels: a quarter of what is free.

    Clamped to 256 MiB .. 2 GiB: TensorRT's own default is all memory, which an 8 GB board answers
    with skipped tactics or the kernel's out-of-memory killer.
    """
    return min(max(available // 4, SMALLEST), LARGEST)
