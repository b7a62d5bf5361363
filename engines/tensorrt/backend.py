"""
The plans of an engine pair as one embedding network.

One thread owns CUDA from the first probe to the last free: contexts belong to threads, and the
gate's own threads come and go. Dense and pruned run on two streams over one input buffer.
"""

import math
from collections.abc import Callable, Sequence
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from engines.errors import BackendError, EnginesError
from engines.tensorrt.api import Api, Flavour, load_api, translated_errors
from engines.tensorrt.buffers import Buffer, allocate
from engines.tensorrt.cuda.choose import open_cuda
from engines.tensorrt.cuda.port import CudaPort
from engines.tensorrt.errors import CudaError, PlanInterfaceError
from engines.tensorrt.fingerprint import Fingerprint
from engines.tensorrt.host import this_machine
from engines.tensorrt.load_gate import CheckedPlan, check_device, check_plan
from engines.tensorrt.logger import open_logger
from engines.tensorrt.owner_thread import OwnerThread
from engines.tensorrt.plan_runner import PlanRunner, Session

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Runtime:
    """What plans are run with; tests pass their own parts."""

    flavour: Flavour = "tensorrt"
    cuda: Callable[[], CudaPort] = open_cuda
    """Called in the thread that will own CUDA."""
    api: Callable[[Flavour], Api] = load_api
    here: Callable[[Flavour], Fingerprint] = this_machine
    answer_seconds: float = 10.0
    """A run of at most one largest batch that takes longer is a lost device."""
    load_seconds: float = 300.0
    """Loading reads the plan and may wait for a sleeping GPU."""


