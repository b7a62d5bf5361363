"""
Run embedding networks with ONNX Runtime: the default, on any CPU.

ONNX Runtime falls back to the CPU without a word when a provider does not load; here that is an
error. Its exceptions become BackendError in one place.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as native

from engines.closing import Closing
from engines.errors import BackendError, ProviderError
from engines.onnxruntime.arena import share_arena
from engines.onnxruntime.heap import trim_heap

if TYPE_CHECKING:
    from engines.tensorrt.profile import ShapeProfile

ERRORS = tuple(
    each for each in vars(native).values() if isinstance(each, type) and issubclass(each, Exception)
)
"""Every exception the library defines."""

CPU = ("CPUExecutionProvider",)
BUILD_BATCH = 4
"""
Inputs of a build that are run together: enough to prove that a batch gives what each alone does. A
face takes mobilefacenet512 2.2 ms then, and 2.9 in batches of 16, which caches do not hold.
"""
_LOG_FATAL_ONLY = 4


@dataclass(frozen=True, slots=True)
class Use:
    """What a network is opened for. Values are the same to the last digits but one."""

    shares_arena: bool = False
    """Its activations lie in the arena of the process: for networks that stay open on a CPU."""
    plans_memory: bool = True
    """All activations of an input's shape are laid out beforehand: quick for inputs of one size."""
    at_once: int | None = None
    """Inputs of a batch that are run together; None runs all."""


FOR_ONCE = Use()
"""To be closed soon: its memory is given back then."""


class OnnxRuntimeNetwork(Closing):
    """One session; calls may come from several threads."""

    def __init__(self, session: onnxruntime.InferenceSession, at_once: int | None = None) -> None:
        self._session: onnxruntime.InferenceSession | None = session
        self._input = session.get_inputs()[0].name
        # A network whose batch could not be opened takes one by one.
        self._at_once = 1 if session.get_inputs()[0].shape[:1] == [1] else at_once
        self.output_names: tuple[str, ...] = tuple(each.name for each in session.get_outputs())
        self.engine: str = _engine(session.get_providers()[0])
        """As `ONNX Runtime 1.32.0, f32`, with the provider where it is not the CPU's."""

    def run(self, inputs: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        """
        Return the raw outputs, (N, D) float32 each, in the order of `output_names`.

        Raises:
            BackendError: The library refused the input, or the session is closed.
        """
        if self._session is None:
            raise BackendError("the network is closed; open the engine pair again")
        with _translated_errors("run the network"):
            if self._at_once is None or len(inputs) <= self._at_once:
                return tuple(self._session.run(None, {self._input: inputs}))
            starts = range(0, len(inputs), self._at_once)
            batches = (inputs[start : start + self._at_once] for start in starts)
            parts = [self._session.run(None, {self._input: batch}) for batch in batches]
            return tuple(np.concatenate(each) for each in zip(*parts, strict=True))

    def close(self) -> None:
        """Release the session and its memory; safe to call twice."""
        if self._session is not None:
            self._session = None
            trim_heap()


def open_network(
    source: Path | bytes,
    threads: int = 1,
    providers: Sequence[str] = CPU,
    shapes: "ShapeProfile | None" = None,
    use: Use = FOR_ONCE,
) -> OnnxRuntimeNetwork:
    """
    Open one ONNX network.

    Args:
        source: An ONNX file, or its content.
        threads: Used within one operator, at least 1; operators run one after the other.
        providers: Execution providers in order of preference; the first one must load.
        shapes: Inputs to come, for a provider that builds for them; None: batches of one shape.
        use: What for; it is about a CPU's memory, and nothing where another provider comes first.

    Raises:
        BackendError: The file does not load.
        ProviderError: A provider is not in this build, or the first one is not the one in use.
        ValueError: Fewer threads than one: ONNX Runtime would take all cores.
    """
    if threads < 1:
        raise ValueError(f"threads: got {threads}, at least 1 is needed")
    missing = [each for each in providers if each not in onnxruntime.get_available_providers()]
    if missing:
        raise ProviderError(
            f"ONNX Runtime {onnxruntime.__version__} here has no {missing[0]}, only "
            f"{', '.join(onnxruntime.get_available_providers())}; install a build that has it"
        )
    content = source if isinstance(source, bytes) else str(source)
    chosen: list[str] | list[tuple[str, dict[str, str]]] = list(providers)
    if "TensorrtExecutionProvider" in providers:
        from engines.onnxruntime.providers import with_options  # noqa: PLC0415 -- builders' parts

        model = source if isinstance(source, bytes) else source.read_bytes()
        chosen = with_options(providers, model, shapes=shapes)
    fit = use if providers[0] == CPU[0] else FOR_ONCE
    with _translated_errors("open the network"):
        session = onnxruntime.InferenceSession(
            content, sess_options=_options(threads, fit), providers=chosen
        )
    if session.get_providers()[0] != providers[0]:
        raise ProviderError(
            f"ONNX Runtime fell back from {providers[0]} to {session.get_providers()[0]}; "
            "check the driver and libraries of that provider"
        )
    return OnnxRuntimeNetwork(session, fit.at_once)


def open_for_build(file: Path, threads: int) -> OnnxRuntimeNetwork:
    """
    Open one ONNX file on the CPU to run it once over some faces, in little memory.

    Same values as `open_network` gives. Without a pattern of all activations laid out beforehand a
    process that runs `residual` of tests/large_networks.py, 176 MB, takes at most 0.58 instead of
    0.63 GB in batches of 4; a file, unlike its content, is not held beside the session.

    Raises:
        BackendError: The file does not load.
    """
    options = _options(threads, Use(plans_memory=False))
    with _translated_errors("open the network"):
        session = onnxruntime.InferenceSession(str(file), options, providers=list(CPU))
    return OnnxRuntimeNetwork(session, BUILD_BATCH)


def _engine(provider: str) -> str:
    on = "" if (provider,) == CPU else f" by {provider}"
    return f"ONNX Runtime {onnxruntime.__version__}{on}, f32"


def _options(threads: int, use: Use) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.enable_mem_pattern = use.plans_memory
    if use.shares_arena:
        share_arena(options)
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = _LOG_FATAL_ONLY  # errors arrive as exceptions
    # Between frames the cores belong to the camera's decoder, not to a spinning thread pool.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


@contextmanager
def _translated_errors(action: str) -> Iterator[None]:
    try:
        yield
    except ERRORS as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise BackendError(f"ONNX Runtime could not {action}: {reason}") from error
