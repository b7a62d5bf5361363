"""This machine as far as files tell: no GPU is touched, TensorRT is not imported."""

import importlib.metadata
import platform
import re
from pathlib import Path

from engines.tensorrt.api import Flavour
from engines.tensorrt.fingerprint import Fingerprint

_PACKAGES: dict[Flavour, tuple[str, ...]] = {
    "tensorrt": (
        "tensorrt",
        "tensorrt-cu13",
        "tensorrt-cu12",
        "tensorrt-cu13-bindings",
        "tensorrt-cu12-bindings",
    ),
    "rtx": (
        "tensorrt-rtx",
        "tensorrt-rtx-cu13",
        "tensorrt-rtx-cu12",
        "tensorrt-rtx-cu13-bindings",
        "tensorrt-rtx-cu12-bindings",
    ),
}
_RELEASE = re.compile(r"R(\d+)\s.*?REVISION:\s*([\d.]+)", re.DOTALL)


def this_machine(flavour: Flavour, root: Path = Path("/")) -> Fingerprint:
    """
    Return the fingerprint without the GPU's own facts.

    Args:
        flavour: Which library's version counts.
        root: Of the file system; tests give another.
    """
    return Fingerprint(
        flavour=flavour,
        tensorrt=installed_version(flavour),
        architecture=platform.machine(),
        device=board_name(root),
        l4t=l4t_release(root),
    )


def installed_version(flavour: Flavour) -> str | None:
    """Return the version of the installed TensorRT package; None if there is none."""
    for name in _PACKAGES[flavour]:
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:  # noqa: PERF203 -- a few names, once
            continue
    return None


def l4t_release(root: Path = Path("/")) -> str | None:
    """Return the Jetson Linux release, for example 36.4.3; None on other machines."""
    try:
        text = (root / "etc/nv_tegra_release").read_text()
    except OSError:
        return None
    found = _RELEASE.search(text)
    return f"{found[1]}.{found[2]}" if found else None


def board_name(root: Path = Path("/")) -> str | None:
    """Return the board's name from the device tree; None where there is none (x86-64)."""
    try:
        content = (root / "proc/device-tree/model").read_bytes()
    except OSError:
        return None
    return content.rstrip(b"\0").decode(errors="replace") or None
