"""What we ask of CUDA's bindings, and what our fakes offer, is what the real packages have."""

import inspect
import re
from pathlib import Path

import pytest

from engines.tensorrt.cuda import cuda_python, cudart, pycuda_driver, runtime_calls
from tests.engines.tensorrt import fake_pycuda
from tests.engines.tensorrt.cuda_api import PYCUDA, RUNTIMES, TABLE, takes
from tests.engines.tensorrt.fake_pycuda import FakeDriver
from tests.engines.tensorrt.make_cuda_api import read_pycuda, read_runtime

HOST_CUDART = Path(__file__).parents[2] / "data" / "host_cudart.c"


def source(module) -> str:
    return Path(inspect.getfile(module)).read_text()


def public(thing) -> dict[str, object]:
    return {name: each for name, each in vars(thing).items() if not name.startswith("_")}


def fake_functions():
    """Name in pycuda and function of the fake, the module itself left out of its arguments."""
    driver = FakeDriver()
    for name, each in public(FakeDriver).items():
        if inspect.isfunction(each):
            yield name, getattr(driver, name)
    for owner in (getattr(driver, each.__name__) for each in fake_pycuda.CLASSES):
        for name in dir(owner):
            function = getattr(owner, name)
            shown = not name.startswith("_") or f"{owner.__name__}.{name}" in MADE
            if shown and (inspect.isfunction(function) or inspect.ismethod(function)):
                yield f"{owner.__name__}.{name}", function


MADE = {name for name, each in PYCUDA.items() if each and each.startswith("__init__(")}
"""Constructors; those of what pycuda alone makes raise an exception."""
FUNCTIONS = dict(fake_functions())


def test_an_event_of_pycuda_has_no_handle_and_a_stream_has():
    assert ("Event.handle" in PYCUDA, "Stream.handle" in PYCUDA) == (False, True)


def test_the_fake_pycuda_has_no_name_that_the_real_one_lacks():
    module = {*public(FakeDriver), *(each.__name__ for each in fake_pycuda.CLASSES)}
    members = {f"{o.__name__}.{n}" for o in fake_pycuda.CLASSES for n in public(o)}
    assert (module | members) - PYCUDA.keys() == set()


def test_objects_of_the_fake_pycuda_gain_no_public_name_either():
    driver = FakeDriver()
    made = (driver, driver.Stream(), driver.Event(), driver.mem_alloc(8))
    gained = {n for each in made for n in vars(each) if not n.startswith("_")}
    assert gained - PYCUDA.keys() == set()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_the_fake_pycuda_take_what_the_real_ones_take(name):
    real = takes(PYCUDA[name])
    ours = list(inspect.signature(FUNCTIONS[name]).parameters.values())
    required = [each for each in ours if each.default is inspect.Parameter.empty]
    assert len(ours) <= len(real.names)
    assert len(required) >= real.required
    named = zip((each.name for each in ours), real.names, strict=False)
    assert [pair for pair in named if not re.match(r"arg\d", pair[1]) and pair[0] != pair[1]] == []


def test_the_port_asks_pycuda_for_nothing_that_it_lacks():
    asked = {f"driver.{name}" for name in re.findall(r"driver\.(\w+)", source(pycuda_driver))}
    known = {f"driver.{name}" for name in PYCUDA} | {"driver.py"}
    assert asked - known == set()


@pytest.mark.parametrize("package", RUNTIMES)
def test_every_runtime_function_we_call_is_in_every_version(package):
    called = set(re.findall(r"\bcuda[A-Z]\w+", source(runtime_calls) + source(cuda_python)))
    ours = {"cudaErrorMemoryAllocation", "cudaErrorNoDevice", "cudaHostAllocMapped"}
    ours |= {"cudaStreamNonBlocking", "cudaStreamCaptureModeThreadLocal"}
    classes = {name.partition(".")[0] for name in RUNTIMES[package]}
    assert called - ours - classes == set()


@pytest.mark.parametrize("package", RUNTIMES)
def test_numbers_that_we_give_by_value_mean_the_same_in_every_version(package):
    real = RUNTIMES[package]
    attributes = "MultiProcessorCount Integrated ComputeCapabilityMajor ComputeCapabilityMinor"
    found = [real[f"cudaDeviceAttr.cudaDevAttr{name}"] for name in attributes.split()]
    kinds = ("HostToDevice", "DeviceToHost")
    found += [real[f"cudaMemcpyKind.cudaMemcpy{name}"] for name in kinds]
    found.append(real["cudaStreamCaptureMode.cudaStreamCaptureModeThreadLocal"])
    assert found == [16, 18, 75, 76, 1, 2, 1]


@pytest.mark.parametrize("package", RUNTIMES)
def test_the_bare_library_is_given_as_many_arguments_as_the_binding(package):
    real = RUNTIMES[package]
    differing = {
        name: real[name]
        for name, (_, given) in cudart._FIRST.items()
        if len(takes(real[name]).names) != len(given)
    }
    assert differing == {}


@pytest.mark.parametrize("package", RUNTIMES)
def test_the_runtime_in_the_cpus_memory_has_no_function_that_cuda_lacks(package):
    defined = re.findall(r"^\w+ \*?(cuda\w+)\(", HOST_CUDART.read_text(), re.MULTILINE)
    assert len(defined) > len(cudart._FIRST)
    assert set(defined) - RUNTIMES[package].keys() == set()


@pytest.mark.registry
@pytest.mark.parametrize("package", RUNTIMES)
def test_the_table_is_what_nvidias_package_says_today(package):
    assert read_runtime(package) == TABLE[package]


@pytest.mark.registry
def test_the_table_is_what_the_compiled_pycuda_says_today(host_driver_folder):
    assert read_pycuda(host_driver_folder) == PYCUDA


def test_a_fake_that_invents_a_handle_would_be_found(monkeypatch):
    monkeypatch.setattr(fake_pycuda.Event, "handle", 7, raising=False)
    with pytest.raises(AssertionError):
        test_the_fake_pycuda_has_no_name_that_the_real_one_lacks()
