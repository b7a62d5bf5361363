"""The ctypes binding against a real shared library that keeps its devices in the CPU's memory."""

import ctypes
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from engines.errors import BackendError
from engines.tensorrt.cuda import cudart
from engines.tensorrt.cuda.cudart import Calls
from engines.tensorrt.cuda.port import CudaPort
from engines.tensorrt.cuda.runtime_calls import runtime_port
from engines.tensorrt.errors import CudaError

SOURCE = Path(__file__).parents[2] / "data" / "host_cudart.c"


def compiled(library: Path, *flags: str) -> Path:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("needs a C compiler: apt install gcc")
    subprocess.run([compiler, "-shared", "-fPIC", *flags, "-o", library, SOURCE], check=True)
    return library


@pytest.fixture(scope="module")
def port(tmp_path_factory) -> CudaPort:
    library = compiled(tmp_path_factory.mktemp("cudart") / "libcudart.so")
    return runtime_port("libcudart", Calls(ctypes.CDLL(str(library))))


@pytest.fixture
def libraries(monkeypatch, tmp_path):
    """Make CUDA 13 too new for the driver, and CUDA 12 as it should be; return what is tried."""
    newer = compiled(tmp_path / "libcudart.so.13", "-DTOO_NEW_FOR_THE_DRIVER")
    tried = [str(tmp_path / "libcudart.so"), str(newer)]
    monkeypatch.setattr(cudart, "_candidates", lambda: tried)
    return tried


def test_of_two_libraries_the_one_that_works_is_taken_and_not_the_newer(libraries, tmp_path):
    libraries.append(str(compiled(tmp_path / "libcudart.so.12")))
    assert cudart.open_cudart().device().name == "Orin"


@pytest.mark.usefixtures("libraries")
def test_where_none_works_the_first_that_loads_says_why():
    with pytest.raises(CudaError, match=r"cudaGetDeviceCount: .*\(error 35\)"):
        cudart.open_cudart().device()


def test_the_device_is_described(port):
    device = port.device()
    assert (device.name, device.compute_capability, device.multiprocessors) == ("Orin", "8.7", 8)
    assert (device.integrated, device.runtime) == (True, "12.6")


def test_sizes_beyond_32_bits_come_back_whole(port):
    device = port.device()
    assert (device.free_bytes, device.total_bytes) == (5 << 30, 8 << 30)


def test_what_is_copied_in_comes_out_again(port):
    stream = port.create_stream()
    there, back = port.allocate_host(16, False), port.allocate_host(16, False)
    there.array[:] = np.arange(16)
    address = port.allocate(16)
    port.copy_in(address, there, 16, stream)
    port.copy_out(back, address, 16, stream)
    np.testing.assert_array_equal(back.array, np.arange(16))
    port.free(address)
    port.free_host(there)
    port.free_host(back)
    port.destroy_stream(stream)


def test_mapped_memory_is_one_memory(port):
    memory = port.allocate_host(8, True)
    memory.array[:] = 7
    assert memory.device_address == memory.address
    assert ctypes.string_at(memory.address, 8) == b"\x07" * 8
    port.free_host(memory)


def test_memory_that_is_not_there_is_an_error_with_advice(port):
    with pytest.raises(CudaError, match=r"cudaMalloc: out of memory \(error 2\): free memory"):
        port.allocate(1 << 40)


def test_time_between_events_is_a_number_of_milliseconds(port):
    first, second = port.create_event(), port.create_event()
    assert port.elapsed_ms(first, second) == 1.5
    port.destroy_event(first)
    port.destroy_event(second)


def test_a_graph_is_recorded_launched_and_dropped(port):
    stream, recorded = port.create_stream(), []
    assert port.capture is not None
    graph = port.capture(lambda: recorded.append(True), stream)
    port.launch(graph, stream)
    port.synchronise(stream)
    port.destroy_graph(graph)
    port.destroy_stream(stream)
    assert recorded == [True]


@pytest.mark.parametrize("error", [BackendError, TypeError])
def test_a_recording_that_fails_leaves_the_stream_usable(port, error):
    def refuse():
        raise error("TensorRT refused to run")

    stream = port.create_stream()
    with pytest.raises(BackendError, match="refused to run"):
        port.capture(refuse, stream)
    port.synchronise(stream)
    port.destroy_stream(stream)


def test_a_stream_waits_for_an_event_of_another(port):
    stream, event = port.create_stream(), port.create_event()
    port.record(event, stream)
    port.wait(stream, event)
    port.destroy_event(event)
    port.destroy_stream(stream)
