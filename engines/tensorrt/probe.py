"""Ask CUDA and TensorRT what they are, in a process of its own: a broken driver may crash it."""

import json
import subprocess
import sys
from dataclasses import asdict, dataclass

from engines.errors import BackendError
from engines.tensorrt.api import load_api
from engines.tensorrt.cuda.choose import open_cuda
from engines.tensorrt.cuda.port import CudaDevice

_ASK = "import sys; sys.path[:] = sys.argv[1:]; from engines.tensorrt.probe import main; main()"
"""It imports from where this process does. `-m` would look into the current folder first."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What answered."""

    binding: str | None
    """Python's way to CUDA; None if none loads."""
    device: CudaDevice | None
    """None without driver or GPU."""
    cuda_error: str
    """Why there is no device; empty if there is one."""
    tensorrt: str | None
    """Version that was imported; None if it does not load."""
    tensorrt_error: str
    """Why not; empty if it loads."""


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
    device = found.pop("device")
    return Probe(device=None if device is None else CudaDevice(**device), **found)


def ask() -> Probe:
    """Ask in this process."""
    binding, device, cuda_error = None, None, ""
    try:
        port = open_cuda()
        binding = port.name
        device = port.device()
        port.close()
    except BackendError as error:
        cuda_error = str(error)
    try:
        return Probe(binding, device, cuda_error, load_api("tensorrt").version, "")
    except BackendError as error:
        return Probe(binding, device, cuda_error, None, str(error))


def _silent(reason: str) -> Probe:
    return Probe(None, None, reason, None, reason)


def _last(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "no message"


def main() -> None:
    """Print what answers in this process as JSON."""
    print(json.dumps(asdict(ask())))  # noqa: T201
