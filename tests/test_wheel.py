"""The wheel holds what the program needs: installed on its own, it works far from the checkout."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from edge import __version__
from edge.__main__ import COMMANDS

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ("edge", "engines", "build_engines.py", "pyproject.toml", "README.md", "LICENSE")
PIP = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")

pytestmark = pytest.mark.registry


def call(*words, folder, **environment):
    return subprocess.run(
        list(map(str, words)),
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def done(*words, folder):
    finished = call(*words, folder=folder)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel of a copy, so that the checkout stays without build files."""
    source = tmp_path_factory.mktemp("source")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            without = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, source / name, ignore=without)
        else:
            shutil.copyfile(ROOT / name, source / name)
    done(*PIP, "wheel", "--no-deps", "--wheel-dir", "dist", ".", folder=source)
    (built,) = (source / "dist").iterdir()
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The program as `make install` leaves it; what it needs is this environment's."""
    prefix = tmp_path_factory.mktemp("prefix")
    library = prefix / "lib" / "edge-gate"
    done(*PIP, "install", "--no-deps", "--target", library, wheel, folder=prefix)
    place = (f"PREFIX={prefix}", f"PYTHON={sys.executable}")
    done("make", "install-launcher", *place, folder=ROOT)
    return prefix / "bin" / "edge-gate"


def test_every_file_that_is_no_program_is_in_the_wheel(wheel):
    needed = {
        str(path.relative_to(ROOT))
        for package in ("edge", "engines")
        for path in (ROOT / package).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert needed <= set(zipfile.ZipFile(wheel).namelist())


def test_the_program_is_the_installed_one(installed, tmp_path):
    program = "import edge, engines; print(edge.__file__, engines.__file__)"
    library = installed.parents[1] / "lib" / "edge-gate"
    found = call(sys.executable, "-c", program, folder=tmp_path, PYTHONPATH=str(library))
    assert found.stdout.split() == [
        str(library / "edge" / "__init__.py"),
        str(library / "engines" / "__init__.py"),
    ]
    assert done(installed, "--version", folder=tmp_path) == f"edge-gate {__version__}\n"


def test_every_command_explains_itself(installed, tmp_path):
    for name in COMMANDS:
        assert f"usage: edge-gate {name}" in done(installed, name, "--help", folder=tmp_path)


def test_a_pair_is_built_inspected_and_verified_in_an_empty_folder(installed, tmp_path):
    (tmp_path / "pair").mkdir()
    built = done(installed, "pair", "build", "--out", "pair", "--threads", "2", folder=tmp_path)
    assert "pair: engine pair " in built
    assert "mobilefacenet512" in done(installed, "pair", "inspect", "pair", folder=tmp_path)
    assert "fit to score faces" in done(installed, "pair", "verify", "pair", folder=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["pair"]
