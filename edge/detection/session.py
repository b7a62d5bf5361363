"""
One ONNX network of a face detector; what goes wrong becomes a DetectorError.

Its operators are given the form that runs fastest, in memory: the file stays as published. Many
inputs run in batches, whose activations stay in the processor's cache.
"""

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from edge.errors import DetectorError
from engines.errors import BackendError, NetworkError, ProviderError
from engines.onnxruntime.backend import CPU, Use, open_network
from engines.protocols import EmbeddingNetwork
from engines.tensorrt.profile import ShapeProfile

log = logging.getLogger(__name__)

Shape: TypeAlias = tuple[int, ...]

DETECTION_FLOOR = 0.5
"""Faces below this detector score are never reported, so no gate can ask for less."""

BATCH = 16
"""Inputs of one run. MTCNN's R-Net takes 0.8 of the time for 100 boxes that it takes for all at
once, 0.7 of that for one by one, and its memory does not grow with the crowd."""

FRAMES = Use(shares_arena=True, plans_memory=False)
"""Inputs are of many sizes, each of which would have a plan of its own: 27 MB for 1920x1080."""


@dataclass(frozen=True, slots=True)
class DetectorNetwork:
    """One network of a detector, as its code expects it."""

    name: str
    """Of its plan."""
    takes: Shape
    """Shape of an input it is tried with."""
    gives: tuple[Shape, ...]
    """Shapes of the outputs that this input must give."""
    shapes: ShapeProfile
    """Inputs that occur, for libraries that build for them."""


@dataclass(frozen=True, slots=True)
class Running:
    """What runs the networks of a detector."""

    threads: int = 1
    """Of ONNX Runtime."""
    providers: tuple[str, ...] = CPU
    """Of ONNX Runtime, in order of preference; the first one must be in use."""
    planned: Mapping[str, EmbeddingNetwork] = field(default_factory=dict)
    """Plans, which run networks on a device as far as their shapes go, by the networks' names."""
    instead: Mapping[str, EmbeddingNetwork] = field(default_factory=dict)
    """What runs networks on the processor instead of ONNX Runtime, at any shape; by their names."""

    @property
    def is_plain(self) -> bool:
        """Whether nothing but the CPU is asked for."""
        return self.providers[0] == CPU[0] and not self.planned and not self.instead


PLAIN = Running()


class DetectorSession:
    """A network with one input, run by ONNX Runtime, or by its plan where the plan takes it."""

    def __init__(self, file: Path, network: DetectorNetwork, running: Running) -> None:
        """
        Open the network and try it on an empty input.

        Args:
            file: An ONNX network.
            network: What it must be.
            running: What runs it.

        Raises:
            DetectorError: The file is missing, is no ONNX network, or is another network.
            ProviderError: ONNX Runtime has no such provider, or it did not load.
        """
        self._file, self._shapes, self._running = file, network.shapes, running
        self._plan = running.planned.get(network.name)
        self._opened = running.instead.get(network.name)
        self._is_plain = self._plan is None and self._opened is None
        if self._is_plain:
            self._opened = self._in_onnx_runtime()
        given = tuple(each.shape for each in self.run(np.zeros(network.takes, np.float32)))
        if given != network.gives:
            raise DetectorError(
                f"{file}: gives {given}, not {network.gives}: is it the right detector?"
            )

    def run(self, inputs: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        """
        Return the outputs in the order of the file.

        Args:
            inputs: (N, ...), N of at least 1.

        Raises:
            DetectorError: The network does not take this input, or gave NaN or infinity.
        """
        try:
            outputs = self._in_batches(inputs)
        except BackendError as error:
            advice = "" if self._plan else ": is it the right detector?"
            raise DetectorError(f"{self._file}: {error}{advice}") from error
        # Compared with a threshold, NaN would quietly become "no face".
        if not _are_finite(outputs):
            raise DetectorError(f"{self._file}: gave NaN or infinity: fetch this detector again")
        return outputs

    @property
    def engine(self) -> str:
        """Return library, version and precision."""
        network = self._plan or self._opened
        return "" if network is None else network.engine

    @property
    def together(self) -> int:
        """
        Inputs worth giving at once.

        A device runs many in little more time than one; OpenVINO takes 0.9 of the time for each of
        UltraFace's tiles, ONNX Runtime none less.
        """
        return 1 if self._is_plain else BATCH

    @property
    def prefers_pieces(self) -> bool:
        """Whether a large image is run in pieces, which stay in a processor's caches; no GPU's."""
        return self._plan is None and self._running.providers[0] == CPU[0]

    def _in_batches(self, inputs: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        network = self._network_for((min(len(inputs), BATCH), *inputs.shape[1:]))
        if len(inputs) <= BATCH:
            return network.run(inputs)
        starts = range(0, len(inputs), BATCH)
        parts = [network.run(inputs[start : start + BATCH]) for start in starts]
        return tuple(np.concatenate(each) for each in zip(*parts, strict=True))

    def _network_for(self, shape: Shape) -> EmbeddingNetwork:
        if self._plan is not None and self._shapes.holds(shape):
            return self._plan
        if self._opened is None:
            log.warning(
                "%s: an input of %s is beyond its plan's %s: such ones run on the CPU",
                *(self._file, shape, self._shapes.largest),
            )
            self._opened = self._in_onnx_runtime()
        return self._opened

    def _in_onnx_runtime(self) -> EmbeddingNetwork:
        running = self._running
        try:
            return open_network(
                _quick(self._file), running.threads, running.providers, self._shapes, FRAMES
            )
        except ProviderError:
            raise
        except (BackendError, NetworkError) as error:
            raise DetectorError(f"{self._file}: {error}: fetch this detector again") from error


def _are_finite(outputs: tuple[NDArray[np.float32], ...]) -> bool:
    # What is not finite makes the sum so: one pass over the values, where looking for it takes two.
    with np.errstate(all="ignore"):
        return all(math.isfinite(np.add.reduce(output, axis=None)) for output in outputs)


def engines_of(*sessions: DetectorSession) -> str:
    """Return what runs the networks of a detector, each different one once."""
    return "; ".join(dict.fromkeys(session.engine for session in sessions))


def batches_of(row: Shape, usual: int) -> ShapeProfile:
    """Return the shapes of 1 to BATCH inputs of one size."""
    return ShapeProfile(smallest=(1, *row), usual=(usual, *row), largest=(BATCH, *row))


def _quick(file: Path) -> Path | bytes:
    """Return the network in its quick form; what is no file as it is, for the words about it."""
    if not file.is_file():
        return file
    # Here, so that plans do not carry the library that rewrites networks.
    from engines.graph.onnx_file import read_onnx  # noqa: PLC0415
    from engines.graph.quick.form import quick_form  # noqa: PLC0415

    return quick_form(read_onnx(file)[0]).SerializeToString()
