"""
CUDA and TensorRT in the one thread that owns both, from the first probe to the last free.

Contexts belong to threads, and the gate's own threads come and go.
"""

import math
from collections.abc import Callable, Sequence
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from engines.errors import BackendError, EnginesError
from engines.tensorrt.api import Api, Flavour, load_api, translated_errors
from engines.tensorrt.cuda.choose import open_cuda
from engines.tensorrt.cuda.port import CudaPort
from engines.tensorrt.errors import CudaError
from engines.tensorrt.fingerprint import Fingerprint
from engines.tensorrt.host import this_machine
from engines.tensorrt.load_gate import CheckedPlan, check_device
from engines.tensorrt.logger import open_logger
from engines.tensorrt.owner_thread import OwnerThread
from engines.tensorrt.plan_group import Arrays, PlanGroup, require_input
from engines.tensorrt.plan_runner import Session

T = TypeVar("T")

Load = Callable[[Session, ExitStack], None]
"""Opens plans in the owner's thread; what is to be released at the end goes onto the stack."""


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


class Device:
    """The device as one user of plans has it; calls may come from any thread."""

    def __init__(self, plans: Sequence[CheckedPlan], runtime: Runtime, load: Load) -> None:
        """
        Probe CUDA, compare the plans with its device, create a runtime and open the plans.

        Raises:
            BackendError: No driver, another device, or TensorRT refused; nothing stays allocated.
        """
        self._plans, self._runtime, self._load = tuple(plans), runtime, load
        self._owner = OwnerThread()
        self._stack = ExitStack()
        self._failed: BaseException | None = None
        self._stuck = False
        """The owner still waits for a call that CUDA never answered."""
        self.closed = False
        try:
            self.do(self._open, runtime.load_seconds)
        except BaseException:
            self._owner.end()
            raise

    def do(self, work: Callable[[], T], seconds: float) -> T:
        """
        Return what the work returns, done in the owner's thread.

        Args:
            work: Raises errors of this package, or whatever the bindings raise.
            seconds: Longer is a lost device.

        Raises:
            BackendError: TensorRT or CUDA refused, did not answer, or failed before.
        """
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

    def run(self, group: PlanGroup, inputs: NDArray[np.float32]) -> Arrays:
        """
        Return the outputs of plans that were loaded here; each part has its own time.

        Raises:
            BackendError: The plans take other inputs; and see `do`.
            EmbeddingError: An output holds NaN or infinite values.
        """
        require_input(group.shapes, inputs)
        parts = max(1, math.ceil(len(inputs) / group.shapes.largest[0]))
        return self.do(lambda: group.run(inputs), parts * self._runtime.answer_seconds)

    def timed(
        self, group: PlanGroup, inputs: NDArray[np.float32], repeats: int
    ) -> NDArray[np.float64]:
        """Return the milliseconds of so many runs over one batch, by the device's events."""
        return self.do(
            lambda: np.array([group.timed(inputs) for _ in range(repeats)]),
            self._runtime.load_seconds,
        )

    def close(self) -> None:
        """Release plans, buffers and device in reverse order; safe to call twice."""
        if self.closed:
            return
        self.closed = True
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

    def _open(self) -> None:
        try:
            self._load(self._session(), self._stack)
        except BaseException:
            # What was allocated goes back, so that a fallback on the CPU has the memory.
            with suppress(CudaError):
                self._stack.close()
            raise

    def _session(self) -> Session:
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
        return Session(api, port, trt_runtime, logger, device.integrated)
