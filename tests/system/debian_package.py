"""The Debian package of this checkout, for the Debian of the boxes."""

import subprocess
import sys
from pathlib import Path

from tests.system.devices import ROOT


def package(folder: Path, architecture: str) -> Path:
    """Make the package; stored without compression, which is what takes long."""
    words = ["deb/build.sh", sys.executable, architecture, "3.11", str(folder), "-Znone"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


def newer(package: Path, folder: Path, version: str) -> Path:
    """Return the same package as that of a later release."""
    tree, made = folder / "tree", folder / f"edge-gate_{version}.deb"
    subprocess.run(["dpkg-deb", "-R", package, tree], check=True)
    for name, before, after in (
        ("DEBIAN/control", "Version: ", f"Version: {version}"),
        ("usr/lib/edge-gate/edge/__init__.py", "__version__ = ", f'__version__ = "{version}"'),
    ):
        lines = (tree / name).read_text().splitlines()
        changed = [after if line.startswith(before) else line for line in lines]
        (tree / name).write_text("\n".join(changed) + "\n")
    words = ["dpkg-deb", "-Znone", "--root-owner-group", "--build"]
    subprocess.run([*words, tree, made], check=True, capture_output=True)
    return made
