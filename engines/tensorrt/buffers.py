"""Where a plan's input and outputs lie: allocated once, seen by CPU and GPU."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engines.tensorrt.cuda.port import CudaPort, HostMemory

FLOAT_BYTES = 4


@dataclass(frozen=True, slots=True, eq=False)
class Buffer:
    """
    float32 rows in page-locked memory, and the address the GPU uses for them.

    On an integrated GPU both are the same memory and nothing is copied; elsewhere the GPU has its
    own and `send` and `fetch` copy.
    """

    port: CudaPort
    host: HostMemory
    rows: NDArray[np.float32]
    """(largest batch, ...) float32; a view of the host's memory."""
    address: int
    copied: bool

    def send(self, count: int, stream: int) -> None:
        """Start bringing the first rows to the device."""
        if self.copied:
            self.port.copy_in(self.address, self.host, self._size(count), stream)

    def fetch(self, count: int, stream: int) -> None:
        """Start bringing the first rows back."""
        if self.copied:
            self.port.copy_out(self.host, self.address, self._size(count), stream)

    def release(self) -> None:
        """Free both sides; the rows are invalid afterwards."""
        if self.copied:
            self.port.free(self.address)
        self.port.free_host(self.host)

    def _size(self, count: int) -> int:
        return count * self.rows[0].nbytes


def allocate(port: CudaPort, shape: tuple[int, ...], mapped: bool) -> Buffer:
    """
    Return a buffer of float32 rows, filled with zeros.

    Args:
        port: CUDA.
        shape: Largest batch first.
        mapped: Whether host and device share one memory (an integrated GPU).

    Raises:
        CudaError: No memory is left; nothing stays allocated.
    """
    size = int(np.prod(shape)) * FLOAT_BYTES
    host = port.allocate_host(size, mapped)
    rows = host.array.view(np.float32).reshape(shape)
    rows[:] = 0
    if host.device_address is not None:
        return Buffer(port, host, rows, host.device_address, copied=False)
    try:
        address = port.allocate(size)
    except BaseException:
        port.free_host(host)
        raise
    return Buffer(port, host, rows, address, copied=True)
