"""
A port over CUDA's runtime API, however its functions are called.

`calls` offers the functions under their C names; each returns (error, result...) as cuda-python's
do, with an error that is 0 for success; `older` is what to run for a binding of an older CUDA.
"""

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np

from engines.tensorrt.cuda.port import CudaDevice, CudaPort, HostMemory, guarded
from engines.tensorrt.errors import CudaError

_MULTIPROCESSORS, _INTEGRATED, _CC_MAJOR, _CC_MINOR = 16, 18, 75, 76
"""Members of cudaDeviceAttr (driver_types.h)."""
_TO_DEVICE, _TO_HOST = 1, 2
"""Members of cudaMemcpyKind."""
_MAPPED, _NON_BLOCKING, _THREAD_LOCAL = 2, 1, 1
"""cudaHostAllocMapped, cudaStreamNonBlocking, cudaStreamCaptureModeThreadLocal."""

_ADVICE = {
    2: "free memory on the device, or build with a smaller --batch or --workspace",
    100: "no CUDA device: run as a user of the groups video and render",
}
"""What to do about cudaErrorMemoryAllocation and cudaErrorNoDevice."""
_INSUFFICIENT_DRIVER = 35


def runtime_port(name: str, calls: Any) -> CudaPort:
    """Return the port of a binding that offers CUDA's runtime functions."""
    runtime = _Runtime(calls)
    return guarded(
        CudaPort(
            name=name,
            device=runtime.device,
            allocate=runtime.one("cudaMalloc"),
            free=runtime.none("cudaFree"),
            allocate_host=runtime.allocate_host,
            free_host=runtime.free_host,
            copy_in=runtime.copy_in,
            copy_out=runtime.copy_out,
            create_stream=lambda: runtime.handle("cudaStreamCreateWithFlags", _NON_BLOCKING),
            destroy_stream=runtime.none("cudaStreamDestroy"),
            synchronise=runtime.none("cudaStreamSynchronize"),
            create_event=lambda: runtime.handle("cudaEventCreate"),
            destroy_event=runtime.none("cudaEventDestroy"),
            record=runtime.none("cudaEventRecord"),
            wait=runtime.wait,
            elapsed_ms=lambda first, second: float(
                runtime.call("cudaEventElapsedTime", first, second)[0]
            ),
            capture=runtime.capture,
            launch=runtime.none("cudaGraphLaunch"),
            destroy_graph=runtime.none("cudaGraphExecDestroy"),
            close=lambda: None,  # the primary context ends with the process
        )
    )


class _Runtime:
    def __init__(self, calls: Any) -> None:
        self._calls = calls

    def call(self, function: str, *arguments: Any) -> tuple[Any, ...]:
        error, *results = getattr(self._calls, function)(*arguments)
        if int(error) != 0:
            text, advice = self._calls.error_text(error), self._advice(int(error))
            raise CudaError(f"CUDA: {function}: {text} (error {int(error)}): {advice}")
        return tuple(results)

    def _advice(self, error: int) -> str:
        if error == _INSUFFICIENT_DRIVER:
            versions = ("cudaDriverGetVersion", "cudaRuntimeGetVersion")
            # Asked past `call`: an error in telling of an error would hide the first one.
            driver, runtime = (int(getattr(self._calls, each)()[1] or 0) for each in versions)
            return _about_the_driver(driver, runtime, self._calls.older)
        return _ADVICE.get(error, "restart the process; if it comes again, reboot")

    def handle(self, function: str, *arguments: Any) -> int:
        return int(self.call(function, *arguments)[0])

    def one(self, function: str) -> Callable[[int], int]:
        return lambda argument: self.handle(function, argument)

    def none(self, function: str) -> Callable[..., None]:
        def run(*arguments: Any) -> None:
            self.call(function, *arguments)

        return run

    def device(self) -> CudaDevice:
        if self.handle("cudaGetDeviceCount") < 1:
            raise CudaError("CUDA: no device: run as a user of the groups video and render")
        self.call("cudaSetDevice", 0)
        free, total = self.call("cudaMemGetInfo")
        version = self.handle("cudaRuntimeGetVersion")
        return CudaDevice(
            name=self._calls.device_name(self.call),
            compute_capability=f"{self._attribute(_CC_MAJOR)}.{self._attribute(_CC_MINOR)}",
            multiprocessors=self._attribute(_MULTIPROCESSORS),
            integrated=bool(self._attribute(_INTEGRATED)),
            free_bytes=int(free),
            total_bytes=int(total),
            runtime=_dotted(version),
        )

    def _attribute(self, number: int) -> int:
        return self.handle("cudaDeviceGetAttribute", self._calls.device_attribute(number), 0)

    def allocate_host(self, size: int, mapped: bool) -> HostMemory:
        address = self.handle("cudaHostAlloc", size, _MAPPED if mapped else 0)
        array = np.ctypeslib.as_array((ctypes.c_uint8 * size).from_address(address))
        seen = self.handle("cudaHostGetDevicePointer", address, 0) if mapped else None
        return HostMemory(array, address, seen)

    def free_host(self, memory: HostMemory) -> None:
        self.call("cudaFreeHost", memory.address)

    def copy_in(self, address: int, memory: HostMemory, size: int, stream: int) -> None:
        kind = self._calls.copy_kind(_TO_DEVICE)
        self.call("cudaMemcpyAsync", address, memory.address, size, kind, stream)

    def copy_out(self, memory: HostMemory, address: int, size: int, stream: int) -> None:
        kind = self._calls.copy_kind(_TO_HOST)
        self.call("cudaMemcpyAsync", memory.address, address, size, kind, stream)

    def wait(self, stream: int, event: int) -> None:
        self.call("cudaStreamWaitEvent", stream, event, 0)

    def capture(self, record: Callable[[], None], stream: int) -> int:
        self.call("cudaStreamBeginCapture", stream, self._calls.capture_mode(_THREAD_LOCAL))
        try:
            record()
        except Exception:
            # The stream must leave capture mode to be of use again; its own error says no more.
            self._calls.cudaStreamEndCapture(stream)
            raise
        graph = self.handle("cudaStreamEndCapture", stream)
        try:
            return self.handle("cudaGraphInstantiateWithFlags", graph, 0)
        finally:
            self.call("cudaGraphDestroy", graph)


def _about_the_driver(driver: int, runtime: int, older: Callable[[int], str]) -> str:
    """CUDA says error 35 both where no driver runs and where the driver is older than itself."""
    if driver == 0:
        return "no NVIDIA driver is running: on a Jetson check that nvidia-l4t-cuda is installed"
    return (
        f"the driver here is of CUDA {_dotted(driver)}, too old for this binding of CUDA "
        f"{_dotted(runtime)}: {older(driver // 1000)}"
    )


def _dotted(version: int) -> str:
    return f"{version // 1000}.{version % 1000 // 10}"
