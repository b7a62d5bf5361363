"""The seams between this package and an inference library."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class EmbeddingNetwork(Protocol):
    """Runs one or two embedding networks over prepared inputs."""

    @property
    def engine(self) -> str:
        """What runs it, for people: library, version and precision, as `OpenVINO 2026.4.1, f32`."""

    def run(self, inputs: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        """
        Return the raw outputs, one array of (N, D) float32 for each output of the graph.

        Args:
            inputs: (N, 3, height, width) or (N, height, width, 3) float32, prepared.

        Raises:
            BackendError: The library refused; the message names it.
        """

    def close(self) -> None:
        """Release the session; safe to call twice."""


class NetworkSet(Protocol):
    """Several networks that are opened and closed as one."""

    @property
    def networks(self) -> Mapping[str, EmbeddingNetwork]:
        """By name; closing one of them closes the set."""

    def close(self) -> None:
        """Release them all; safe to call twice."""
