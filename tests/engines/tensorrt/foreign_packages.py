"""
Packages that only a subprocess may import: installed once into the cache, put on its PYTHONPATH.

Native libraries run in subprocesses, because one that crashes must not take the tests with it; and
they are never part of this project's environment.
"""

import faulthandler
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from runpy import run_module
from typing import NoReturn

import pytest

from engines.catalogue.cache import cache_folder, locked
from tests.edge.warm_process import WarmProcess

ROOT = Path(__file__).parents[3]
HANGS_S = 600
"""Only a native library that hangs takes as long."""

RTX_VERSIONS = ("1.4.0.76", "1.7.1.116")
"""Of TensorRT-RTX: with the API of TensorRT 10, and with that of 11."""


def installed(*requirements: str) -> Path:
    """
    Return a folder with exactly these packages, without their dependencies.

    Where they cannot be installed, the test fails in continuous integration (CI=true), which
    promises them, and is skipped elsewhere.
    """
    python = f"py{sys.version_info.major}{sys.version_info.minor}"
    name = "-".join(["foreign", python, *requirements]).replace("==", "-")
    folder = cache_folder() / name
    with locked(name):
        if not (folder / ".complete").exists():
            _install(folder, requirements)
    return folder


def installed_rtx(version: str) -> Path:
    """Return the folder of one of `RTX_VERSIONS`; see `installed`."""
    return installed(f"tensorrt-rtx-cu12-libs=={version}", f"tensorrt-rtx-cu12-bindings=={version}")


def _install(folder: Path, requirements: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--only-binary", ":all:", "--upgrade", "--target", str(folder)]
    done = subprocess.run(
        [*command, *requirements], capture_output=True, text=True, check=False, timeout=600
    )
    if done.returncode == 0:
        (folder / ".complete").touch()
        return
    refuse(f"pip cannot install {' '.join(requirements)}: {done.stderr.strip()[-300:]}")


def refuse(reason: str) -> NoReturn:
    """Fail in continuous integration, which promises the package; skip elsewhere."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def run_with(
    folder: Path, *arguments: str, timeout: int = 300, environment: Mapping[str, str] = os.environ
) -> subprocess.CompletedProcess[str]:
    """Run this Python with the project and the folder's packages importable."""
    paths = os.pathsep.join([str(ROOT), str(folder)])
    return subprocess.run(
        [sys.executable, "-X", "faulthandler", *arguments],
        env={**environment, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )


def fork_with(folder: Path, module: str, *words: str) -> subprocess.CompletedProcess[str]:
    """
    Run a module of the project as a program, with the folder's packages importable.

    Forked from a process that has imported much of the project and nothing foreign.
    """
    environment = {**os.environ, "PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"}
    program = WarmProcess(_program, [str(folder), module, *words], ROOT, environment, (1,), (2,))
    hanging = threading.Timer(HANGS_S, program.kill)
    hanging.daemon = True
    hanging.start()
    out, err = program.communicate()
    hanging.cancel()
    return subprocess.CompletedProcess([module, *words], program.wait(), out, err)


def _program() -> None:
    folder, module = sys.argv[1:3]
    del sys.argv[1:3]
    faulthandler.enable()
    sys.path.insert(0, folder)
    run_module(module, run_name="__main__", alter_sys=True)
