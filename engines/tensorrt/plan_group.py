"""Plans over one input buffer, each on a stream of its own, in the thread that owns CUDA."""

from collections.abc import Sequence
from contextlib import ExitStack, suppress

import numpy as np
from numpy.typing import NDArray

from engines.errors import BackendError
from engines.tensorrt.buffers import Buffer, allocate
from engines.tensorrt.errors import CudaError, PlanInterfaceError
from engines.tensorrt.load_gate import CheckedPlan
from engines.tensorrt.plan_runner import PlanRunner, Session
from engines.tensorrt.profile import ShapeProfile

Arrays = tuple[NDArray[np.float32], ...]


class PlanGroup:
    """One plan, or several that read the same input."""

    def __init__(self, session: Session, plans: Sequence[CheckedPlan], stack: ExitStack) -> None:
        """
        Load the plans and warm them up.

        Args:
            session: TensorRT and CUDA.
            plans: Of the same input.
            stack: Takes what is to be released.

        Raises:
            PlanError: TensorRT refused one, or it is not what its manifest says.
            CudaError: No memory.
            EmbeddingError: An output holds NaN or infinite values.
        """
        self._port = session.port
        self.shapes = plans[0].sidecar.input_shapes
        """Inputs that all plans take."""
        self._input = _input_buffer(session, plans)
        stack.callback(self._input.release)
        self._sent, self._began, self._ended = (self._event(stack) for _ in range(3))
        self._runners: list[PlanRunner] = []
        for plan in plans:
            self._runners.append(PlanRunner(session, plan, self._input))
            stack.callback(self._runners[-1].close)
        self._warm_up()

    def run(self, inputs: NDArray[np.float32]) -> Arrays:
        """Return the outputs of all plans; more inputs than the largest batch run in parts."""
        largest = self.shapes.largest[0]
        parts = [
            self._run_batch(inputs[start : start + largest])
            for start in range(0, len(inputs), largest)
        ]
        return tuple(np.concatenate(outputs) for outputs in zip(*parts, strict=True))

    def timed(self, batch: NDArray[np.float32]) -> float:
        """Return milliseconds from input to the outputs of all plans, by the device's events."""
        port, stream = self._port, self._runners[0].stream
        self._input.view(batch.shape)[:] = batch
        port.record(self._began, stream)
        self._enqueue(batch.shape)
        for runner in self._runners[1:]:
            port.record(self._sent, runner.stream)
            port.wait(stream, self._sent)
        port.record(self._ended, stream)
        port.synchronise(stream)
        return port.elapsed_ms(self._began, self._ended)

    def layer_information(self) -> tuple[str, ...]:
        """Return TensorRT's JSON about the layers of each plan."""
        return tuple(runner.layer_information() for runner in self._runners)

    def _event(self, stack: ExitStack) -> int:
        event = self._port.create_event()
        stack.callback(self._port.destroy_event, event)
        return event

    def _warm_up(self) -> None:
        """First runs load kernels; once they are finite, graphs are recorded and run too."""
        for shape in sorted(set(self.shapes.all)):
            self._run_batch(self._input.view(shape).copy())
            recorded = [runner.record(shape) for runner in self._runners]
            if any(recorded):
                self._run_batch(self._input.view(shape).copy())

    def _run_batch(self, batch: NDArray[np.float32]) -> Arrays:
        self._input.view(batch.shape)[:] = batch
        self._enqueue(batch.shape)
        return tuple(output for each in self._runners for output in each.results())

    def _enqueue(self, shape: tuple[int, ...]) -> None:
        port, first = self._port, self._runners[0]
        self._input.send(shape, first.stream)
        port.record(self._sent, first.stream)
        for runner in self._runners[1:]:
            port.wait(runner.stream, self._sent)
        try:
            for runner in self._runners:
                runner.enqueue(shape)
        except Exception:
            # Nothing may still read the input when the next batch is written to it.
            with suppress(CudaError):
                for runner in self._runners:
                    port.synchronise(runner.stream)
            raise


def require_input(shapes: ShapeProfile, inputs: NDArray[np.float32]) -> None:
    """
    Refuse what the plans do not take; more inputs than the largest batch are taken in parts.

    Raises:
        BackendError: Another type, number of axes or size.
    """
    row = (min(max(len(inputs), 1), shapes.largest[0]), *inputs.shape[1:]) if inputs.shape else ()
    if shapes.holds(row) and inputs.dtype == np.float32:
        return
    wanted = ("N", *shapes.row) if shapes.is_batches else shapes
    raise BackendError(f"the plan takes float32 {wanted}, got {inputs.dtype} {inputs.shape}")


def _input_buffer(session: Session, plans: Sequence[CheckedPlan]) -> Buffer:
    first = plans[0].sidecar
    for plan in plans[1:]:
        if (plan.sidecar.input, plan.sidecar.input_shapes) != (first.input, first.input_shapes):
            raise PlanInterfaceError(
                f"{plan.path}: takes another input or batch than {plans[0].path}: "
                "build both plans in one go"
            )
    return allocate(session.port, first.input_shapes.largest, session.mapped)
