"""
The package on the processor of a Jetson, emulated: what was built here works there.

Run by `make test-arm64`. The first run makes the root folder, which takes some ten minutes.
"""

import json
import os
import platform
import shutil
import subprocess
from pathlib import Path

import pytest

from edge import __version__
from engines.catalogue.cache import cache_folder
from engines.catalogue.catalogue import fetch, find_entry
from tests.edge.recordings import default_pair
from tests.system import root_folder
from tests.system.box import Box
from tests.system.debian_package import package
from tests.system.root_folder import RootFolder

EMULATOR = Path("/proc/sys/fs/binfmt_misc/qemu-aarch64")
CONFIGURATION = """\
pair: /opt/pair
sources: [{name: door, uri: "rtsp://127.0.0.1/1"}]
sinks: [{type: stdout}]
"""
WITHOUT_CACHES = """\
mount -t tmpfs tmpfs /sys/devices/system/cpu
cd /sys/devices/system/cpu
echo 0 > possible
echo 0 > present
"""
"""What the kernel shows of this machine's caches crashes ONNX Runtime for an arm64."""


def emulation():
    """Return why programs of an arm64 cannot be run here, None when they can."""
    if platform.machine() == "aarch64":
        return None
    if not EMULATOR.exists():
        subprocess.run(
            "mountpoint -q /proc/sys/fs/binfmt_misc || "
            "mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc; "
            "update-binfmts --enable qemu-aarch64",
            shell=True,
            capture_output=True,
            check=False,
        )
    if EMULATOR.exists():
        return None
    return "programs of an arm64 cannot be run here: qemu-user-static and binfmt-support are needed"


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    """A box of an arm64 with the package, a pair built here, and photographs."""
    if "EDGE_GATE_ARM64" not in os.environ:
        pytest.skip("takes minutes: make test-arm64")
    root_folder.require()
    if (reason := emulation()) is not None:
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("arm64")
    layers = root_folder.make(RootFolder(architecture="arm64", packages=("python3",)))
    made = package(folder / "built", "arm64")
    with Box(layers, folder / "box", {}) as box:
        box.sh(WITHOUT_CACHES)
        shutil.copy(made, box.path("/tmp"))
        box.sh(f"dpkg -i /tmp/{made.name} && rm /tmp/{made.name}")
        shutil.copytree(default_pair(folder / "pair"), box.path("/opt/pair"))
        put_detector(box.path("/var/cache/edge-gate"))
        yield box


def put_detector(folder):
    for path in fetch(find_entry("mtcnn")):
        there = folder / path.relative_to(cache_folder())
        there.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, there)


def program(board, *words, check=True):
    return board.run(
        "edge-gate", *words, check=check, environment={"EDGE_GATE_CACHE": "/var/cache/edge-gate"}
    )


def test_it_is_another_processor_and_the_program_starts(board):
    assert board.run("uname", "-m").stdout == "aarch64\n"
    assert program(board, "--version").stdout == f"edge-gate {__version__}\n"


def test_golden_vectors_computed_here_hold_there(board):
    board.path("/opt/gate.yaml").write_text(CONFIGURATION)
    assert ": OK: " in program(board, "check", "--prove", "--config", "/opt/gate.yaml").stdout


def test_the_doctor_finds_nothing_wrong(board):
    done = program(board, "doctor", "--pair", "/opt/pair", "--json", check=False)
    wrong = [each for each in json.loads(done.stdout) if each["state"] == "problem"]
    assert (wrong, done.returncode) == ([], 0)
