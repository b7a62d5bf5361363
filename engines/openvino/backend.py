"""
Run embedding networks and detectors with OpenVINO, on the processor.

Left alone, OpenVINO computes in bfloat16 or half precision where the processor can, takes all
cores, and keeps threads on cores of its own; here it is told precision and threads.
"""

from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engines.closing import Closing
from engines.errors import BackendError
from engines.onnxruntime.heap import trim_heap
from engines.openvino.api import DEVICE, Precision, load_openvino, translated_errors

ANY = -1
"""Inputs of one run, as many as come."""
FACES = (4, 1)
"""
Inputs of one run of an embedding network, largest first. Compiled for any number, one face of
mobilefacenet512 takes 1.5 times as long; four together take 0.8 of the time each.
"""


class OpenVinoNetwork(Closing):
    """One network, compiled for one or several sizes of batch; calls may come from any thread."""

    def __init__(self, compiled: dict[int, Any], engine: str) -> None:
        """
        Take compiled models.

        Args:
            compiled: By batch size, largest first and with one of 1; or one of size ANY.
            engine: What runs them, for people: library, version and precision.
        """
        self.engine = engine
        self._requests = {size: model.create_infer_request() for size, model in compiled.items()}
        outputs = next(iter(compiled.values())).outputs
        self.output_names: tuple[str, ...] = tuple(each.get_any_name() for each in outputs)
        self._turn = Lock()

    def run(self, inputs: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        """
        Return the raw outputs, one array of N rows of float32 each, in the order of the file.

        Args:
            inputs: (N, ...) float32, prepared, N at least 1.

        Raises:
            BackendError: The library refused the input, or the network is closed.
        """
        with self._turn:
            if not self._requests:
                raise BackendError("the network is closed; open the engine pair again")
            parts = [self._infer(size, rows) for size, rows in self._parts(inputs)]
        if len(parts) == 1:
            return parts[0]
        return tuple(np.concatenate(each) for each in zip(*parts, strict=True))

    def _parts(self, inputs: NDArray[np.float32]) -> list[tuple[int, NDArray[np.float32]]]:
        """Return the inputs in the largest parts that are compiled."""
        if ANY in self._requests:
            return [(ANY, inputs)]
        parts, start = [], 0
        for size in self._requests:
            while len(inputs) - start >= size:
                parts.append((size, inputs[start : start + size]))
                start += size
        return parts

    def _infer(self, size: int, rows: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        request = self._requests[size]
        with translated_errors("run the network"):
            request.infer([np.ascontiguousarray(rows)], share_inputs=True)
            # Copied: the next run writes into the same memory.
            return tuple(np.array(output.data) for output in request.output_tensors)

    def close(self) -> None:
        """Release the network and its memory; safe to call twice."""
        with self._turn:
            if self._requests:
                self._requests = {}
                trim_heap()


def open_network(
    source: Path | bytes,
    threads: int = 1,
    precision: Precision = "f32",
    batches: Sequence[int] = (ANY,),
) -> OpenVinoNetwork:
    """
    Open one ONNX network.

    Args:
        source: An ONNX file, or its content.
        threads: At least 1, the caller's among them.
        precision: Of the arithmetic inside; inputs and outputs are float32.
        batches: `FACES` or (ANY,). A network of a fixed batch of one runs one by one, as it is.

    Raises:
        NoOpenVinoError: It is not installed.
        BackendError: The file does not load, or the processor has no bfloat16.
        ValueError: Fewer threads than one: OpenVINO would take all cores.
    """
    if threads < 1:
        raise ValueError(f"threads: got {threads}, at least 1 is needed")
    found = load_openvino()
    if precision == "bf16" and not found.has_bf16:
        raise BackendError("this processor does not compute bfloat16: take precision f32")
    options = _options(threads, precision)
    with translated_errors("open the network"):
        model = found.core.read_model(*((source, b"") if isinstance(source, bytes) else (source,)))
        shape = model.inputs[0].get_partial_shape()
        sizes = tuple(batches) if shape[0].is_dynamic else (1,)
        compiled = {}
        for size in sizes:
            if size != ANY and shape[0].is_dynamic:
                model.reshape([size, *list(shape)[1:]])
            compiled[size] = found.core.compile_model(model, DEVICE, options)
    return OpenVinoNetwork(compiled, f"OpenVINO {found.version}, {precision}")


def _options(threads: int, precision: Precision) -> dict[str, str | int | bool]:
    return {
        "INFERENCE_PRECISION_HINT": precision,
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
        "PERFORMANCE_HINT": "LATENCY",
        # Cores belong to the camera's decoder too, and to a second gate.
        "ENABLE_CPU_PINNING": False,
    }
