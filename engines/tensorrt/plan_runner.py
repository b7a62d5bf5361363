"""One loaded plan: its engine, stream and outputs, all in the thread that owns CUDA."""

import logging
import math
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engines.errors import BackendError, EmbeddingError
from engines.tensorrt.api import Api
from engines.tensorrt.buffers import Buffer, allocate
from engines.tensorrt.cuda.port import CudaPort
from engines.tensorrt.errors import PlanError
from engines.tensorrt.interface import require_interface
from engines.tensorrt.lane import Lane, LanePlan
from engines.tensorrt.load_gate import CheckedPlan
from engines.tensorrt.logger import last_words
from engines.tensorrt.profile import ShapeProfile
from engines.tensorrt.sidecar import TensorDescription

log = logging.getLogger(__name__)

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Session:
    """TensorRT and CUDA as all plans of a pair use them."""

    api: Api
    port: CudaPort
    runtime: Any
    """TensorRT's Runtime."""
    logger: Any
    mapped: bool
    """Whether CPU and GPU share one memory."""


class PlanRunner:
    """Runs one plan on its own stream over an input buffer that others may share."""

    def __init__(self, session: Session, plan: CheckedPlan, source: Buffer) -> None:
        """
        Deserialise the plan, check its interface, allocate its outputs.

        Raises:
            PlanError: TensorRT refused it, or it is not what its manifest says.
            CudaError: No memory.
        """
        self._session, self._plan = session, plan
        self._stack = ExitStack()
        self._lanes: dict[Shape, Lane] = {}
        """Input shape -> the lane with its graph; the others share `_plain`."""
        self._found: tuple[Shape, ...] = ()
        """Shapes of the outputs of the last run."""
        try:
            self._load(source)
        except BaseException:
            self.close()
            raise

    def _load(self, source: Buffer) -> None:
        port, sidecar = self._session.port, self._plan.sidecar
        self.stream = port.create_stream()
        self._stack.callback(port.destroy_stream, self.stream)
        outputs = []
        for output in sidecar.outputs:
            shape = sidecar.largest_output(output)
            outputs.append(allocate(port, shape, self._session.mapped))
            self._stack.callback(outputs[-1].release)
        self._outputs = tuple(outputs)
        self._engine = self._deserialised()
        self._stack.callback(self._drop_engine)
        require_interface(self._session.api, self._engine, self._plan)
        addresses = [(sidecar.input.name, source.address)]
        for description, buffer in zip(sidecar.outputs, outputs, strict=True):
            addresses.append((description.name, buffer.address))
        self._lane_plan = LanePlan(port, self.stream, sidecar.input.name, addresses, self._refused)
        self._plain = self._new_lane()
        self._stack.callback(self._close_lanes)

    def record(self, shape: Shape) -> bool:
        """
        Give this input shape a context and a CUDA graph of its own; return whether it has them.

        Both only save time, launches at small batches above all; where there is no memory for
        them or the plan cannot be recorded, the shared lane goes on serving this shape. The last
        batch size of all takes the shared lane itself, which then has no other to serve: contexts
        cost memory. For images of several sizes none is made: they would be as many as sizes.
        """
        if self._session.port.capture is None or not self._shapes.is_batches:
            return False
        lane = None
        try:
            lane = self._plain if self._is_last(shape) else self._new_lane()
            lane.record(shape)
        except BackendError as error:
            log.info("no CUDA graph for batches of %d: %s", shape[0], error)
            if lane is not None and lane is not self._plain:
                lane.close()
            return False
        self._lanes[shape] = lane
        return True

    @property
    def _shapes(self) -> ShapeProfile:
        return self._plan.sidecar.input_shapes

    def _is_last(self, shape: Shape) -> bool:
        least, _, most = (each[0] for each in self._shapes.all)
        sizes = {(count, *shape[1:]) for count in range(least, most + 1)}
        return sizes <= {*self._lanes, shape}

    def enqueue(self, shape: Shape) -> None:
        """Give the stream one run over an input of this shape, and the outputs' return."""
        lane = self._lanes.get(shape, self._plain)
        lane.enqueue(shape)
        self._found = tuple(
            self._output_shape(lane, output, shape[0]) for output in self._plan.sidecar.outputs
        )
        for output, found in zip(self._outputs, self._found, strict=True):
            output.fetch(found, self.stream)

    def _output_shape(self, lane: Lane, output: TensorDescription, count: int) -> Shape:
        if output.largest is None:
            return (count, *output.shape)
        found = lane.output_shape(output.name)
        if math.prod(found) > math.prod(output.largest):
            raise self._refused(f"to keep {output.name} to {output.largest}: it gave {found}")
        return found

    def results(self) -> tuple[NDArray[np.float32], ...]:
        """
        Wait for the last run and return copies of its outputs, float32 each.

        Raises:
            EmbeddingError: A value is NaN or infinite.
            CudaError: The run failed, or the device was lost.
        """
        self._session.port.synchronise(self.stream)
        views = zip(self._outputs, self._found, strict=True)
        results = tuple(output.view(shape).copy() for output, shape in views)
        for description, result in zip(self._plan.sidecar.outputs, results, strict=True):
            if not np.isfinite(result).all():
                raise EmbeddingError(
                    f"{self._plan.path}: output {description.name!r} holds NaN or infinite values: "
                    "run 'edge-gate pair verify --device' on the engine pair"
                )
        return results

    def layer_information(self) -> str:
        """Return TensorRT's own JSON about the layers it made and the kernels it chose."""
        inspector = self._engine.create_engine_inspector()
        form = self._session.api.module.LayerInformationFormat.JSON
        return str(inspector.get_engine_information(form))

    def close(self) -> None:
        """Release graphs, contexts, engine, outputs and stream in this order; safe twice."""
        self._stack.close()

    def _deserialised(self) -> Any:
        # The bytes are garbage as soon as the engine exists: nothing keeps them.
        engine = self._session.runtime.deserialize_cuda_engine(self._plan.path.read_bytes())
        if engine is None:
            raise PlanError(
                f"{self._plan.path}: TensorRT {self._session.api.version} does not load it: "
                f"{last_words(self._session.logger)}: {self._plan.remedy}"
            )
        return engine

    def _new_lane(self) -> Lane:
        context = self._engine.create_execution_context()
        if context is None:
            raise self._refused("an execution context; free memory on the device")
        return Lane(context, self._lane_plan)

    def _refused(self, what: str) -> BackendError:
        words = last_words(self._session.logger)
        return BackendError(f"{self._plan.path}: TensorRT refused {what}: {words}")

    def _close_lanes(self) -> None:
        for lane in (*self._lanes.values(), self._plain):
            lane.close()
        self._lanes.clear()

    def _drop_engine(self) -> None:
        self._engine = None
