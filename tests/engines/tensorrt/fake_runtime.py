"""The classes of a fake TensorRT that run a plan; see `fake_tensorrt`."""

import json
from typing import Any

import numpy as np
import onnx
import onnxruntime

from engines.graph import graph
from tests.engines.tensorrt.fake_builder import plan_facts

CLASSES = ("EngineInspector", "ICudaEngine", "IExecutionContext", "Runtime")


class SegfaultError(BaseException):
    """What stands for a real TensorRT taking the whole process down."""


class Runtime:
    _world: Any

    def __init__(self, logger: Any) -> None:
        self._logger = logger

    def deserialize_cuda_engine(self, content: bytes) -> Any:
        if self._world.gpu is None:
            raise SegfaultError
        if "deserialise" in self._world.faults:
            self._logger.log(1, "Serialization assertion magicTagRead == kMAGIC_TAG failed.")
            return None
        self._world.gpu.note("deserialise")
        return self._world.ICudaEngine(content)


class ICudaEngine:
    _world: Any

    def __init__(self, content: bytes) -> None:
        facts, body = plan_facts(content)
        self._known: dict[tuple[int, ...], dict[str, tuple[int, ...]]] = {}
        self._shapes: list[tuple[int, ...]] = [tuple(each) for each in facts["shapes"]]
        body_graph = onnx.load_model_from_string(body).graph
        self._values = [*body_graph.input, *body_graph.output]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            body, options, providers=["CPUExecutionProvider"]
        )

    def _shape_of(self, name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Run once on zeros, and remember."""
        if shape not in self._known:
            outputs = [each.name for each in self._session.get_outputs()]
            feed = {self._values[0].name: np.zeros(shape, np.float32)}
            found = self._session.run(outputs, feed)
            self._known[shape] = dict(zip(outputs, (each.shape for each in found), strict=True))
        return self._known[shape][name]

    @property
    def num_io_tensors(self) -> int:
        return len(self._values)

    def get_tensor_name(self, index: int) -> str:
        return self._values[index].name

    def get_tensor_dtype(self, name: str) -> type:
        del name
        return np.float16 if "half_io" in self._world.faults else np.float32

    def get_tensor_mode(self, name: str) -> int:
        modes = self._world.TensorIOMode
        return modes.INPUT if name == self._values[0].name else modes.OUTPUT

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        value = next(each for each in self._values if each.name == name)
        return tuple(axis or -1 for axis in graph.dimensions(value) or ())

    def get_tensor_profile_shape(self, name: str, profile_index: int) -> list[tuple[int, ...]]:
        del name, profile_index
        return self._shapes

    def create_execution_context(self) -> Any:
        if "context" in self._world.faults:
            return None
        self._world.gpu.note("context")
        return self._world.IExecutionContext(self)

    def create_engine_inspector(self) -> Any:
        return self._world.EngineInspector()


class EngineInspector:
    def get_engine_information(self, format: int) -> str:  # noqa: A002 -- TensorRT's name
        del format
        return json.dumps({"Layers": ["fake"]})


class IExecutionContext:
    _world: Any

    def __init__(self, engine: Any) -> None:
        self._engine = engine
        self._addresses: dict[str, int] = {}
        self._shape: tuple[int, ...] = ()

    def set_tensor_address(self, name: str, address: int) -> bool:
        self._addresses[name] = address
        return "address" not in self._world.faults

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        del name
        self._shape = shape
        least, _, most = self._engine._shapes
        fits = all(a <= b <= c for a, b, c in zip(least, shape, most, strict=True))
        return fits and "shape" not in self._world.faults

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        if name == self._engine._values[0].name:
            return self._shape
        return self._engine._shape_of(name, self._shape)

    def execute_async_v3(self, stream: int) -> bool:
        gpu, faults = self._world.gpu, self._world.faults
        if "execute raises" in faults:
            raise TypeError("execute_async_v3(): incompatible function arguments")
        if "execute" in faults or ("record" in faults and gpu.recording is not None):
            return False
        shape, addresses = self._shape, dict(self._addresses)
        gpu.do(f"execute {shape[0]} {stream}", lambda: self._compute(shape, addresses))
        return True

    def _compute(self, shape: tuple[int, ...], addresses: dict[str, int]) -> None:
        gpu, session = self._world.gpu, self._engine._session
        source = session.get_inputs()[0].name
        size = int(np.prod(shape)) * 4
        inputs = gpu.at(addresses[source], size).view(np.float32).reshape(shape)
        names = [each.name for each in session.get_outputs()]
        for name, result in zip(names, session.run(names, {source: inputs}), strict=True):
            values = np.full_like(result, np.nan) if "nan" in self._world.faults else result
            raw = np.ascontiguousarray(values).reshape(-1).view(np.uint8)
            gpu.at(addresses[name], raw.size)[:] = raw
