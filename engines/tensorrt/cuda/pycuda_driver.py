"""
pycuda, in the process's primary context: the one TensorRT and CUDA's runtime use.

`pycuda.autoinit` and `make_context` create a second context, in which TensorRT's addresses mean
nothing, and leave it on the stack of whichever thread imported them. pycuda cannot record CUDA
graphs.
"""

import itertools
from typing import Any

import numpy as np

from engines.tensorrt.cuda.port import CudaDevice, CudaPort, HostMemory, guarded
from engines.tensorrt.errors import CudaError

_RETAINED: list[Any] = []
"""
Primary contexts, held until the process ends. Releasing one makes pycuda leave a dead context
current in this thread, and TensorRT, which shares it, would meet that next.
"""


def open_pycuda() -> CudaPort:
    """
    Import pycuda and return its port.

    Raises:
        CudaError: It is not installed, or no driver is running.
    """
    try:
        import pycuda.driver as driver  # noqa: PLC0415, PLR0402 -- pycuda.driver is one C module
    except ImportError as error:
        raise CudaError(f"pycuda: {error}: see docs/jetson.md") from error
    return pycuda_port(driver)


def pycuda_port(driver: Any) -> CudaPort:
    """Return the port over the module `pycuda.driver`."""
    calls = _Driver(driver)
    streams, events = calls.streams, calls.events
    return guarded(
        CudaPort(
            name="pycuda",
            device=calls.device,
            allocate=calls.allocate,
            free=calls.free,
            allocate_host=calls.allocate_host,
            free_host=calls.free_host,
            copy_in=lambda to, memory, size, stream: driver.memcpy_htod_async(
                to, memory.array[:size], streams[stream]
            ),
            copy_out=lambda memory, source, size, stream: driver.memcpy_dtoh_async(
                memory.array[:size], source, streams[stream]
            ),
            create_stream=calls.create_stream,
            destroy_stream=calls.destroy_stream,
            synchronise=lambda stream: streams[stream].synchronize(),
            create_event=calls.create_event,
            destroy_event=calls.destroy_event,
            record=lambda event, stream: events[event].record(streams[stream]),
            wait=lambda stream, event: streams[stream].wait_for_event(events[event]),
            elapsed_ms=lambda first, second: float(events[first].time_till(events[second])),
            capture=None,
            launch=_no_graph,
            destroy_graph=_no_graph,
            close=calls.close,
        )
    )


def _no_graph(*_: int) -> None:
    raise CudaError("pycuda cannot record CUDA graphs: use cuda-python")


class _Driver:
    """pycuda frees what is no longer referenced, so everything is kept until it is freed here."""

    def __init__(self, driver: Any) -> None:
        self._driver = driver
        self._context: Any = None
        self._memory: dict[int, Any] = {}
        """Allocations by address, of the device and of the host."""
        self.streams: dict[int, Any] = {}
        """By handle, which TensorRT takes too."""
        self.events: dict[int, Any] = {}
        """By number: pycuda shows no handle of an event, and nobody else needs one."""
        self._numbers = itertools.count(1)

    def device(self) -> CudaDevice:
        driver = self._driver
        driver.init()
        if driver.Device.count() < 1:
            raise CudaError("CUDA: no device: run as a user of the groups video and render")
        device = driver.Device(0)
        if self._context is None:
            self._context = device.retain_primary_context()
            _RETAINED.append(self._context)
            self._context.push()
        free, total = driver.mem_get_info()
        major, minor = device.compute_capability()
        attribute = driver.device_attribute
        return CudaDevice(
            name=device.name(),
            compute_capability=f"{major}.{minor}",
            multiprocessors=device.get_attribute(attribute.MULTIPROCESSOR_COUNT),
            integrated=bool(device.get_attribute(attribute.INTEGRATED)),
            free_bytes=free,
            total_bytes=total,
            runtime=".".join(str(part) for part in driver.get_version()[:2]),
        )

    def allocate(self, size: int) -> int:
        allocation = self._driver.mem_alloc(size)
        self._memory[int(allocation)] = allocation
        return int(allocation)

    def free(self, address: int) -> None:
        self._memory.pop(address).free()

    def allocate_host(self, size: int, mapped: bool) -> HostMemory:
        flags = self._driver.host_alloc_flags.DEVICEMAP if mapped else 0
        array = self._driver.pagelocked_empty(size, np.uint8, "C", flags)
        seen = int(array.base.get_device_pointer()) if mapped else None
        address = int(array.ctypes.data)
        self._memory[address] = array.base
        return HostMemory(array, address, seen)

    def free_host(self, memory: HostMemory) -> None:
        self._memory.pop(memory.address).free()

    def create_stream(self) -> int:
        stream = self._driver.Stream()
        self.streams[int(stream.handle)] = stream
        return int(stream.handle)

    def destroy_stream(self, handle: int) -> None:
        del self.streams[handle]

    def create_event(self) -> int:
        number = next(self._numbers)
        self.events[number] = self._driver.Event()
        return number

    def destroy_event(self, number: int) -> None:
        del self.events[number]

    def close(self) -> None:
        for kept in (self.events, self.streams, self._memory):
            kept.clear()
        if self._context is not None:
            self._context.pop()
            self._context = None
