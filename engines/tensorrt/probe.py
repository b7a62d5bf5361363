"""Ask CUDA and TensorRT what they are, in a process of its own: a broken driver may crash it."""

import json
import subprocess
import sys
from dataclasses import asdict, dataclass

from engines.amounts import amount
from engines.errors import BackendError
from engines.tensorrt.api import load_api
from engines.tensorrt.cuda.choose import choose_cuda
from engines.tensorrt.cuda.port import CudaDevice

_ASK = "import sys; sys.path[:] = sys.argv[1:]; from engines.tensorrt.probe import main; main()"
"""It imports from where this process does. `-m` would look into the current folder first."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What answered."""

    binding: str | None
    """Python's way to CUDA; None if none works."""
    device: CudaDevice | None
    """None without driver or GPU."""
    cuda_error: str
    """Why there is no device; empty if there is one."""
    tensorrt: str | None
    """Version that was imported; None if it does not load."""
    tensorrt_error: str
    """Why not; empty if it loads."""
    event_ms: float | None = None
    """An event and some bytes went to the device and back in this time; None without a device."""
    passed_over: tuple[str, ...] = ()
    """Why each binding tried before was not taken, with what to do about it."""

    @property
    def cuda_text(self) -> str:
        """What CUDA did, for a person: through what, on what, or why not."""
        device = self.device
        if device is None:
            return self.cuda_error
        trip = f"; an event went there and back in {self.event_ms:.2f} ms" if self.event_ms else ""
        passed_over = "".join(f"\nnot through {reason}" for reason in self.passed_over)
        return (
            f"{device.runtime} through {self.binding}: {device.name}, compute capability "
            f"{device.compute_capability}, {amount(device.multiprocessors, 'multiprocessor')}, "
            f"{device.free_bytes >> 20} of {device.total_bytes >> 20} MiB free"
            f"{trip}{passed_over}"
        )


def probe(seconds: float = 30.0) -> Probe:
    """Return what CUDA and TensorRT answer; never raises for what they do."""
    command = [sys.executable, "-c", _ASK, *sys.path]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds)
    except subprocess.TimeoutExpired:
        return _silent(f"no answer in {seconds:.0f} s: the driver hangs; reboot")
    if done.returncode != 0:
        return _silent(f"asking it ended with exit code {done.returncode}: {_last(done.stderr)}")
    found = json.loads(done.stdout)
    device, passed_over = found.pop("device"), tuple(found.pop("passed_over"))
    device = None if device is None else CudaDevice(**device)
    return Probe(device=device, passed_over=passed_over, **found)


def ask() -> Probe:
    """Ask in this process: CUDA by a round trip to the device, TensorRT by importing it."""
    try:
        tensorrt, tensorrt_error = load_api("tensorrt").version, ""
    except BackendError as error:
        tensorrt, tensorrt_error = None, str(error)
    try:
        choice = choose_cuda()
    except BackendError as error:
        return Probe(None, None, str(error), tensorrt, tensorrt_error)
    port, trip = choice.port, choice.trip
    port.close()
    return Probe(
        binding=port.name,
        device=trip.device,
        cuda_error="",
        tensorrt=tensorrt,
        tensorrt_error=tensorrt_error,
        event_ms=trip.milliseconds,
        passed_over=choice.passed_over,
    )


def _silent(reason: str) -> Probe:
    return Probe(None, None, reason, None, reason)


def _last(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "no message"


def main() -> None:
    """Print what answers in this process as JSON."""
    print(json.dumps(asdict(ask())))  # noqa: T201
