"""
The power modes of a Jetson, from the board's own table.

Their numbers mean something else on each board: 0 is MAXN on an AGX Orin, 15 W on an Orin Nano
whose fastest mode is 2. The format is that of /etc/nvpmodel.conf in Jetson Linux 35 to 38.
"""

import math
import re
from dataclasses import dataclass
from pathlib import Path

TABLE = Path("etc/nvpmodel.conf")
_MODE = re.compile(r"^<\s*POWER_MODEL\s+([^>]*)>([^<]*)", re.MULTILINE)
_SETTING = re.compile(r"^(\w+)[ \t]+(\w+)[ \t]+(-?\d+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class PowerMode:
    """One mode, and what it leaves of the board."""

    number: int
    """What `nvpmodel -m` takes."""
    name: str
    """What `nvpmodel -q` prints."""
    gpu_hz: float
    """Highest clock of the GPU; infinite where nothing holds it back."""
    gpu_gated: int
    """Parts of the GPU (TPC) without power."""
    cores: int
    """Of the CPU."""
    cpu_khz: float
    """Highest clock of the fastest core."""


def power_modes(root: Path = Path("/")) -> tuple[PowerMode, ...]:
    """Return the modes of the table below `root`; none where there is no such table."""
    try:
        text = (root / TABLE).read_text(errors="replace")
    except OSError:
        return ()
    lines = re.sub(r"(?m)^\s*#.*$", "", text)
    found = (_mode(head, body) for head, body in _MODE.findall(lines))
    return tuple(mode for mode in found if mode is not None)


def fastest(modes: tuple[PowerMode, ...]) -> PowerMode | None:
    """Return the mode with the fastest GPU, and of several such the one with the faster CPU."""

    def speed(mode: PowerMode) -> tuple[float, int, int, float]:
        return mode.gpu_hz, -mode.gpu_gated, mode.cores, mode.cpu_khz

    return max(modes, key=speed, default=None)


def _mode(head: str, body: str) -> PowerMode | None:
    number, name = re.search(r"\bID=(\d+)", head), re.search(r"\bNAME=(\S+)", head)
    if number is None or name is None:
        return None
    settings = [(what, key, int(value)) for what, key, value in _SETTING.findall(body)]
    gpu = [_clock(value) for what, key, value in settings if (what, key) == ("GPU", "MAX_FREQ")]
    cpu = [
        _clock(value)
        for what, key, value in settings
        if what.startswith("CPU_") and key == "MAX_FREQ"
    ]
    gated = [value for _, key, value in settings if key == "TPC_PG_MASK"]
    return PowerMode(
        number=int(number[1]),
        name=name[1],
        gpu_hz=max(gpu, default=0.0),
        gpu_gated=sum(value.bit_count() for value in gated),
        cores=sum(value for what, _, value in settings if what == "CPU_ONLINE"),
        cpu_khz=max(cpu, default=0.0),
    )


def _clock(value: int) -> float:
    return math.inf if value == -1 else float(value)
