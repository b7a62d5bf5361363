"""
The two dozen CUDA calls that running a plan needs, as one value; see `choose` for who makes it.

A value of functions and not a base class: three bindings provide it, each in one file, and a test
replaces one function to see what a failure of just that call does. Every function raises CudaError:
`guarded` sees to it whatever the binding raises. All of them belong to the thread that opened the
port.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from functools import wraps
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engines.errors import EnginesError
from engines.tensorrt.errors import CudaError


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


def guarded(port: CudaPort) -> CudaPort:
    """
    Return the port with every function raising CudaError for whatever its binding raises.

    Not a list of exceptions: a binding has its own errors, wrong attributes and wrong types
    included, and each of them means the same to the caller, CUDA does not work through it.
    """
    functions: dict[str, Any] = {
        field.name: _guarded(port.name, value)
        for field in fields(port)
        if callable(value := getattr(port, field.name))
    }
    return replace(port, **functions)


@contextmanager
def translated(binding: str) -> Iterator[None]:
    """Turn whatever a binding raises into a CudaError; errors of ours pass."""
    try:
        yield
    except EnginesError:
        raise
    except Exception as error:
        kind = type(error).__name__
        raise CudaError(f"CUDA: {binding}: {kind}: {error}: run 'edge-gate doctor'") from error


def _guarded(binding: str, function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def run(*arguments: Any) -> Any:
        with translated(binding):
            return function(*arguments)

    return run
