"""Where a plan's input and outputs lie: allocated once, seen by CPU and GPU."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engines.tensorrt.cuda.port import CudaPort, HostMemory

FLOAT_BYTES = 4


@dataclass(frozen=True, slots=True, eq=False)
class Buffer:
    """
    float32 values in page-locked memory, and the address the GPU uses for them.

    On an integrated GPU both are the same memory and nothing is copied; elsewhere the GPU has its
    own and `send` and `fetch` copy.
    """

    port: CudaPort
    host: HostMemory
    address: int
    copied: bool

    def view(self, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """
        Return the first values as an array of this shape; it shares their memory.

        Raises:
            ValueError: The buffer is smaller.
        """
        values = self.host.array[: _bytes(shape)].view(np.float32)
        return values.reshape(shape)

    def send(self, shape: tuple[int, ...], stream: int) -> None:
        """Start bringing an array of this shape to the device."""
        if self.copied:
            self.port.copy_in(self.address, self.host, _bytes(shape), stream)

    def fetch(self, shape: tuple[int, ...], stream: int) -> None:
        """Start bringing an array of this shape back."""
        if self.copied:
            self.port.copy_out(self.host, self.address, _bytes(shape), stream)

    def release(self) -> None:
        """Free both sides; views are invalid afterwards."""
        if self.copied:
            self.port.free(self.address)
        self.port.free_host(self.host)


def allocate(port: CudaPort, shape: tuple[int, ...], mapped: bool) -> Buffer:
    """
    Return a buffer of float32 values, filled with zeros.

    Args:
        port: CUDA.
        shape: The largest that it shall hold.
        mapped: Whether host and device share one memory (an integrated GPU).

    Raises:
        CudaError: No memory is left; nothing stays allocated.
    """
    size = _bytes(shape)
    host = port.allocate_host(size, mapped)
    host.array[:] = 0
    if host.device_address is not None:
        return Buffer(port, host, host.device_address, copied=False)
    try:
        address = port.allocate(size)
    except BaseException:
        port.free_host(host)
        raise
    return Buffer(port, host, address, copied=True)


def _bytes(shape: tuple[int, ...]) -> int:
    return math.prod(shape) * FLOAT_BYTES
