"""
The one place that imports OpenVINO, and what it says of this machine.

Importing its package runs its model converter's telemetry, which sends an event over the network
before any function is called. A gate tells nobody anything that its operator did not ask for, so
the converter, which nothing here needs, is kept out while the package is imported.
"""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from engines.errors import BackendError

Precision = Literal["f32", "bf16"]

DEVICE = "CPU"
INSTALL = "pip install 'edge-gate[openvino]'"
_CONVERTER = "openvino.tools.ovc"


class NoOpenVinoError(BackendError):
    """OpenVINO is not installed, or does not load; the message ends with the command."""


@dataclass(frozen=True, slots=True)
class OpenVino:
    """The library in this process."""

    core: Any
    """One `openvino.Core`: its devices are shared by all networks."""
    version: str
    has_bf16: bool
    """Whether the processor computes bfloat16 itself; elsewhere it would only be slow."""


@cache
def load_openvino() -> OpenVino:
    """
    Import OpenVINO and ask it about the processor.

    Raises:
        NoOpenVinoError: It is not installed or does not load.
        BackendError: It does not know the processor.
    """
    try:
        with _without_converter():
            module = importlib.import_module("openvino")
    except ImportError as error:
        raise NoOpenVinoError(f"OpenVINO does not load ({error}): {INSTALL}") from error
    with translated_errors("ask about the processor"):
        core = module.Core()
        offered = core.get_property(DEVICE, "OPTIMIZATION_CAPABILITIES")
    return OpenVino(core, module.__version__.partition("-")[0], "BF16" in offered)


@contextmanager
def translated_errors(action: str) -> Iterator[None]:
    """Turn whatever the bindings raise, RuntimeError nearly always, into a BackendError."""
    try:
        yield
    except Exception as error:
        raise BackendError(f"OpenVINO could not {action}: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    """Return the last line that says something: those before are places in its source."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__


@contextmanager
def _without_converter() -> Iterator[None]:
    """Let `openvino` meet an ImportError for its converter, which it expects and passes over."""
    if _CONVERTER in sys.modules:  # the program around imported it before
        yield
        return
    sys.modules[_CONVERTER] = None  # type: ignore[assignment]  # Python's sign for "not here"
    try:
        yield
    finally:
        del sys.modules[_CONVERTER]
