"""
pycuda, in the process's primary context: the one TensorRT and CUDA's runtime use.

`pycuda.autoinit` and `make_context` create a second context, in which TensorRT's addresses mean
nothing, and leave it on the stack of whichever thread imported them. pycuda cannot record CUDA
graphs.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from engines.tensorrt.cuda.port import CudaDevice, CudaPort, HostMemory
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
    return CudaPort(
        name="pycuda",
        device=calls.device,
        allocate=calls.allocate,
        free=calls.free,
        allocate_host=calls.allocate_host,
        free_host=calls.free_host,
        copy_in=lambda to, memory, size, stream: calls.run(
            driver.memcpy_htod_async, to, memory.array[:size], calls.objects[stream]
        ),
        copy_out=lambda memory, source, size, stream: calls.run(
            driver.memcpy_dtoh_async, memory.array[:size], source, calls.objects[stream]
        ),
        create_stream=lambda: calls.keep(driver.Stream),
        destroy_stream=calls.drop,
        synchronise=lambda stream: calls.run(calls.objects[stream].synchronize),
        create_event=lambda: calls.keep(driver.Event),
        destroy_event=calls.drop,
        record=lambda event, stream: calls.run(calls.objects[event].record, calls.objects[stream]),
        wait=lambda stream, event: calls.run(
            calls.objects[stream].wait_for_event, calls.objects[event]
        ),
        elapsed_ms=lambda first, second: calls.run(
            calls.objects[first].time_till, calls.objects[second]
        ),
        capture=None,
        launch=_no_graph,
        destroy_graph=_no_graph,
        close=calls.close,
    )


def _no_graph(*_: int) -> None:
    raise CudaError("pycuda cannot record CUDA graphs: use cuda-python")


class _Driver:
    """pycuda frees what is no longer referenced, so everything is kept until it is freed here."""

    def __init__(self, driver: Any) -> None:
        self._driver = driver
        self._context: Any = None
        self.objects: dict[int, Any] = {}
        """Streams, events and allocations by handle or address."""

    def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        with self._translated():
            return function(*arguments)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except self._driver.Error as error:
            raise CudaError(f"CUDA: {error}: run 'edge-gate doctor'") from error

    def device(self) -> CudaDevice:
        driver = self._driver
        with self._translated():
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
        allocation = self.run(self._driver.mem_alloc, size)
        self.objects[int(allocation)] = allocation
        return int(allocation)

    def free(self, address: int) -> None:
        self.run(self.objects.pop(address).free)

    def allocate_host(self, size: int, mapped: bool) -> HostMemory:
        flags = self._driver.host_alloc_flags.DEVICEMAP if mapped else 0
        array = self.run(self._driver.pagelocked_empty, size, np.uint8, "C", flags)
        seen = int(self.run(array.base.get_device_pointer)) if mapped else None
        self.objects[int(array.ctypes.data)] = array.base
        return HostMemory(array, int(array.ctypes.data), seen)

    def free_host(self, memory: HostMemory) -> None:
        self.run(self.objects.pop(memory.address).free)

    def keep(self, create: Callable[[], Any]) -> int:
        made = self.run(create)
        self.objects[int(made.handle)] = made
        return int(made.handle)

    def drop(self, handle: int) -> None:
        del self.objects[handle]

    def close(self) -> None:
        self.objects.clear()
        if self._context is not None:
            self._context.pop()
            self._context = None
