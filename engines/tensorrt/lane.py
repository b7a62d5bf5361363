"""One execution context on one stream, with or without a recorded CUDA graph."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from engines.errors import BackendError
from engines.tensorrt.cuda.port import CudaPort


@dataclass(frozen=True, slots=True, eq=False)
class LanePlan:
    """What the lanes of one plan share."""

    port: CudaPort
    stream: int
    input_name: str
    addresses: Sequence[tuple[str, int]]
    """Every input and output and where it lies on the device."""
    refused: Callable[[str], BackendError]
    """Makes the error for what TensorRT refused."""


class Lane:
    """
    Runs batches through one execution context.

    A graph is bound to the shapes, addresses and scratch memory its context had when it was
    recorded, so a lane that has one keeps its shape for good.
    """

    def __init__(self, context: Any, plan: LanePlan) -> None:
        self._context: Any = context
        self._plan = plan
        self._graph: int | None = None
        for name, address in plan.addresses:
            if not context.set_tensor_address(name, address):
                raise plan.refused(f"the address of {name}")

    def enqueue(self, shape: tuple[int, ...]) -> None:
        """Give the stream one run over an input of this shape."""
        if self._graph is not None:
            self._plan.port.launch(self._graph, self._plan.stream)
            return
        plan = self._plan
        if not self._context.set_input_shape(plan.input_name, shape):
            raise plan.refused(f"an input of {shape}")
        self._execute()

    def output_shape(self, name: str) -> tuple[int, ...]:
        """Return the whole shape that an output has for the input of the last run."""
        return tuple(self._context.get_tensor_shape(name))

    def record(self, shape: tuple[int, ...]) -> None:
        """
        Run once, then record the graph of this shape.

        Raises:
            BackendError: Recording failed; the lane still runs without.
        """
        self.enqueue(shape)
        self._plan.port.synchronise(self._plan.stream)
        if self._plan.port.capture is not None:
            self._graph = self._plan.port.capture(self._execute, self._plan.stream)

    def close(self) -> None:
        """Drop the graph, then the context."""
        if self._graph is not None:
            self._plan.port.destroy_graph(self._graph)
            self._graph = None
        self._context = None

    def _execute(self) -> None:
        if not self._context.execute_async_v3(self._plan.stream):
            raise self._plan.refused("to run")
