"""A device with a user, a checkout in that user's home, and commands as that user types them."""

import shutil
import subprocess
from pathlib import Path

from tests.system.box import Box

ROOT = Path(__file__).resolve().parents[2]
USER = "nano"
CHECKOUT = f"/home/{USER}/edge-gate"
LEFT_OUT = {"demo", "dist", "build", "evaluation", "pairs", "replay", "tests", "tuning"}


def add_user(box: Box) -> None:
    """
    Make the user that a device comes with, who may use sudo.

    Root's umask is the most private one, as on hardened systems: what root makes is not for the
    service to read unless the command says so.
    """
    box.sh(f"useradd --create-home --shell /bin/bash {USER}")
    rules = (f"{USER} ALL=(ALL) NOPASSWD: ALL", "Defaults umask = 0077, umask_override")
    box.path(f"/etc/sudoers.d/{USER}").write_text("\n".join(rules) + "\n")


def put_checkout(box: Box) -> None:
    """Put the files of this checkout where the user would clone it; replaces an earlier one."""
    place = box.path(CHECKOUT)
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    for entry in ROOT.iterdir():
        if entry.name.startswith(".") or entry.name in LEFT_OUT:
            continue
        if entry.is_dir():
            shutil.copytree(entry, place / entry.name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(entry, place)
    box.run("chown", "-R", f"{USER}:", CHECKOUT)


def as_user(
    box: Box, script: str, *, check: bool = True, online: bool = False
) -> "subprocess.CompletedProcess[str]":
    """Run what a user types, in the folder of the checkout."""
    typed = f"set -e\ncd {CHECKOUT}\n{script}"
    return box.run("su", "--login", USER, "-c", typed, check=check, online=online)
