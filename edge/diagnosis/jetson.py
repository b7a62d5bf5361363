"""What a Jetson says of itself, read from its files; on other machines there is nothing to read."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from edge.diagnosis.power_modes import PowerMode, fastest, power_modes
from engines.tensorrt.host import board_name, l4t_release

JETPACKS = {"35": "5", "36": "6", "38": "7", "39": "7"}
"""Jetson Linux releases and the JetPack that they belong to."""


@dataclass(frozen=True, slots=True)
class Jetson:
    """The machine; None where a fact is not there."""

    board: str | None
    """From the device tree."""
    l4t: str | None
    """Jetson Linux, for example 36.4.3."""
    jetpack: str | None
    """Version of the nvidia-jetpack package, else the generation that the release belongs to."""
    system: str
    """Name of the operating system."""
    power_mode: str | None
    """As nvpmodel prints it, for example MAXN."""
    fastest_mode: PowerMode | None = None
    """Of the board's own table."""


def read_jetson(root: Path = Path("/")) -> Jetson:
    """Return the facts; `root` is another one in tests."""
    l4t = l4t_release(root)
    generation = JETPACKS.get(l4t.partition(".")[0]) if l4t else None
    return Jetson(
        board=board_name(root),
        l4t=l4t,
        jetpack=_package_version(root, "nvidia-jetpack") or generation,
        system=_system_name(root),
        power_mode=_power_mode(),
        fastest_mode=fastest(power_modes(root)),
    )


def _package_version(root: Path, name: str) -> str | None:
    try:
        text = (root / "var/lib/dpkg/status").read_text(errors="replace")
    except OSError:
        return None
    found = re.search(rf"^Package: {name}\n(?:.+\n)*?Version: (\S+)$", text, re.MULTILINE)
    return found[1] if found else None


def _system_name(root: Path) -> str:
    try:
        text = (root / "etc/os-release").read_text()
    except OSError:
        return "unknown"
    found = re.search(r'^PRETTY_NAME="?([^"\n]+)', text, re.MULTILINE)
    return found[1] if found else "unknown"


def _power_mode() -> str | None:
    program = shutil.which("nvpmodel")
    if program is None:
        return None
    done = subprocess.run([program, "-q"], capture_output=True, text=True, check=False, timeout=10)
    found = re.search(r"NV Power Mode:\s*(\S+)", done.stdout)
    return found[1] if found else None
