"""One ONNX network of a face detector; what goes wrong becomes a DetectorError."""

from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from edge.errors import DetectorError
from engines.errors import BackendError
from engines.onnxruntime.backend import open_network

Shape: TypeAlias = tuple[int, ...]

DETECTION_FLOOR = 0.5
"""Faces below this detector score are never reported, so no gate can ask for less."""


class DetectorSession:
    """A network with one input, run by ONNX Runtime."""

    def __init__(self, file: Path, threads: int, takes: Shape, gives: tuple[Shape, ...]) -> None:
        """
        Open the network and try it on an empty input.

        Args:
            file: An ONNX network.
            threads: Of ONNX Runtime.
            takes: Shape of an input.
            gives: Shapes of the outputs that this input must give.

        Raises:
            DetectorError: The file is missing, is no ONNX network, or is another network.
        """
        self._file = file
        try:
            self._network = open_network(file, threads)
        except BackendError as error:
            raise DetectorError(f"{file}: {error}: fetch this detector again") from error
        given = tuple(each.shape for each in self.run(np.zeros(takes, np.float32)))
        if given != gives:
            raise DetectorError(f"{file}: gives {given}, not {gives}: is it the right detector?")

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
