"""The genuine pycuda and cuda-python, over a driver in the memory of the CPU: the whole port."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.engines.tensorrt.foreign_packages import ROOT, installed, run_with
from tests.engines.tensorrt.host_driver import genuine_pycuda, with_driver
from tests.engines.tensorrt.port_facts import EXPECTED

PORT, PLAN = (str(ROOT / f"tests/engines/tensorrt/{name}_facts.py") for name in ("port", "plan"))
GRAPHS = {"replayed", "after_a_failed_recording"}
JETPACK_6 = "12060"
NEWEST = ("cuda-bindings==13.0.3", "cuda-pathfinder==1.3.3")

pytestmark = pytest.mark.registry


def answers(folder, driver, script, *arguments, version=JETPACK_6):
    environment = with_driver(driver, HOST_CUDA_VERSION=version)
    done = run_with(folder, script, *arguments, environment=environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def runtime_too(host_driver_folder, tmp_path):
    """Return a folder with the driver and, as JetPack has it, a libcudart that works with it."""
    for library in host_driver_folder.glob("libcuda.so*"):
        shutil.copy(library, tmp_path / library.name)
    source = Path(__file__).parents[2] / "data" / "host_cudart.c"
    command = ["cc", "-shared", "-fPIC", "-o", tmp_path / "libcudart.so", source]
    subprocess.run(command, check=True)
    return tmp_path


def test_the_whole_port_works_through_the_compiled_pycuda(host_driver_folder):
    found = answers(genuine_pycuda(), host_driver_folder, PORT, "pycuda")
    wanted = {name: each for name, each in EXPECTED.items() if name not in GRAPHS}
    # pycuda tells the version of the headers that it was compiled with.
    assert found == {**wanted, "device": [*EXPECTED["device"][:-1], "12.9"]}


def test_plans_are_loaded_and_run_through_the_compiled_pycuda(host_driver_folder):
    found = answers(genuine_pycuda(), host_driver_folder, PLAN, "pycuda")
    assert (found["binding"], found["off"] < 1e-3, len(found["timed"])) == ("pycuda", True, 2)


def test_a_lost_device_does_not_make_the_compiled_pycuda_abort_the_process(host_driver_folder):
    assert "719" in answers(genuine_pycuda(), host_driver_folder, PLAN, "pycuda", "lost")["said"]


# These two bring a runtime of their own that needs nothing but the driver's documented functions.
@pytest.mark.parametrize("package", ["cuda-python==12.6.0", "cuda-bindings==12.8.0"])
def test_the_whole_port_works_through_nvidias_binding(package, host_driver_folder):
    found = answers(installed(package), host_driver_folder, PORT, "cuda-python")
    version = package.partition("==")[2].rpartition(".")[0]
    assert found == {**EXPECTED, "device": [*EXPECTED["device"][:-1], version]}


def test_plans_are_loaded_and_run_through_nvidias_binding(host_driver_folder):
    found = answers(installed("cuda-bindings==12.8.0"), host_driver_folder, PLAN, "auto")
    assert (found["binding"], found["off"] < 1e-3) == ("cuda-python", True)


def test_a_cuda_python_too_new_for_the_driver_is_passed_over_for_jetpacks_own_library(runtime_too):
    found = answers(installed(*NEWEST), runtime_too, PLAN, "auto")
    assert (found["binding"], found["off"] < 1e-3) == ("libcudart", True)
    newest, pycuda = found["passed_over"]
    assert (
        "(error 35): the driver here is of CUDA 12.6, too old for this binding of CUDA 13.0"
        in newest
    )
    assert "pip install 'cuda-python<13'" in newest
    assert pycuda.startswith("pycuda: No module named 'pycuda'")


def test_the_probe_tells_of_a_round_trip_and_of_the_binding_passed_over(runtime_too):
    code = (
        "from engines.tensorrt.probe import probe; import json; found = probe(); "
        "print(json.dumps([found.cuda_text, found.event_ms, len(found.passed_over)]))"
    )
    text, event_ms, passed_over = answers(installed(*NEWEST), runtime_too, "-c", code)
    assert text.startswith("12.6 through libcudart: Orin")
    assert "not through cuda-python: CUDA: cudaGetDeviceCount" in text
    assert (event_ms, passed_over) == (1.5, 2)


def test_without_any_driver_the_same_error_says_that_none_is_running(tmp_path):
    code = (
        "from engines.tensorrt.probe import ask; import json; print(json.dumps(ask().cuda_error))"
    )
    found = answers(installed(*NEWEST), tmp_path, "-c", code)
    assert "(error 35): no NVIDIA driver is running" in found


def test_a_driver_without_devices_says_which_groups_to_be_in(host_driver_folder):
    environment = with_driver(host_driver_folder, HOST_CUDA_DEVICES="0")
    folder = installed("cuda-bindings==12.8.0")
    done = run_with(folder, PORT, "cuda-python", environment=environment)
    assert "run as a user of the groups video and render" in done.stderr
