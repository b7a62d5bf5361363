"""One ONNX network of a face detector; what goes wrong becomes a DetectorError."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.errors import DetectorError
from engines.errors import BackendError
from engines.onnxruntime_backend import open_network


class DetectorSession:
    """A network with one input, run by ONNX Runtime."""

    def __init__(self, file: Path, threads: int) -> None:
        """
        Open the network.

        Raises:
            DetectorError: The file is missing or is no ONNX network.
        """
        self._file = file
        try:
            self._network = open_network(file, threads)
        except BackendError as error:
            raise DetectorError(f"{file}: {error}: fetch this detector again") from error

    def run(self, inputs: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        """
        Return the outputs in the order of the file.

        Raises:
            DetectorError: The network does not take this input, or gave NaN or infinity.
        """
        try:
            outputs = self._network.run(inputs)
        except BackendError as error:
            raise DetectorError(f"{self._file}: {error}: is it the right detector?") from error
        # Compared with a threshold, NaN would quietly become "no face".
        if not all(np.isfinite(output).all() for output in outputs):
            raise DetectorError(f"{self._file}: gave NaN or infinity: fetch this detector again")
        return outputs
