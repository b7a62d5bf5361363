"""The memory that a real CUDA binding gives out over a host driver, as the fake TensorRT asks."""

import ctypes
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engines.tensorrt.cuda.port import CudaPort


@dataclass
class HostGpu:
    """Addresses are those the driver gave out; work is done at once, so nothing is recorded."""

    port: Callable[[], CudaPort]
    recording: Any = None
    journal: list[str] = field(default_factory=list)

    def note(self, what: str) -> None:
        self.journal.append(what)

    def at(self, address: int, size: int) -> NDArray[np.uint8]:
        return np.ctypeslib.as_array((ctypes.c_uint8 * size).from_address(address))

    def do(self, what: str, work: Callable[[], None]) -> None:
        self.note(what)
        work()
