"""Does CUDA work through this binding? One event and a few bytes, there and back."""

from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np

from engines.tensorrt.cuda.port import CudaDevice, CudaPort
from engines.tensorrt.errors import CudaError

_BYTES = 256


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """What came back."""

    device: CudaDevice
    milliseconds: float
    """On the device, from one event to the next."""


def make_round_trip(port: CudaPort) -> RoundTrip:
    """
    Send bytes to the device and back between two events, and compare them.

    Everything that loading a plan needs of a binding is called once, so what cannot work says so
    in a second and not after the minutes of a build. Nothing stays allocated.

    Raises:
        CudaError: A call failed, or other bytes came back.
    """
    device = port.device()
    with ExitStack() as stack:
        stream = port.create_stream()
        stack.callback(port.destroy_stream, stream)
        began, ended = port.create_event(), port.create_event()
        for event in (began, ended):
            stack.callback(port.destroy_event, event)
        there, back = (port.allocate_host(_BYTES, device.integrated) for _ in range(2))
        for memory in (there, back):
            stack.callback(port.free_host, memory)
        address = port.allocate(_BYTES)
        stack.callback(port.free, address)
        there.array[:] = np.arange(_BYTES, dtype=np.uint8)
        back.array[:] = 0
        port.record(began, stream)
        port.copy_in(address, there, _BYTES, stream)
        port.copy_out(back, address, _BYTES, stream)
        port.record(ended, stream)
        port.wait(stream, ended)
        port.synchronise(stream)
        if not np.array_equal(back.array, there.array):
            raise CudaError(
                f"CUDA: {port.name}: other bytes came back from {device.name} than were sent: "
                "reboot; if it comes again, install CUDA afresh"
            )
        return RoundTrip(device, port.elapsed_ms(began, ended))
