"""
A CUDA driver in the memory of the CPU, and the genuine pycuda built from its sdist against it.

The driver (tests/data/host_cuda.c) is compiled with NVIDIA's own cuda.h, so its functions have the
real signatures; every other function of that header is there too and answers "not supported".
"""

import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from engines.catalogue.cache import cache_folder, locked
from tests.engines.tensorrt.foreign_packages import installed, refuse

SOURCE = Path(__file__).parents[2] / "data" / "host_cuda.c"
PYCUDA = "pycuda==2026.1"
HEADERS = "nvidia-cuda-runtime-cu12==12.9.79"
NOT_SUPPORTED = 801

PROFILER = """
extern "C" {
typedef enum { CU_OUT_KEY_VALUE_PAIR = 0, CU_OUT_CSV = 1 } CUoutput_mode;
CUresult CUDAAPI cuProfilerInitialize(const char *, const char *, CUoutput_mode);
CUresult CUDAAPI cuProfilerStart(void);
CUresult CUDAAPI cuProfilerStop(void);
}
"""
"""cudaProfiler.h, which the package of headers lacks."""


def host_driver(folder: Path, compiler: str = "cc") -> Path:
    """Compile the driver into `folder`, as libcuda.so.1 with its link, and return the folder."""
    if shutil.which(compiler) is None:
        pytest.skip(f"needs the C compiler {compiler}: apt install gcc")
    include = header_folder()
    folder.mkdir(parents=True, exist_ok=True)
    rest = folder / "rest.c"
    weak = "__attribute__((weak)) int {0}(void) {{ return {1}; }}\n"
    rest.write_text("".join(weak.format(n, NOT_SUPPORTED) for n in _functions(include)))
    library = folder / "libcuda.so.1"
    flags = ["-shared", "-fPIC", "-w", f"-I{include}", f"-Wl,-soname,{library.name}"]
    subprocess.run([compiler, *flags, "-o", library, SOURCE, rest], check=True)
    link = folder / "libcuda.so"
    link.unlink(missing_ok=True)
    link.symlink_to(library.name)
    return folder


def header_folder() -> Path:
    """Return where cuda.h lies."""
    return installed(HEADERS) / "nvidia" / "cuda_runtime" / "include"


def _functions(include: Path) -> list[str]:
    """Every function of cuda.h, under each versioned name that its macros give it."""
    text = (include / "cuda.h").read_text() + PROFILER
    declared = re.findall(r"\bCUDAAPI\s+(cu[A-Z]\w+)\s*\(", text)
    return sorted({*declared, *re.findall(r"\bcu[A-Z]\w+_v\d+\b", text)})


def genuine_pycuda() -> Path:
    """
    Return a folder to import the real pycuda from; compiled once, then cached.

    Skipped with the reason where no C++ compiler is, failed in continuous integration.
    """
    if shutil.which("c++") is None:
        refuse("the real pycuda is compiled from its sdist: apt install g++")
    version = f"py{sys.version_info.major}{sys.version_info.minor}"
    folder = cache_folder() / f"foreign-{version}-{PYCUDA.replace('==', '-')}-host-driver"
    with locked(folder.name):
        if not (folder / ".complete").exists():
            _build(folder)
            (folder / ".complete").touch()
    return folder


def _build(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    work = folder / "work"
    _pip("download", "--no-deps", "--no-binary", "pycuda", "--dest", str(work), PYCUDA)
    (archive,) = work.glob("*.tar.gz")
    with tarfile.open(archive) as sdist:
        sdist.extractall(work, filter="data")
    (source,) = (each for each in work.iterdir() if each.is_dir())
    include = work / "include"
    include.mkdir()
    (include / "cudaProfiler.h").write_text(PROFILER)
    settings = {
        "CUDA_INC_DIR": [str(header_folder()), str(include)],
        "CUDADRV_LIB_DIR": [str(host_driver(work / "lib"))],
        "CUDA_ENABLE_CURAND": False,
        "CXXFLAGS": ["-O0", "-g0", "-w"],
    }
    lines = (f"{name} = {value!r}\n" for name, value in settings.items())
    (source / "siteconf.py").write_text("".join(lines))
    # Its requirements come along: pytools, platformdirs and mako, all pure Python.
    _pip("install", "--target", str(folder), str(source))
    shutil.rmtree(work)


def _pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=3600)
    if done.returncode != 0:
        refuse(f"{' '.join(command)}: {done.stderr.strip()[-500:]}")


def with_driver(driver: Path, **settings: str) -> dict[str, str]:
    """Return an environment in which programs find the driver, and what it says of itself."""
    return {**os.environ, "LD_LIBRARY_PATH": str(driver), **settings}
