"""CUDA through three bindings; two of them are real here and answer that there is no GPU."""

import ctypes
import json
import sys
from dataclasses import fields

import pytest

from engines.tensorrt.cuda.choose import open_cuda
from engines.tensorrt.cuda.port import CudaPort
from engines.tensorrt.cuda.pycuda_driver import pycuda_port
from engines.tensorrt.errors import CudaError
from tests.engines.tensorrt.fake_pycuda import FakeDriver
from tests.engines.tensorrt.foreign_packages import ROOT, installed, run_with
from tests.engines.tensorrt.port_facts import EXPECTED
from tests.engines.tensorrt.port_facts import facts as facts_of

SCRIPT = str(ROOT / "tests/engines/tensorrt/cuda_facts.py")
CALLS = {field.name for field in fields(CudaPort)} - {"name", "close"}


@pytest.fixture
def bindings():
    return installed(
        "cuda-bindings==13.0.3", "cuda-pathfinder==1.3.3", "nvidia-cuda-runtime-cu12==12.9.79"
    )


def facts(folder, *arguments):
    done = run_with(folder, SCRIPT, *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.registry
@pytest.mark.parametrize("binding", ["cuda-python", "libcudart"])
def test_every_call_reaches_the_real_library_which_finds_no_driver(bindings, binding):
    # A wrong number or type of arguments would be a TypeError before the library is reached.
    found = facts(bindings, binding)
    assert found.keys() == CALLS
    assert {call: error for call, error in found.items() if "(error 35)" not in error} == {}


@pytest.mark.registry
def test_asking_without_a_driver_says_what_to_check(bindings):
    assert "no NVIDIA driver is running" in facts(bindings, "libcudart")["device"]


@pytest.mark.registry
def test_nothing_of_cuda_or_tensorrt_is_imported_before_it_is_used(bindings):
    code = (
        "import sys, edge.commands.pair, engines.pair.pair, engines.tensorrt.backend; "
        "print([name for name in sys.modules "
        "if name.split('.')[0] in {'cuda', 'pycuda', 'tensorrt', 'tensorrt_rtx'}])"
    )
    done = run_with(bindings, "-c", code)
    assert done.stdout.strip() == "[]", done.stderr


def test_where_no_binding_is_installed_each_is_named_with_its_remedy(monkeypatch):
    def missing(name):
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(ctypes, "CDLL", missing)
    for name in ("cuda", "cuda.bindings", "pycuda", "pycuda.driver"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(CudaError) as caught:
        open_cuda()
    for remedy in ("pip install cuda-bindings", "docs/jetson.md", "cuda-cudart"):
        assert remedy in str(caught.value)


@pytest.fixture
def driver():
    return FakeDriver()


def test_pycuda_gives_what_every_binding_gives(driver):
    graphs = {"replayed", "after_a_failed_recording"}  # pycuda has none
    assert facts_of(pycuda_port(driver)) == {k: v for k, v in EXPECTED.items() if k not in graphs}


def test_pycuda_takes_the_primary_context_which_tensorrt_shares(driver):
    pycuda_port(driver).device()
    assert driver._log[:2] == ["init", "push primary"]


def test_pycuda_enters_its_context_once_and_leaves_it_on_close(driver):
    port = pycuda_port(driver)
    port.device()
    port.device()
    port.close()
    port.close()
    assert [line for line in driver._log if "primary" in line] == ["push primary", "pop primary"]


def test_pycuda_frees_what_it_was_told_to_free_and_nothing_earlier(driver):
    port = pycuda_port(driver)
    address = port.allocate(16)
    assert driver._log == []
    port.free(address)
    assert driver._log == ["free"]


def test_pycuda_frees_page_locked_memory(driver):
    port = pycuda_port(driver)
    port.free_host(port.allocate_host(8, False))
    assert driver._log[-1] == "free host"


def test_pycuda_copies_on_the_stream_given(driver):
    port = pycuda_port(driver)
    memory, address, stream = port.allocate_host(8, False), port.allocate(8), port.create_stream()
    port.copy_in(address, memory, 4, stream)
    port.copy_out(memory, address, 2, stream)
    assert driver._log == [f"in 4 {stream}", f"out 2 {stream}"]


def test_pycuda_out_of_memory_is_an_error_of_ours(driver):
    with pytest.raises(CudaError, match="out of memory"):
        pycuda_port(driver).allocate(driver._total + 1)


def test_pycuda_without_a_device_says_so(driver):
    driver._devices = 0
    with pytest.raises(CudaError, match="no device"):
        pycuda_port(driver).device()


def test_pycuda_offers_no_graphs():
    assert pycuda_port(FakeDriver()).capture is None
