"""NVIDIA's cuda-python (package cuda-bindings): wheels for aarch64 and x86-64."""

from collections.abc import Callable
from typing import Any

from engines.tensorrt.cuda.port import CudaPort
from engines.tensorrt.cuda.runtime_calls import runtime_port
from engines.tensorrt.errors import CudaError


def open_cuda_python() -> CudaPort:
    """
    Import cuda-python and return its port.

    Raises:
        CudaError: It is not installed, or its runtime library does not load.
    """
    try:
        from cuda.bindings import runtime  # noqa: PLC0415
    except ImportError as error:
        try:
            from cuda import cudart as runtime  # noqa: PLC0415 -- before 12.6.1
        except ImportError:
            # The first error is of the package people have; the second only of the old name.
            raise CudaError(f"cuda-python: {error}: pip install cuda-bindings") from error
    return runtime_port("cuda-python", _Calls(runtime))


class _Calls:
    """The module's functions, and its enums for the integers of the C API."""

    def __init__(self, runtime: Any) -> None:
        self._runtime = runtime
        self.device_attribute = runtime.cudaDeviceAttr
        self.copy_kind = runtime.cudaMemcpyKind
        self.capture_mode = runtime.cudaStreamCaptureMode

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runtime, name)

    def older(self, major: int) -> str:
        return (
            f"pip install 'cuda-python<{major + 1}', or pip uninstall cuda-python cuda-bindings "
            "and let CUDA's own libcudart be used"
        )

    def error_text(self, error: Any) -> str:
        return self._runtime.cudaGetErrorString(error)[1].decode()

    def device_name(self, call: Callable[..., tuple[Any, ...]]) -> str:
        (properties,) = call("cudaGetDeviceProperties", 0)
        return properties.name.split(b"\0", 1)[0].decode()
