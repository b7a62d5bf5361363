"""libcudart itself, called through ctypes: no Python package at all."""

import ctypes
import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from engines.tensorrt.cuda.port import CudaPort
from engines.tensorrt.cuda.runtime_calls import runtime_port
from engines.tensorrt.errors import CudaError

_INT, _UNSIGNED, _FLOAT = ctypes.c_int, ctypes.c_uint, ctypes.c_float
_POINTER, _SIZE, _FLAGS = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_ulonglong

_FIRST: dict[str, tuple[tuple[Any, ...], tuple[Any, ...]]] = {
    "cudaGetDeviceCount": ((_INT,), ()),
    "cudaDriverGetVersion": ((_INT,), ()),
    "cudaRuntimeGetVersion": ((_INT,), ()),
    "cudaDeviceGetAttribute": ((_INT,), (_INT, _INT)),
    "cudaMemGetInfo": ((_SIZE, _SIZE), ()),
    "cudaMalloc": ((_POINTER,), (_SIZE,)),
    "cudaHostAlloc": ((_POINTER,), (_SIZE, _UNSIGNED)),
    "cudaHostGetDevicePointer": ((_POINTER,), (_POINTER, _UNSIGNED)),
    "cudaStreamCreateWithFlags": ((_POINTER,), (_UNSIGNED,)),
    "cudaEventCreate": ((_POINTER,), ()),
    "cudaEventElapsedTime": ((_FLOAT,), (_POINTER, _POINTER)),
    "cudaGraphInstantiateWithFlags": ((_POINTER,), (_POINTER, _FLAGS)),
    "cudaSetDevice": ((), (_INT,)),
    "cudaFree": ((), (_POINTER,)),
    "cudaFreeHost": ((), (_POINTER,)),
    "cudaMemcpyAsync": ((), (_POINTER, _POINTER, _SIZE, _INT, _POINTER)),
    "cudaStreamDestroy": ((), (_POINTER,)),
    "cudaStreamSynchronize": ((), (_POINTER,)),
    "cudaStreamWaitEvent": ((), (_POINTER, _POINTER, _UNSIGNED)),
    "cudaStreamBeginCapture": ((), (_POINTER, _INT)),
    "cudaEventDestroy": ((), (_POINTER,)),
    "cudaEventRecord": ((), (_POINTER, _POINTER)),
    "cudaGraphDestroy": ((), (_POINTER,)),
    "cudaGraphLaunch": ((), (_POINTER, _POINTER)),
    "cudaGraphExecDestroy": ((), (_POINTER,)),
}
"""Function: types of what it writes through its leading pointers, types of what follows."""

_NAME_BYTES = 256
_PROPERTIES_BYTES = 8192
"""cudaDeviceProp begins with its name and grew from 600 to 1,100 bytes over the versions."""


def open_cudart() -> CudaPort:
    """
    Load libcudart and return its port: of several, the first through which the device answers.

    Where none does, the first that loads; what it says when asked is then the reason.

    Raises:
        CudaError: No libcudart of CUDA 11, 12 or 13 is on the machine.
    """
    reasons, silent = list[str](), list[CudaPort]()
    for name in _candidates():
        try:
            port = runtime_port("libcudart", Calls(ctypes.CDLL(name)))
        except OSError as error:
            reasons.append(str(error))
            continue
        if _answers(port):
            return port
        silent.append(port)
    if silent:
        return silent[0]
    raise CudaError(
        f"CUDA: {reasons[0]}: on a Jetson install cuda-cudart with apt; "
        "elsewhere: pip install cuda-bindings"
    )


def _answers(port: CudaPort) -> bool:
    try:
        port.device()
    except CudaError:
        return False
    return True


def _candidates() -> Iterator[str]:
    yield from ("libcudart.so", "libcudart.so.13", "libcudart.so.12", "libcudart.so.11.0")
    nvidia = importlib.util.find_spec("nvidia")
    for folder in nvidia.submodule_search_locations or () if nvidia else ():
        yield from (str(path) for path in sorted(Path(folder).glob("*/lib/libcudart.so.*")))


class Calls:
    """The library's functions with the results that C writes through pointers returned instead."""

    device_attribute = copy_kind = capture_mode = staticmethod(int)

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library

    def __getattr__(self, name: str) -> Callable[..., tuple[Any, ...]]:
        written, given = _FIRST[name]
        function = self._library[name]
        function.argtypes = [*(ctypes.POINTER(each) for each in written), *given]

        def call(*arguments: Any) -> tuple[Any, ...]:
            results = [each() for each in written]
            error = function(*(ctypes.byref(each) for each in results), *arguments)
            # A null pointer reads back as None.
            return (error, *(each.value or 0 for each in results))

        return call

    def cudaStreamEndCapture(self, stream: int) -> tuple[int, int]:  # noqa: N802 -- C name
        """Return error and graph; the one function that writes through its last pointer."""
        function = self._library["cudaStreamEndCapture"]
        function.argtypes = [_POINTER, ctypes.POINTER(_POINTER)]
        graph = _POINTER()
        return function(stream, ctypes.byref(graph)), graph.value or 0

    def older(self, major: int) -> str:
        """Return what to run for a libcudart of this CUDA or an older one."""
        return f"install the cuda-cudart of CUDA {major} with apt"

    def error_text(self, error: int) -> str:
        """Return CUDA's words for an error."""
        function = self._library["cudaGetErrorString"]
        function.restype = ctypes.c_char_p
        function.argtypes = [_INT]
        return function(error).decode()

    def device_name(self, call: Callable[..., tuple[Any, ...]]) -> str:
        """Return the name of device 0."""
        del call
        properties = ctypes.create_string_buffer(_PROPERTIES_BYTES)
        error = self._library["cudaGetDeviceProperties"](properties, 0)
        return properties.raw[:_NAME_BYTES].split(b"\0", 1)[0].decode() if error == 0 else "GPU"
