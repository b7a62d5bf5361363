"""
The two dozen CUDA calls that running a plan needs, as one value; see `choose` for who makes it.

A value of functions and not a base class: three bindings provide it, each in one file, and a test
replaces one function to see what a failure of just that call does. Every function raises CudaError.
All of them belong to the thread that opened the port.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class CudaDevice:
    """The first GPU and what is free on it."""

    name: str
    compute_capability: str
    """Major and minor, for example 8.7."""
    multiprocessors: int
    integrated: bool
    """It shares the memory of the CPU, as on every Jetson, so nothing need be copied."""
    free_bytes: int
    total_bytes: int
    runtime: str
    """CUDA version, for example 12.6."""


@dataclass(frozen=True, slots=True, eq=False)
class HostMemory:
    """Page-locked memory of the CPU."""

    array: NDArray[np.uint8]
    """(bytes,) uint8; a view, invalid once freed."""
    address: int
    device_address: int | None
    """Where the GPU sees the same memory; None if it was not mapped."""


@dataclass(frozen=True, slots=True)
class CudaPort:
    """CUDA on device 0. Addresses, streams, events and graphs are integers."""

    name: str
    """Of the binding."""
    device: Callable[[], CudaDevice]
    """Make the device current in this thread and describe it."""
    allocate: Callable[[int], int]
    """Bytes -> address on the device."""
    free: Callable[[int], None]
    allocate_host: Callable[[int, bool], HostMemory]
    """Bytes, whether the device shall see it too -> page-locked memory."""
    free_host: Callable[[HostMemory], None]
    copy_in: Callable[[int, HostMemory, int, int], None]
    """Device address, host memory, bytes, stream: start copying to the device."""
    copy_out: Callable[[HostMemory, int, int, int], None]
    """Host memory, device address, bytes, stream: start copying to the host."""
    create_stream: Callable[[], int]
    destroy_stream: Callable[[int], None]
    synchronise: Callable[[int], None]
    """Wait for everything given to the stream; failures of earlier work appear here."""
    create_event: Callable[[], int]
    destroy_event: Callable[[int], None]
    record: Callable[[int, int], None]
    """Event, stream: mark what the stream was given so far."""
    wait: Callable[[int, int], None]
    """Stream, event: let the stream wait for the mark, not the CPU."""
    elapsed_ms: Callable[[int, int], float]
    """First and second event, both passed -> milliseconds between them on the device."""
    capture: Callable[[Callable[[], None], int], int] | None
    """What to record, stream -> graph that replays it; None where the binding cannot."""
    launch: Callable[[int, int], None]
    """Graph, stream."""
    destroy_graph: Callable[[int], None]
    close: Callable[[], None]
    """Give the device back; last of all."""
