"""Which CUDA binding to use."""

from collections.abc import Callable
from typing import Literal

from engines.tensorrt.cuda.cuda_python import open_cuda_python
from engines.tensorrt.cuda.cudart import open_cudart
from engines.tensorrt.cuda.port import CudaPort
from engines.tensorrt.cuda.pycuda_driver import open_pycuda
from engines.tensorrt.errors import CudaError

Binding = Literal["auto", "cuda-python", "pycuda", "libcudart"]

BINDINGS: dict[str, Callable[[], CudaPort]] = {
    "cuda-python": open_cuda_python,
    "pycuda": open_pycuda,
    "libcudart": open_cudart,
}
"""In the order `auto` tries them: NVIDIA's own, the one users have built, the bare library."""


def open_cuda(binding: Binding = "auto") -> CudaPort:
    """
    Return a port; nothing is asked of a driver yet.

    Call it in the thread that will own CUDA, after any fork.

    Raises:
        CudaError: The named binding, or every binding, is missing; each says what to install.
    """
    if binding != "auto":
        return BINDINGS[binding]()
    reasons = []
    for opened in BINDINGS.values():
        try:
            return opened()
        except CudaError as error:  # noqa: PERF203 -- three of them, once
            reasons.append(str(error))
    raise CudaError("; ".join(reasons))
