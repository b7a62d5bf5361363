"""The pip and setuptools of Ubuntu 22.04, which JetPack 6 is, from the registry into a Debian."""

import subprocess
import sys
from pathlib import Path

from tests.system.box import Box

VERSIONS = {"pip": "22.0.2", "setuptools": "59.6.0"}
SYSTEMS = "/usr/lib/python3/dist-packages"
BUNDLED = "/usr/share/python-wheels"
"""Where Debian's and Ubuntu's venv takes its pip from."""


def put_old_pip(box: Box, downloads: Path) -> None:
    """Replace pip and setuptools of the system, and those that a new venv gets."""
    for name, version in VERSIONS.items():
        wheel = _wheel(name, version, downloads)
        box.sh(f"rm -rf {SYSTEMS}/{name} {SYSTEMS}/{name}-* {BUNDLED}/{name}-*.whl")
        (box.path(BUNDLED) / wheel.name).write_bytes(wheel.read_bytes())
        box.sh(f"cd {SYSTEMS} && python3 -m zipfile -e {BUNDLED}/{wheel.name} .")


def _wheel(name: str, version: str, downloads: Path) -> Path:
    words: list[str | Path] = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--dest",
        downloads,
    ]
    subprocess.run([*words, f"{name}=={version}"], check=True)
    return next(downloads.glob(f"{name}-{version}-*.whl"))
