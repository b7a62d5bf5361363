"""Which CUDA binding to use: the first that works on this device, not the first that imports."""

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from engines.tensorrt.cuda.cuda_python import open_cuda_python
from engines.tensorrt.cuda.cudart import open_cudart
from engines.tensorrt.cuda.port import CudaPort, translated
from engines.tensorrt.cuda.pycuda_driver import open_pycuda
from engines.tensorrt.cuda.round_trip import RoundTrip, make_round_trip
from engines.tensorrt.errors import CudaError

log = logging.getLogger(__name__)

Binding = Literal["auto", "cuda-python", "pycuda", "libcudart"]
Bindings = Mapping[str, Callable[[], CudaPort]]

BINDINGS: Bindings = {
    "cuda-python": open_cuda_python,
    "pycuda": open_pycuda,
    "libcudart": open_cudart,
}
"""In the order `auto` tries them: NVIDIA's own, the one users have built, the bare library."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The binding that was taken, and why not those before it."""

    port: CudaPort
    trip: RoundTrip
    passed_over: tuple[str, ...]
    """Reasons of the bindings tried before, each with its name; empty for the first."""


def choose_cuda(binding: Binding = "auto", bindings: Bindings | None = None) -> Choice:
    """
    Return the first binding through which an event and some bytes go to the device and back.

    Call it in the thread that will own CUDA, after any fork.

    Args:
        binding: One by name, or `auto` for each in turn.
        bindings: What there is to try, in this order; None takes BINDINGS.

    Raises:
        CudaError: The named binding, or every binding, is missing or does not work; each says what
            to do about it.
    """
    known, reasons = bindings or BINDINGS, list[str]()
    for name in known if binding == "auto" else (binding,):
        try:
            with translated(name):
                port, trip = _tried(known[name])
        except CudaError as error:  # noqa: PERF203 -- three of them, once
            reasons.append(_naming(name, str(error)))
        else:
            return Choice(port, trip, tuple(reasons))
    raise CudaError("; ".join(reasons))


def open_cuda(binding: Binding = "auto") -> CudaPort:
    """
    Return the port that `choose_cuda` takes, and tell the log which and why.

    Raises:
        CudaError: See `choose_cuda`.
    """
    choice = choose_cuda(binding)
    because = "".join(f"; not {reason}" for reason in choice.passed_over)
    log.info("CUDA %s through %s%s", choice.trip.device.runtime, choice.port.name, because)
    return choice.port


def _tried(opened: Callable[[], CudaPort]) -> tuple[CudaPort, RoundTrip]:
    port = opened()
    try:
        return port, make_round_trip(port)
    except BaseException:
        # The next binding finds the thread as this one found it.
        with suppress(CudaError):
            port.close()
        raise


def _naming(binding: str, reason: str) -> str:
    return reason if reason.startswith(f"{binding}:") else f"{binding}: {reason}"
