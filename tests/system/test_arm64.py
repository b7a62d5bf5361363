"""
The package on the processor of a Jetson, emulated: the same verdicts as here.

Run by `make test-arm64`. The first run makes the root folder, which takes some ten minutes.
"""

import json
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from edge import __version__
from edge.__main__ import main
from engines.catalogue.cache import cache_folder
from engines.catalogue.catalogue import fetch, find_entry
from tests.edge.recordings import default_pair, people
from tests.system import root_folder
from tests.system.box import Box
from tests.system.debian_package import package
from tests.system.devices import ROOT
from tests.system.root_folder import RootFolder

EMULATOR = Path("/proc/sys/fs/binfmt_misc/qemu-aarch64")
PHOTOGRAPHS = 4
CONFIGURATION = """\
pair: /opt/pair
sources: [{name: door, uri: "rtsp://127.0.0.1/1"}]
sinks: [{type: stdout}]
"""
SLICE = (
    "tests/engines/quality/test_preprocess.py",
    "tests/engines/quality/test_score_mapping.py",
    "tests/engines/quality/test_shift.py",
    "tests/engines/biometrics/test_edc.py",
)
"""Tests of arithmetic: preparation, embedding shift, score, error versus discard."""
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
    root_folder.require()
    if (reason := emulation()) is not None:
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("arm64")
    layers = root_folder.make(RootFolder(architecture="arm64", packages=("python3",)))
    made = package(folder / "built", "arm64")
    with Box(layers, folder / "box", {ROOT: "/checkout"}) as box:
        box.sh(WITHOUT_CACHES)
        shutil.copy(made, box.path("/tmp"))
        box.sh(f"dpkg -i /tmp/{made.name} && rm /tmp/{made.name}")
        shutil.copytree(default_pair(folder / "pair"), box.path("/opt/pair"))
        put_photographs(box.path("/opt/photographs"))
        put_detector(box.path("/var/cache/edge-gate"))
        put_pytest(box.path("/opt/pytest"))
        yield box


def put_pytest(folder):
    """The tests' own libraries, of the other processor and of Debian's Python."""
    words = ["pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:"]
    words += ["--platform=manylinux_2_28_aarch64", "--platform=manylinux2014_aarch64"]
    words += ["--python-version=3.11", "--target", str(folder)]
    words += ["-c", str(ROOT / "constraints.txt"), "pytest", "hypothesis"]
    subprocess.run([sys.executable, "-m", *words], check=True)


def put_photographs(folder):
    """Small ones, since every instruction is emulated: large and small, sharp and dark faces."""
    folder.mkdir()
    for number, pixels in enumerate(people(PHOTOGRAPHS, 1).values()):
        dimmed = cv2.convertScaleAbs(pixels, alpha=1 - number / (PHOTOGRAPHS + 1))
        cv2.imwrite(str(folder / f"{number}.png"), dimmed)


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


def test_photographs_get_the_verdicts_that_they_get_here(board, capsys):
    there = program(board, "score", "--json", "--pair", "/opt/pair", "/opt/photographs").stdout
    place = board.path("/opt")
    assert main(["score", "--json", "--pair", f"{place}/pair", f"{place}/photographs"]) == 0
    here = capsys.readouterr().out
    assert len(records(here)) >= PHOTOGRAPHS
    assert scored(there) == pytest.approx(scored(here), abs=0.5)
    assert verdicts(there) == verdicts(here)


def records(text):
    found = [json.loads(line) for line in text.splitlines()]
    return {(Path(each["source"]).name, each["face_index"]): each for each in found}


def scored(text):
    return {face: each["score"] for face, each in records(text).items()}


def verdicts(text):
    return {face: (each["verdict"], each["reason"]) for face, each in records(text).items()}


RUN = "import sys; sys.path[:1] = sys.argv[1:3]; import pytest; sys.exit(pytest.main(sys.argv[3:]))"


def test_a_slice_of_the_tests_passes_there(board):
    options = ("-q", "--rootdir=/checkout", "-p", "no:cacheprovider", "--import-mode=importlib")
    done = board.sh(
        f"cd /checkout && PYTHONDONTWRITEBYTECODE=1 python3 -c '{RUN}' "
        f"/usr/lib/edge-gate /opt/pytest {' '.join((*options, *SLICE))}",
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
