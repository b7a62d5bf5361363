"""The program that `make install` writes imports nothing from the folder it is called from."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from edge import __version__

ROOT = Path(__file__).resolve().parents[1]
HOSTILE = """\
import pathlib
pathlib.Path({mark!r}).touch()
raise SystemExit("imported from the current folder")
"""
MODULES = ("argparse.py", "json.py", "sitecustomize.py", "edge/__init__.py", "engines/__init__.py")


@pytest.fixture(scope="module")
def launcher(tmp_path_factory):
    """The launcher over this checkout: its packages are where `pip --target` would put them."""
    prefix = tmp_path_factory.mktemp("prefix")
    library = prefix / "lib" / "edge-gate"
    library.mkdir(parents=True)
    for package in ("edge", "engines"):
        (library / package).symlink_to(ROOT / package)
    words = ["make", "install-launcher", f"PREFIX={prefix}", f"PYTHON={sys.executable}"]
    subprocess.run(words, cwd=ROOT, check=True, capture_output=True)
    return prefix / "bin" / "edge-gate"


@pytest.fixture
def hostile(tmp_path):
    """A folder of modules with names that the program imports; each leaves a mark when it runs."""
    for name in MODULES:
        module = tmp_path / name
        module.parent.mkdir(exist_ok=True)
        module.write_text(HOSTILE.format(mark=str(tmp_path / "imported")))
    return tmp_path


def called(program, *words, folder, **environment):
    return subprocess.run(
        [program, *words],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("python_path", ["", ":", ".", "/opt/ros/python:"])
def test_modules_of_the_current_folder_are_never_imported(launcher, hostile, python_path):
    done = called(launcher, "--version", folder=hostile, PYTHONPATH=python_path)
    assert (done.stdout, done.returncode) == (f"edge-gate {__version__}\n", 0), done.stderr
    assert not (hostile / "imported").exists()


def test_the_processes_it_starts_import_nothing_from_there_either(launcher, hostile):
    done = called(launcher, "doctor", "--json", folder=hostile)
    assert done.stdout.startswith("["), done.stderr
    assert "imported from" not in done.stdout
    assert not (hostile / "imported").exists()


def test_arguments_reach_the_program_as_they_are(launcher, tmp_path):
    done = called(launcher, "check", "--config", "a 'quoted' $name", folder=tmp_path)
    assert "a 'quoted' $name" in done.stderr
    assert done.returncode == 78


@pytest.mark.parametrize("safe_path", ["", "1"])
def test_python_may_leave_out_the_folder_by_itself(launcher, tmp_path, safe_path):
    done = called(launcher, "--version", folder=tmp_path, PYTHONSAFEPATH=safe_path)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def interrupted(tmp_path):
    """A folder of a module that the command line loads, while which Ctrl-C is pressed."""
    (tmp_path / "difflib.py").write_text("raise KeyboardInterrupt")
    return tmp_path


WAYS = {
    "script": ["-c", "import sys; from edge.entry import main; sys.exit(main())"],
    "module": ["-m", "edge"],
}
"""The first is what an installed wheel's script does."""


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_ctrl_c_while_the_command_line_is_loaded_ends_it_in_a_word(interrupted, way):
    words = [*way, "--version"]
    done = called(sys.executable, *words, folder=interrupted, PYTHONPATH=f"{interrupted}:{ROOT}")
    assert (done.stdout, done.stderr, done.returncode) == ("", "interrupted\n", 130)


def test_so_it_does_of_an_installed_program(launcher, interrupted):
    module = launcher.parents[1] / "lib" / "edge-gate" / "difflib.py"
    module.write_bytes((interrupted / "difflib.py").read_bytes())
    done = called(launcher, "--version", folder=interrupted)
    module.unlink()
    assert (done.stdout, done.stderr, done.returncode) == ("", "interrupted\n", 130)


def test_the_wheels_script_and_the_launcher_go_in_the_same_way(launcher):
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'edge-gate = "edge.entry:main"\n' in project
    assert "from edge.entry import main" in launcher.read_text()


def test_little_is_loaded_before_ctrl_c_ends_it_in_a_word():
    words = ["-I", "-X", "importtime", "-c", f"import sys; sys.path[0:0] = [{str(ROOT)!r}]; "]
    bare = called(sys.executable, *words, folder=ROOT)
    words[-1] += "import edge.entry"
    ours = called(sys.executable, *words, folder=ROOT)
    assert loaded(ours) - loaded(bare) <= {"edge", "edge.entry", "importlib", "warnings"}


def loaded(done):
    return {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
