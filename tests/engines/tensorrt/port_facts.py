"""
Every call of the CUDA port through one binding, with what comes back.

    python port_facts.py cuda-python|pycuda|libcudart

Run in a subprocess with a real binding over a driver or a runtime in the memory of the CPU; called
with a port for the fakes. What is found must be the same whoever provides the port.
"""

import json
import sys
from contextlib import suppress
from typing import Any

import numpy as np

from engines.tensorrt.cuda.choose import BINDINGS
from engines.tensorrt.cuda.port import CudaPort
from engines.tensorrt.cuda.round_trip import make_round_trip
from engines.tensorrt.errors import CudaError

EXPECTED: dict[str, Any] = {
    "device": ["Orin", "8.7", 8, True, 5 << 30, 8 << 30, "12.6"],
    "event_ms": 1.5,
    "elapsed_ms": 1.5,
    "came_back": True,
    "mapped": [True, True],
    "only_asked": True,
    "handles_differ": True,
    "replayed": True,
    "after_a_failed_recording": True,
    "too_much": "out of memory",
    "wrong_address": "CudaError",
    "opened_again": "Orin",
}


def facts(port: CudaPort) -> dict[str, Any]:
    device = port.device()
    found: dict[str, Any] = {
        "device": [
            device.name,
            device.compute_capability,
            device.multiprocessors,
            device.integrated,
            device.free_bytes,
            device.total_bytes,
            device.runtime,
        ],
        "event_ms": make_round_trip(port).milliseconds,
    }
    stream, other = port.create_stream(), port.create_stream()
    first, second = port.create_event(), port.create_event()
    found["handles_differ"] = (stream != other, first != second) == (True, True)
    found |= _memory(port, stream)
    port.record(first, stream)
    port.wait(other, first)
    port.record(second, other)
    port.synchronise(other)
    found["elapsed_ms"] = port.elapsed_ms(first, second)
    found |= _graphs(port, stream)
    found |= _refusals(port)
    for event in (second, first):
        port.destroy_event(event)
    for each in (other, stream):
        port.destroy_stream(each)
    port.close()
    port.close()
    found["opened_again"] = port.device().name
    port.close()
    return found


def _memory(port: CudaPort, stream: int) -> dict[str, Any]:
    there, back = port.allocate_host(16, False), port.allocate_host(16, True)
    there.array[:], back.array[:] = np.arange(16), 0
    address = port.allocate(16)
    port.copy_in(address, there, 16, stream)
    port.copy_out(back, address, 16, stream)
    port.synchronise(stream)
    found: dict[str, Any] = {"came_back": np.array_equal(there.array, back.array)}
    found["mapped"] = [there.device_address is None, back.device_address is not None]
    back.array[:] = 0
    port.copy_out(back, address, 4, stream)
    port.synchronise(stream)
    found["only_asked"] = back.array.tolist() == [0, 1, 2, 3, *[0] * 12]
    port.free(address)
    for memory in (back, there):
        port.free_host(memory)
    return found


def _graphs(port: CudaPort, stream: int) -> dict[str, Any]:
    if port.capture is None:
        return {}
    there, address = port.allocate_host(8, True), port.allocate(8)
    back = port.allocate_host(8, True)

    def there_and_back() -> None:
        port.copy_in(address, there, 8, stream)
        port.copy_out(back, address, 8, stream)

    def refused() -> None:
        raise CudaError("TensorRT refused to run")

    with suppress(CudaError):
        port.capture(refused, stream)
    port.synchronise(stream)
    graph = port.capture(there_and_back, stream)
    there.array[:], back.array[:] = 7, 0
    port.launch(graph, stream)
    port.synchronise(stream)
    replayed = back.array.tolist() == [7] * 8
    port.destroy_graph(graph)
    port.free(address)
    for memory in (back, there):
        port.free_host(memory)
    return {"replayed": replayed, "after_a_failed_recording": True}


def _refusals(port: CudaPort) -> dict[str, Any]:
    found = {}
    try:
        port.allocate(1 << 40)
    except CudaError as error:
        found["too_much"] = "out of memory" if "out of memory" in str(error) else str(error)
    try:
        port.free_host(None)  # type: ignore[arg-type]
    except Exception as error:  # noqa: BLE001 -- its type is what is asked
        found["wrong_address"] = type(error).__name__
    return found


if __name__ == "__main__":
    print(json.dumps(facts(BINDINGS[sys.argv[1]]())))  # noqa: T201
