"""What memory a build needs, said before it takes minutes; measured: `docs/measured.md`."""

import math
from pathlib import Path

from engines.graph.network import Network

BASE_BYTES = 250_000_000
"""The program, its libraries and the golden faces."""
TIMES_WEIGHTS = 10
"""Peak over the network's weights, the golden faces' activations among it."""


def needed_bytes(network: Network) -> int:
    """Return about what a build of the network's pair needs at its peak, whatever the recipe."""
    return needed_for(sum(4 * math.prod(each.dims) for each in network.model.graph.initializer))


def needed_for(weights: int) -> int:
    """Return the same for a network with so many bytes of weights."""
    return BASE_BYTES + TIMES_WEIGHTS * weights


def free_bytes(meminfo: Path = Path("/proc/meminfo")) -> int | None:
    """Return MemAvailable; None where the kernel does not show it (ProcSubset=pid hides it)."""
    try:
        lines = meminfo.read_text().splitlines()
        line = next(each for each in lines if each.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        return None
    return int(line.split()[1]) * 1024


def memory_text(needed: int, free: int | None) -> str:
    """Return what is needed and what is there; a warning where that is too little."""
    text = f"building takes about {needed / 1e9:.1f} GB of memory"
    if free is None:
        return text
    text += f", {free / 1e9:.1f} GB are free"
    if free >= needed:
        return text
    return f"warning: {text}: close other programs or add swap, or the kernel may end the build"
