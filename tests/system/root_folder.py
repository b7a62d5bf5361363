"""Root folders of Debian, made once on this machine and kept as the read-only layers of a box."""

import fcntl
import functools
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.system.box import LONGEST_S, Box, BoxError, cgroup_root

TOOLS = ("debootstrap", "ip", "nsenter", "setpriv", "unshare")
PIP_KEYS = ("cert", "index-url", "timeout")
ALWAYS = ("ca-certificates", "dbus", "iproute2", "procps", "systemd", "systemd-sysv")
"""What a device has before anybody installs a gate."""


@dataclass(frozen=True, slots=True)
class RootFolder:
    """Which Debian, and which of its packages."""

    release: str = "bookworm"
    architecture: str = "amd64"
    """As dpkg names it; another one than this machine's needs qemu-user-static and binfmt."""
    packages: tuple[str, ...] = ()
    """Installed with `apt-get install --no-install-recommends`, as on a device."""


def make(wanted: RootFolder) -> tuple[Path, ...]:
    """
    Return the layers of a root folder, from the cache where they are there.

    Takes a minute or two when they are not. Packages come from the mirror that this machine's own
    apt is configured with.
    """
    name = f"{wanted.release}-{wanted.architecture}"
    below = (cached(f"{name}-{_key(ALWAYS)}", lambda to: _debootstrap(wanted, to)),)
    if not wanted.packages:
        return below
    key = _key((*ALWAYS, "", *wanted.packages))
    return (cached(f"{name}-{key}", lambda to: _install(wanted.packages, below, to)), *below)


def cached(name: str, produce: Callable[[Path], Path]) -> Path:
    """
    Return a folder of the cache; make it when it is not there.

    Args:
        name: Of the folder; says all that its content depends on.
        produce: Works in an empty folder on the cache's file system and returns the one to keep.
    """
    kept = cache() / name
    with _alone(name):
        if not kept.is_dir():
            work = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=cache()))
            try:
                produce(work).rename(kept)
            finally:
                shutil.rmtree(work, ignore_errors=True)
    return kept


def cache() -> Path:
    """Return where root folders are kept: outside the checkout, some hundred MB each."""
    folder = Path(os.environ.get("EDGE_GATE_BOXES") or Path.home() / ".cache/edge-gate-boxes")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def registry() -> dict[Path, str]:
    """Return what a box must see of this machine for its pip to reach the registry as ours does."""
    downloads, of_user = cache() / "pip", cache() / "pip-of-user"
    settings = cache() / "pip.conf"
    downloads.mkdir(exist_ok=True)
    known = {key: value for key in PIP_KEYS if (value := _pip_setting(key))}
    settings.write_text("\n".join(["[global]", *(f"{key} = {known[key]}" for key in known)]) + "\n")
    authorities = {Path(known["cert"]): known["cert"]} if "cert" in known else {}
    of_user.mkdir(exist_ok=True)
    os.chown(of_user, 1000, 1000)  # pip uses no cache but its user's
    caches = {downloads: "/root/.cache/pip", of_user: "/home/nano/.cache/pip"}
    return {**caches, settings: "/etc/pip.conf"} | authorities


def _pip_setting(key: str) -> str:
    own = os.environ.get(f"PIP_{key.upper().replace('-', '_')}")
    words = [sys.executable, "-m", "pip", "config", "get", f"global.{key}"]
    return own or subprocess.run(words, capture_output=True, text=True, check=False).stdout.strip()


@functools.cache
def reason_against() -> str | None:
    """Return why there can be no box on this machine, None when there can."""
    if os.geteuid() != 0:
        return "a box needs root: its processes get namespaces, its folders are mounted"
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        return f"missing: {', '.join(missing)}; 'make services' installs them"
    try:
        cgroup_root()
    except BoxError as error:
        return str(error)
    return None


def require() -> None:
    """Skip where there can be no box; in continuous integration that is a failure."""
    reason = reason_against()
    if reason is None:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def mirror(release: str) -> str:
    """
    Return the archive that this machine's apt takes a release of Debian from.

    Raises:
        BoxError: It takes none; then there is nothing to say where packages come from.
    """
    shown = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME)", "Created-By: Packages"],
        check=True,
        capture_output=True,
        text=True,
    )
    taken = [line.split() for line in shown.stdout.splitlines()]
    archives = [archive for archive, name in taken if name == release]
    if not archives:
        raise BoxError(f"this machine's apt takes nothing of {release}: {shown.stdout}")
    return archives[0]


def _debootstrap(wanted: RootFolder, work: Path) -> Path:
    made = work / "root"
    options = [
        "--variant=minbase",
        f"--arch={wanted.architecture}",
        f"--include={','.join(ALWAYS)}",
    ]
    command = ["debootstrap", *options, wanted.release, str(made), mirror(wanted.release)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LONGEST_S)
    if done.returncode:
        raise BoxError(f"{' '.join(command)}:\n{done.stdout}{done.stderr}")
    return made


def _install(packages: tuple[str, ...], below: tuple[Path, ...], work: Path) -> Path:
    with Box(below, work) as box:
        box.run("apt-get", "update", "-qq")
        options = ("-y", "-qq", "--no-install-recommends")
        box.run(
            "apt-get",
            "install",
            *options,
            *packages,
            environment={"DEBIAN_FRONTEND": "noninteractive"},
        )
        box.run("apt-get", "clean")
    return box.layers[0]


def _key(words: tuple[str, ...]) -> str:
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:12]


@contextmanager
def _alone(name: str) -> Iterator[None]:
    with (cache() / f".{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
