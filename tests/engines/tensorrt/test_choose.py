"""The binding taken is the first through which the device answers; the others are told apart."""

import logging
from dataclasses import fields, replace

import pytest

from engines.tensorrt.cuda import choose
from engines.tensorrt.cuda.choose import choose_cuda, open_cuda
from engines.tensorrt.cuda.port import CudaPort, guarded
from engines.tensorrt.cuda.round_trip import make_round_trip
from engines.tensorrt.errors import CudaError
from tests.engines.tensorrt.fake_gpu import ORIN_NANO, FakeGpu


def broken(gpu: FakeGpu, error: Exception, call: str = "device") -> CudaPort:
    def refuse(*_):
        raise error

    return guarded(replace(gpu.port(), name="broken", **{call: refuse}))


def works() -> CudaPort:
    return replace(FakeGpu().port(), name="works")


def missing() -> CudaPort:
    raise CudaError("missing: No module named 'missing': pip install it")


def test_a_binding_that_imports_and_does_not_work_is_passed_over_with_its_reason():
    old = broken(FakeGpu(), CudaError("CUDA: driver too old (error 35)"))
    choice = choose_cuda("auto", {"old": lambda: old, "works": works})
    assert choice.port.name == "works"
    assert choice.passed_over == ("old: CUDA: driver too old (error 35)",)


def test_the_first_that_works_is_taken_and_no_other_is_opened():
    choice = choose_cuda("auto", {"works": works, "missing": missing})
    assert (choice.port.name, choice.passed_over) == ("works", ())


# Python and a binding may raise anything; a list of exceptions would always miss one.
@pytest.mark.parametrize(
    "error", [AttributeError("no handle"), TypeError("arguments"), OSError("no file"), KeyError(3)]
)
@pytest.mark.parametrize("call", ["device", "create_event", "elapsed_ms", "copy_in"])
def test_whatever_a_binding_raises_is_an_error_of_cuda(error, call):
    gpu = FakeGpu()
    with pytest.raises(CudaError, match=f"broken: {type(error).__name__}"):
        choose_cuda("auto", {"broken": lambda: broken(gpu, error, call)})
    assert (gpu.memory, gpu.handles, gpu.journal[-1]) == ({}, set(), "close")


def test_whatever_the_import_of_a_binding_raises_passes_it_over():
    def raises():
        raise RuntimeError("numpy.core.multiarray failed to import")

    choice = choose_cuda("auto", {"pycuda": raises, "works": works})
    assert "pycuda: RuntimeError: numpy.core" in choice.passed_over[0]


def test_where_none_works_each_says_why():
    old = broken(FakeGpu(), CudaError("error 35"))
    with pytest.raises(CudaError, match=r"old: error 35; missing: No module .*: pip install it"):
        choose_cuda("auto", {"old": lambda: old, "missing": missing})


def test_other_bytes_than_were_sent_are_a_device_that_does_not_work():
    port = replace(FakeGpu().port(), copy_in=lambda *_: None)
    with pytest.raises(CudaError, match="other bytes came back from Orin"):
        make_round_trip(port)


@pytest.mark.parametrize("integrated", [True, False])
def test_a_round_trip_tells_the_device_and_leaves_nothing_behind(integrated):
    gpu = FakeGpu(replace(ORIN_NANO, integrated=integrated))
    trip = make_round_trip(gpu.port())
    assert (trip.device.name, trip.milliseconds) == ("Orin", 1.5)
    assert (gpu.memory, gpu.handles) == ({}, set())


def test_a_round_trip_needs_all_of_a_binding_but_graphs():
    called = set[str]()

    def noting(name, function):
        def run(*arguments):
            called.add(name)
            return function(*arguments)

        return run

    port = FakeGpu().port()
    functions = {f.name: getattr(port, f.name) for f in fields(port) if f.name != "name"}
    make_round_trip(replace(port, **{n: noting(n, f) for n, f in functions.items()}))
    assert functions.keys() - called == {"capture", "launch", "destroy_graph", "close"}


def test_the_log_says_which_was_taken_and_why_not_the_others(monkeypatch, caplog):
    old = broken(FakeGpu(), CudaError("error 35"))
    monkeypatch.setattr(choose, "BINDINGS", {"old": lambda: old, "works": works})
    with caplog.at_level(logging.INFO):
        assert open_cuda().name == "works"
    assert caplog.messages == ["CUDA 12.6 through works; not old: error 35"]
