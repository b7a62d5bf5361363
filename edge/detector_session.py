"""One ONNX Runtime session of a detector, with its threads stated and its errors translated."""

from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as ort_state

from edge.errors import DetectorError

ORT_ERRORS = (
    ort_state.EPFail,
    ort_state.Fail,
    ort_state.InvalidArgument,
    ort_state.InvalidGraph,
    ort_state.InvalidProtobuf,
    ort_state.NoModel,
    ort_state.NoSuchFile,
    ort_state.NotImplemented,
    ort_state.RuntimeException,
)


class DetectorSession:
    """A network of a detector with one input."""

    def __init__(self, file: Path, threads: int) -> None:
        """
        Open a network.

        Raises:
            DetectorError: The file is missing or is no ONNX network.
        """
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # A detector waits most of the time, and image pyramids never repeat a shape.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.enable_mem_pattern = False
        try:
            self._session = ort.InferenceSession(
                str(file), options, providers=["CPUExecutionProvider"]
            )
        except ORT_ERRORS as error:
            raise DetectorError(f"{file}: cannot open this face detector: {error}") from error
        self._file = file
        self._input = self._session.get_inputs()[0].name

    def run(self, inputs: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """
        Return the outputs in the order of the file.

        Raises:
            DetectorError: The network does not take this input.
        """
        try:
            return self._session.run(None, {self._input: inputs})
        except ORT_ERRORS as error:
            raise DetectorError(f"{self._file}: the face detector refused: {error}") from error
