"""The hashed requirements are the pinned ones: all that runs the gate, for each device."""

import shutil
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from deb.wheels import pins, target

ROOT = Path(__file__).resolve().parents[2]
HASHED = ROOT / "install" / "requirements.txt"
REFRESH = "run 'make hashes'"
TARGETS = [
    (python, machine)
    for python in ("3.10", "3.11", "3.12", "3.13")
    for machine in ("aarch64", "x86_64")
]


def requirements():
    """Return each requirement and how many hashes it has."""
    text = HASHED.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith(("#", "--"))]
    return {Requirement(line.split("--hash")[0]): line.count("--hash=sha256:") for line in lines}


def hashed_for(python, machine):
    return pins((str(each) for each in requirements()), target(python, machine))


@pytest.mark.parametrize(("python", "machine"), TARGETS)
def test_each_version_is_the_one_of_the_constraints(python, machine):
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = pins(lines, target(python, machine))
    hashed = hashed_for(python, machine)
    assert hashed == {name: pinned.get(name) for name in hashed}, REFRESH


@pytest.mark.parametrize(("python", "machine"), TARGETS)
def test_nothing_that_the_gate_requires_is_missing(python, machine):
    hashed, environment = hashed_for(python, machine), dict(target(python, machine))
    seen, ahead = set(), ["edge-gate"]
    while ahead:
        for line in distribution(ahead.pop()).requires or []:
            requirement = Requirement(line)
            name = canonicalize_name(requirement.name)
            wanted = requirement.marker is None or requirement.marker.evaluate(environment)
            if wanted and name not in seen:
                assert name in hashed, REFRESH
                seen.add(name)
                ahead.append(name)


def test_every_requirement_has_hashes_and_no_source_is_built():
    assert all(requirements().values())
    assert "--only-binary :all:" in HASHED.read_text(encoding="utf-8").splitlines()


@pytest.mark.registry
@pytest.mark.parametrize("name", ["PyYAML", "annotated-types"])
def test_the_installer_refuses_another_wheel_of_the_same_version(tmp_path, name):
    """The hashes of what is installed are replaced by those of nothing."""
    version = hashed_for("3.11", "x86_64")[canonicalize_name(name)]
    (tmp_path / "r.txt").write_text(f"{name}=={version} --hash=sha256:{'0' * 64}\n")
    pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--require-hashes"]
    finished = subprocess.run(
        [*pip, "--target", str(tmp_path / "t"), "-r", str(tmp_path / "r.txt")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode != 0
    assert "DO NOT MATCH THE HASHES" in finished.stderr


@pytest.mark.registry
@pytest.mark.skipif(not shutil.which("uv"), reason="uv is missing: pip install uv")
@pytest.mark.parametrize(("python", "machine"), TARGETS)
def test_there_is_a_wheel_of_each_for_every_device(tmp_path, python, machine):
    words = ["uv", "pip", "install", "--dry-run", "--require-hashes", "--no-deps"]
    words += ["--python-version", python, "--python-platform", f"{machine}-manylinux_2_35"]
    words += ["--target", str(tmp_path), "--requirement", str(HASHED)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
