"""
A GPU of numpy arrays behind the CUDA port: addresses that must be alive, streams that record.

It does at once what a real device does later, keeps a journal of what it was asked, and notes the
threads that asked.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from engines.tensorrt.cuda.port import CudaDevice, CudaPort, HostMemory
from engines.tensorrt.errors import CudaError

ORIN_NANO = CudaDevice(
    name="Orin",
    compute_capability="8.7",
    multiprocessors=8,
    integrated=True,
    free_bytes=4 << 30,
    total_bytes=8 << 30,
    runtime="12.6",
)


@dataclass
class FakeGpu:
    """One device; `port` is what the product sees of it."""

    description: CudaDevice = ORIN_NANO
    journal: list[str] = field(default_factory=list)
    threads: set[int] = field(default_factory=set)
    memory: dict[int, NDArray[np.uint8]] = field(default_factory=dict)
    """Live allocations by address."""
    handles: set[int] = field(default_factory=set)
    """Live streams, events and graphs."""
    graphs: dict[int, list[Callable[[], None]]] = field(default_factory=dict)
    recording: list[Callable[[], None]] | None = None
    _next: int = 1000

    def port(self) -> CudaPort:
        return CudaPort(
            name="fake",
            device=self.device,
            allocate=self.allocate,
            free=self.free,
            allocate_host=self.allocate_host,
            free_host=lambda memory: self.free(memory.address),
            copy_in=self.copy_in,
            copy_out=self.copy_out,
            create_stream=lambda: self.create("stream"),
            destroy_stream=lambda handle: self.destroy("stream", handle),
            synchronise=self.synchronise,
            create_event=lambda: self.create("event"),
            destroy_event=lambda handle: self.destroy("event", handle),
            record=lambda event, stream: self.note(f"record {event} {stream}"),
            wait=lambda stream, event: self.note(f"wait {stream} {event}"),
            elapsed_ms=lambda _first, _second: 1.5,
            capture=self.capture,
            launch=self.launch,
            destroy_graph=lambda handle: self.destroy("graph", handle),
            close=lambda: self.note("close"),
        )

    def note(self, what: str) -> None:
        self.journal.append(what)
        self.threads.add(threading.get_ident())

    def device(self) -> CudaDevice:
        self.note("device")
        return self.description

    def create(self, kind: str) -> int:
        self._next += 1
        self.handles.add(self._next)
        self.note(f"create {kind} {self._next}")
        return self._next

    def destroy(self, kind: str, handle: int) -> None:
        self.handles.remove(handle)
        self.graphs.pop(handle, None)
        self.note(f"destroy {kind} {handle}")

    def allocate(self, size: int) -> int:
        array = np.zeros(size, np.uint8)
        address = int(array.ctypes.data)
        self.memory[address] = array
        self.note(f"allocate {size}")
        return address

    def allocate_host(self, size: int, mapped: bool) -> HostMemory:
        address = self.allocate(size)
        return HostMemory(self.memory[address], address, address if mapped else None)

    def free(self, address: int) -> None:
        del self.memory[address]
        self.note("free")

    def at(self, address: int, size: int) -> NDArray[np.uint8]:
        """Return live memory; a GPU answers anything else with an illegal address."""
        array = self.memory.get(address)
        if array is None or array.size < size:
            raise CudaError(f"CUDA: an illegal memory access was encountered ({size} bytes)")
        return array[:size]

    def do(self, what: str, work: Callable[[], None]) -> None:
        """Do it, or record it while a stream is captured."""
        self.note(what)
        if self.recording is not None:
            self.recording.append(work)
        else:
            work()

    def copy_in(self, address: int, memory: HostMemory, size: int, stream: int) -> None:
        self.do(f"copy in {size} {stream}", lambda: self._copy(address, memory.address, size))

    def copy_out(self, memory: HostMemory, address: int, size: int, stream: int) -> None:
        self.do(f"copy out {size} {stream}", lambda: self._copy(memory.address, address, size))

    def _copy(self, to: int, source: int, size: int) -> None:
        self.at(to, size)[:] = self.at(source, size)

    def synchronise(self, stream: int) -> None:
        if self.recording is not None:
            raise CudaError("CUDA: operation not permitted when stream is capturing (error 900)")
        self.note(f"synchronise {stream}")

    def capture(self, record: Callable[[], None], stream: int) -> int:
        self.note(f"capture {stream}")
        self.recording = []
        try:
            record()
            graph = self.create("graph")
            self.graphs[graph] = self.recording
        finally:
            self.recording = None
        return graph

    def launch(self, graph: int, stream: int) -> None:
        self.note(f"launch {graph} {stream}")
        for work in self.graphs[graph]:
            work()
