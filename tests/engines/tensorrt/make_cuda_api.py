"""
Write down what the real CUDA bindings offer, as tests/data/cuda_api.json.

    python tests/engines/tensorrt/make_cuda_api.py

For each package: functions with their signatures, and members of the classes that we might touch,
as the imported package itself states them. pycuda is compiled first, see `host_driver`.
"""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[3]))

from tests.engines.tensorrt.foreign_packages import installed, run_with
from tests.engines.tensorrt.host_driver import genuine_pycuda, host_driver, with_driver

TABLE = Path(__file__).parents[2] / "data" / "cuda_api.json"

PACKAGES: Mapping[str, tuple[str, ...]] = {
    "cuda-python==12.6.0": (),
    "cuda-bindings==12.8.0": (),
    "cuda-bindings==13.0.3": ("cuda-pathfinder==1.3.3",),
}
"""
JetPack 6's own CUDA under the old name of the module, the newest 12 with a runtime of its own, and
what `pip install cuda-python` gives; each with what it does not import without.
"""

_RUNTIME = """
import json
try:
    from cuda.bindings import runtime as module
except ImportError:
    from cuda import cudart as module
found = {}
for name in dir(module):
    each = getattr(module, name)
    if name.startswith("cuda") and not isinstance(each, type) and callable(each):
        found[name] = (each.__doc__ or "").split("\\n")[0]
    elif name in ("cudaDeviceAttr", "cudaMemcpyKind", "cudaStreamCaptureMode"):
        found |= {f"{name}.{member.name}": int(member) for member in each}
print(json.dumps(found))
"""
_PYCUDA = """
import json
import pycuda.driver as module

CLASSES = (
    "Context Device DeviceAllocation Error Event PagelockedHostAllocation Stream "
    "device_attribute host_alloc_flags"
).split()

def signature(function):
    lines = (function.__doc__ or "").strip().splitlines()
    return lines[0].removesuffix(" :") if lines else ""

found = {}
for name in dir(module):
    each = getattr(module, name)
    if name.startswith("_"):
        continue
    if not isinstance(each, type):
        if callable(each):
            found[name] = signature(each)
        continue
    found[name] = "class"
    for member in sorted({*dir(each)} - {*dir(int), *dir(Exception)} | {"__init__"}):
        if name in CLASSES and (member == "__init__" or not member.startswith("_")):
            value = getattr(each, member)
            found[f"{name}.{member}"] = signature(value) if callable(value) else ""
print(json.dumps(found))
"""


def read_runtime(package: str) -> dict[str, str]:
    """Return names and signatures of one version of NVIDIA's binding."""
    return _read(installed(package, *PACKAGES[package]), _RUNTIME)


def read_pycuda(driver: Path) -> dict[str, str]:
    """Return names and signatures of `pycuda.driver`."""
    return _read(genuine_pycuda(), _PYCUDA, driver)


def _read(folder: Path, code: str, driver: Path | None = None) -> dict[str, str]:
    environment = os.environ if driver is None else with_driver(driver)
    done = run_with(folder, "-c", code, environment=environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def main() -> None:
    """Ask every package and write the table."""
    with TemporaryDirectory() as scratch:
        table = {"pycuda==2026.1": read_pycuda(host_driver(Path(scratch)))}
    table |= {package: read_runtime(package) for package in PACKAGES}
    TABLE.write_text(json.dumps(table, indent=0, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
