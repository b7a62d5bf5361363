"""A face detector as its owner lets it be built: networks here, faces there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from engines.pair.detector_plans import FaceFigures, FaceLimits
from engines.protocols import EmbeddingNetwork
from engines.tensorrt.profile import ShapeProfile


@dataclass(frozen=True, slots=True)
class SetNetwork:
    """One network of a set, as its owner describes it."""

    name: str
    """Of its plan: letters and digits."""
    file: Path
    """ONNX, as published."""
    shapes: ShapeProfile
    """Inputs that occur, in batches of one or more images of one or several sizes."""


class PlannedDetector(Protocol):
    """A face detector as its owner lets it be built."""

    @property
    def name(self) -> str:
        """As in the configuration."""

    @property
    def networks(self) -> Sequence[SetNetwork]:
        """Those to build."""

    @property
    def limits(self) -> FaceLimits:
        """How far half precision may move faces."""

    def figures(self, running: Mapping[str, EmbeddingNetwork]) -> FaceFigures:
        """
        Return how far faces of real photographs are from those that FP32 finds on the CPU.

        Args:
            running: What runs each of `networks` instead, by name.
        """

    def golden(self) -> bytes:
        """Return photographs and the faces that FP32 finds on them, for the file beside plans."""

    def golden_figures(self, golden: bytes, running: Mapping[str, EmbeddingNetwork]) -> FaceFigures:
        """Return how far faces of `golden` are from those that are found with `running`."""
