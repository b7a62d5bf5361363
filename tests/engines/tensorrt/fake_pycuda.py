"""`pycuda.driver` as the real one (2026.1) offers it, in the CPU's memory; what we use of it.

`test_cuda_api` holds every class here to the committed dump of the real package.
"""

import ctypes
from types import SimpleNamespace
from typing import Any

import numpy as np


class Error(Exception):
    """pycuda's own base of errors."""


class Stream:
    _world: Any

    def __init__(self, flags: int = 0) -> None:
        del flags
        self._number = self._world._next()

    @property
    def handle(self) -> int:
        return self._number

    def synchronize(self) -> None:
        self._world._note("synchronise")

    def wait_for_event(self, evt: "Event") -> None:
        self._world._note(f"wait {evt._number}")


class Event:
    _world: Any

    def __init__(self, flags: int = 0) -> None:
        del flags
        self._number = self._world._next()

    def record(self, stream: Stream | None = None) -> "Event":
        assert stream is not None, "the default stream waits for every other"
        self._world._note(f"record {stream.handle}")
        self._recorded = self._world._next()
        return self

    def time_till(self, event: "Event") -> float:
        return 1.5 * (event._recorded - self._recorded)


class DeviceAllocation:
    _world: Any

    def __init__(self, size: int) -> None:
        self._memory = np.zeros(size, np.uint8)

    def __int__(self) -> int:
        return int(self._memory.ctypes.data)

    def free(self) -> None:
        self._world._note("free")


class PagelockedHostAllocation:
    """What pycuda's page-locked arrays have as their base."""

    _world: Any

    def __init__(self, size: int, dtype: type) -> None:
        self._memory: np.ndarray = np.zeros(size, dtype)
        self.__array_interface__ = self._memory.__array_interface__

    def get_device_pointer(self) -> int:
        return int(self._memory.ctypes.data)

    def free(self) -> None:
        self._world._note("free host")


class Context:
    _world: Any

    def push(self) -> None:
        self._world._note("push primary")

    @classmethod
    def _pop(cls) -> None:
        cls._world._note("pop primary")


class Device:
    _world: Any

    def __init__(self, number: int) -> None:
        assert number == 0

    @classmethod
    def _count(cls) -> int:
        return cls._world._devices

    def name(self) -> str:
        return "Orin"

    def compute_capability(self) -> tuple[int, int]:
        return 8, 7

    def get_attribute(self, attribute: int) -> int:
        return {16: 8, 18: 1}[attribute]

    def retain_primary_context(self) -> Context:
        return self._world.Context()


CLASSES = (Stream, Event, DeviceAllocation, PagelockedHostAllocation, Context, Device)


class FakeDriver:
    """The module."""

    Error = Error
    device_attribute = SimpleNamespace(MULTIPROCESSOR_COUNT=16, INTEGRATED=18)
    host_alloc_flags = SimpleNamespace(DEVICEMAP=2)
    Stream: Any
    Event: Any
    DeviceAllocation: Any
    PagelockedHostAllocation: Any
    Context: Any
    Device: Any

    def __init__(self) -> None:
        self._log: list[str] = []
        self._devices = 1
        self._total = 8 << 30
        self._numbers = iter(range(100, 200))
        for each in CLASSES:
            made = type(each.__name__, (each,), {"_world": self})
            setattr(self, each.__name__, made)
        # Static in pycuda: called on the class or on an object, it takes neither.
        self.Context.pop = staticmethod(self.Context._pop)
        self.Device.count = staticmethod(self.Device._count)

    def _note(self, what: str) -> None:
        self._log.append(what)

    def _next(self) -> int:
        return next(self._numbers)

    def init(self, flags: int = 0) -> None:
        del flags
        self._note("init")

    def mem_get_info(self) -> tuple[int, int]:
        return 5 << 30, self._total

    def get_version(self) -> tuple[int, int, int]:
        return 12, 6, 0

    def mem_alloc(self, size: int) -> Any:
        if size > self._total:
            raise Error("cuMemAlloc failed: out of memory")
        return self.DeviceAllocation(size)

    def pagelocked_empty(
        self, shape: int, dtype: type, order: str = "C", mem_flags: int = 0
    ) -> np.ndarray:
        del order, mem_flags
        return np.asarray(self.PagelockedHostAllocation(shape, dtype))

    def memcpy_htod_async(self, dest: int, src: np.ndarray, stream: Stream | None = None) -> None:
        assert stream is not None
        self._note(f"in {src.nbytes} {stream.handle}")
        ctypes.memmove(dest, src.ctypes.data, src.nbytes)

    def memcpy_dtoh_async(self, dest: np.ndarray, src: int, stream: Stream | None = None) -> None:
        assert stream is not None
        self._note(f"out {dest.nbytes} {stream.handle}")
        ctypes.memmove(dest.ctypes.data, src, dest.nbytes)
