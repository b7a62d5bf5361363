"""`pycuda.driver` as its source (2026.1, wrap_cudadrv.cpp) offers it, over numpy; what we use."""

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np


class FakeDriverError(Exception):
    """pycuda's own base of errors."""


class _Handled:
    def __init__(self, log: list[str], handle: int) -> None:
        self._log, self.handle = log, handle


class _Stream(_Handled):
    def synchronize(self) -> None:
        self._log.append("synchronise")

    def wait_for_event(self, event: _Handled) -> None:
        self._log.append(f"wait {event.handle}")


class _Event(_Handled):
    def record(self, stream: _Stream) -> None:
        self._log.append(f"record {stream.handle}")

    def time_till(self, other: "_Event") -> float:
        return 2.5 if other.handle > self.handle else -2.5


class _Allocation:
    def __init__(self, log: list[str], address: int) -> None:
        self._log, self._address = log, address

    def __int__(self) -> int:
        return self._address

    def free(self) -> None:
        self._log.append("free")


class _HostAllocation:
    """What pycuda's page-locked arrays have as their base."""

    def __init__(self, log: list[str], size: int, dtype: type) -> None:
        self._log = log
        self._memory: np.ndarray = np.zeros(size, dtype)
        self.__array_interface__ = self._memory.__array_interface__

    def get_device_pointer(self) -> int:
        return 4096

    def free(self) -> None:
        self._log.append("free host")


class _Context:
    def __init__(self, log: list[str]) -> None:
        self._log = log

    def push(self) -> None:
        self._log.append("push primary")

    def pop(self) -> None:
        self._log.append("pop primary")


class FakeDriver:
    """The module."""

    Error = FakeDriverError
    device_attribute = SimpleNamespace(MULTIPROCESSOR_COUNT=16, INTEGRATED=18)
    host_alloc_flags = SimpleNamespace(DEVICEMAP=2)
    total = 1 << 20

    def __init__(self) -> None:
        self.log: list[str] = []
        self.devices = 1
        self._handles = iter(range(100, 200))

    def init(self) -> None:
        self.log.append("init")

    @property
    def Device(self) -> Callable[..., object]:  # noqa: N802 -- pycuda's name
        device = SimpleNamespace(
            name=lambda: "Orin",
            compute_capability=lambda: (8, 7),
            get_attribute={16: 8, 18: 1}.__getitem__,
            retain_primary_context=lambda: _Context(self.log),
        )

        def make(_number: int) -> object:
            return device

        make.count = lambda: self.devices  # type: ignore[attr-defined]
        return make

    def mem_get_info(self) -> tuple[int, int]:
        return self.total // 2, self.total

    def get_version(self) -> tuple[int, int, int]:
        return 12, 6, 0

    def Stream(self) -> _Stream:  # noqa: N802 -- pycuda's name
        return _Stream(self.log, next(self._handles))

    def Event(self) -> _Event:  # noqa: N802 -- pycuda's name
        return _Event(self.log, next(self._handles))

    def mem_alloc(self, size: int) -> _Allocation:
        if size > self.total:
            raise FakeDriverError("cuMemAlloc failed: out of memory")
        return _Allocation(self.log, next(self._handles))

    def pagelocked_empty(
        self, size: int, dtype: type, order: str = "C", mem_flags: int = 0
    ) -> np.ndarray:
        del order, mem_flags
        return np.asarray(_HostAllocation(self.log, size, dtype))

    def memcpy_htod_async(self, dest: int, src: np.ndarray, stream: _Stream) -> None:
        self.log.append(f"in {dest} {src.nbytes} {stream.handle}")

    def memcpy_dtoh_async(self, dest: np.ndarray, src: int, stream: _Stream) -> None:
        self.log.append(f"out {src} {dest.nbytes} {stream.handle}")