class TensorRtNetwork:
    """An EmbeddingNetwork over one plan or two; calls may come from any thread."""

    def __init__(self, plans: Sequence[CheckedPlan], runtime: Runtime) -> None:
        self._plans, self._runtime = tuple(plans), runtime
        self._owner = OwnerThread()
        self._stack = ExitStack()
        self._runners: list[PlanRunner] = []
        self._failed: BaseException | None = None
        self._stuck = False
        """The owner still waits for a call that CUDA never answered."""
        self._closed = False
        try:
            self._in_owner(self._open, runtime.load_seconds)
        except BaseException:
            self._owner.end()
            raise

    @property
    def output_names(self) -> tuple[str, ...]:
        """Names of what `run` returns, plan by plan."""
        return tuple(output.name for plan in self._plans for output in plan.sidecar.outputs)

    @property
    def engine(self) -> str:
        """Return library, version and precision."""
        sidecar = self._plans[0].sidecar
        library = "TensorRT-RTX" if self._runtime.flavour == "rtx" else "TensorRT"
        return f"{library} {sidecar.fingerprint.tensorrt}, {sidecar.source.precision}"

    def run(self, inputs: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        """
        Return the raw outputs of all plans in their order, (N, D) float32 each.

        Args:
            inputs: (N, ...) float32, prepared; more than the plans' largest batch run in parts.

        Raises:
            BackendError: TensorRT or CUDA refused, did not answer, or failed before.
            EmbeddingError: An output holds NaN or infinite values.
        """
        if self._closed:
            raise BackendError("the network is closed; open the engine pair again")
        expected = self._plans[0].sidecar.input.shape
        if inputs.shape[1:] != expected or inputs.dtype != np.float32:
            raise BackendError(
                f"the plan takes float32 {('N', *expected)}, got {inputs.dtype} {inputs.shape}"
            )
        parts = max(1, math.ceil(len(inputs) / self.largest_batch))
        return self._in_owner(lambda: self._run(inputs), parts * self._runtime.answer_seconds)

    @property
    def largest_batch(self) -> int:
        """Most face images of one run."""
        return self._plans[0].sidecar.profile.largest

    def device_ms(self, inputs: NDArray[np.float32], repeats: int) -> NDArray[np.float64]:
        """
        Return milliseconds from input to outputs by the device's own events, one for each run.

        Args:
            inputs: At most `largest_batch` prepared face images.
            repeats: Runs, one after the other.
        """
        return self._in_owner(
            lambda: np.array([self._timed(inputs) for _ in range(repeats)]),
            self._runtime.load_seconds,
        )

    def layer_information(self) -> tuple[str, ...]:
        """Return TensorRT's JSON about the layers of each plan."""
        return self._in_owner(
            lambda: tuple(runner.layer_information() for runner in self._runners),
            self._runtime.answer_seconds,
        )

    def close(self) -> None:
        """Release plans, buffers and device in reverse order; safe to call twice."""
        if self._closed:
            return
        self._closed = True
        seconds = self._runtime.answer_seconds
        try:
            if self._failed is None:
                self._owner.do(self._stack.close, seconds)
            elif not self._stuck:
                # Freeing is lost on a lost device, but its thread must not end in its context:
                # pycuda aborts the process for that.
                with suppress(BackendError):
                    self._owner.do(self._port.close, seconds)
        finally:
            self._owner.end()

    def _in_owner(self, work: Callable[[], T], seconds: float) -> T:
        if self._failed is not None:
            raise BackendError(
                f"the device failed before ({self._failed}); restart the process"
            ) from self._failed
        try:
            return self._owner.do(work, seconds)
        except FutureTimeoutError as error:
            self._failed, self._stuck = CudaError(f"CUDA gave no answer in {seconds:.0f} s"), True
            raise CudaError(
                f"CUDA gave no answer in {seconds:.0f} s: restart the process; "
                "if it comes again, reboot"
            ) from error
        except CudaError as error:
            # After most CUDA errors every later call fails too; a new process is the way back.
            self._failed = error
            raise
        except EnginesError:
            raise
        except Exception as error:
            # Whatever the bindings raise is a library that refused, and `fallback` knows what then.
            kind = type(error).__name__
            raise BackendError(
                f"the plans do not run here: {kind}: {error}: run 'edge-gate doctor'"
            ) from error

    def _open(self) -> None:
        try:
            self._load()
        except BaseException:
            # What was allocated goes back, so that a fallback on the CPU has the memory.
            with suppress(CudaError):
                self._stack.close()
            raise

    def _load(self) -> None:
        runtime = self._runtime
        self._port = port = runtime.cuda()
        self._stack.callback(port.close)
        # Before TensorRT: without a driver its Runtime looks alive and then kills the process.
        device = port.device()
        here = runtime.here(runtime.flavour)
        for plan in self._plans:
            check_device(plan, here, device)
        api = runtime.api(runtime.flavour)
        logger = open_logger(api.module)
        with translated_errors("create a runtime"):
            trt_runtime = api.module.Runtime(logger)
        self._input = self._input_buffer(port, mapped=device.integrated)
        self._stack.callback(self._input.release)
        self._sent, self._began, self._ended = (self._event(port) for _ in range(3))
        session = Session(api, port, trt_runtime, logger, device.integrated)
        for plan in self._plans:
            self._runners.append(PlanRunner(session, plan, self._input))
            self._stack.callback(self._runners[-1].close)
        self._warm_up()

    def _event(self, port: CudaPort) -> int:
        event = port.create_event()
        self._stack.callback(port.destroy_event, event)
        return event

    def _input_buffer(self, port: CudaPort, mapped: bool) -> Buffer:
        first = self._plans[0].sidecar
        for plan in self._plans[1:]:
            if (plan.sidecar.input, plan.sidecar.profile) != (first.input, first.profile):
                raise PlanInterfaceError(
                    f"{plan.path}: takes another input or batch than {self._plans[0].path}: "
                    "build both plans in one go"
                )
        return allocate(port, (first.profile.largest, *first.input.shape), mapped)

    def _warm_up(self) -> None:
        """First runs load kernels; once they are finite, graphs are recorded and run too."""
        profile = self._plans[0].sidecar.profile
        for count in sorted({profile.smallest, profile.usual, profile.largest}):
            self._run_batch(self._input.rows[:count].copy())
            for runner in self._runners:
                runner.record(count)
            self._run_batch(self._input.rows[:count].copy())

    def _run(self, inputs: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        largest = self._plans[0].sidecar.profile.largest
        parts = [
            self._run_batch(inputs[start : start + largest])
            for start in range(0, len(inputs), largest)
        ]
        return tuple(np.concatenate(outputs) for outputs in zip(*parts, strict=True))

    def _run_batch(self, batch: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        self._input.rows[: len(batch)] = batch
        self._enqueue(len(batch))
        return tuple(output for each in self._runners for output in each.results(len(batch)))

    def _timed(self, batch: NDArray[np.float32]) -> float:
        port, stream = self._port, self._runners[0].stream
        self._input.rows[: len(batch)] = batch
        port.record(self._began, stream)
        self._enqueue(len(batch))
        for runner in self._runners[1:]:
            port.record(self._sent, runner.stream)
            port.wait(stream, self._sent)
        port.record(self._ended, stream)
        port.synchronise(stream)
        return port.elapsed_ms(self._began, self._ended)

    def _enqueue(self, count: int) -> None:
        port, first = self._port, self._runners[0]
        self._input.send(count, first.stream)
        port.record(self._sent, first.stream)
        for runner in self._runners[1:]:
            port.wait(runner.stream, self._sent)
        try:
            for runner in self._runners:
                runner.enqueue(count)
        except Exception:
            # Nothing may still read the input when the next batch is written to it.
            with suppress(CudaError):
                for runner in self._runners:
                    port.synchronise(runner.stream)
            raise


def open_plans(plans: Sequence[Path], runtime: Runtime | None = None) -> TensorRtNetwork:
    """
    Open the plans of one engine pair, after everything that can be asked without a GPU.

    Args:
        plans: Dense and pruned, or one fused plan; the order decides that of the outputs.
        runtime: The library, binding and time limits; None takes plain TensorRT.

    Raises:
        PlanError: A plan is missing, changed, or for another machine; the message has the command
            that rebuilds it.
        CudaError: No driver, no memory, no answer.
        BuildError: TensorRT is not installed.
    """
    chosen = runtime or Runtime()
    here = chosen.here(chosen.flavour)
    return TensorRtNetwork([check_plan(path, here) for path in plans], chosen)
