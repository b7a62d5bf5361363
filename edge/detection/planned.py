"""A face detector as plans are built of it: its networks, and whether its faces stay in place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
from rich.progress import Progress

from edge.config.model import DetectorSettings
from edge.detection.golden import Photograph, figures_of, photograph, read, written
from edge.detection.open import NETWORKS, detector_files, detector_of
from edge.detection.session import DETECTION_FLOOR, Running
from edge.samples import Pixels
from engines.build.golden_faces import photographs_of, read_photograph
from engines.pair.detector_plans import GOLDEN_LIMITS, FaceFigures, FaceLimits
from engines.plans.planned_detector import SetNetwork
from engines.protocols import EmbeddingNetwork

GOLDEN_SIDE = 640
"""Pixels: the longer side of a golden photograph; every start of the gate looks at them."""

GOLDEN_PHOTOGRAPHS = ("obama.jpg", "sample1.jpg")
"""A portrait and a group."""


@dataclass(frozen=True)
class DetectorToPlan:
    """What `engines.plans.detector_plans` asks about."""

    settings: DetectorSettings
    files: tuple[Path, ...]
    """ONNX, in the detector's order."""
    pictures: Sequence[Pixels]
    """Photographs of faces, from one to many on each; FP16 is measured on all of them."""
    golden_pictures: Sequence[Pixels]
    """Those that go with the plans."""
    limits: FaceLimits = FaceLimits()  # noqa: RUF009 -- frozen

    @property
    def name(self) -> str:
        """As in the configuration."""
        return self.settings.name

    @property
    def networks(self) -> tuple[SetNetwork, ...]:
        """Those to build."""
        networks = zip(NETWORKS[self.settings.name], self.files, strict=True)
        return tuple(SetNetwork(each.name, file, each.shapes) for each, file in networks)

    def figures(self, running: Mapping[str, EmbeddingNetwork]) -> FaceFigures:
        """Return how far faces are from those that FP32 finds on the CPU."""
        other = detector_of(self.settings, self.files, Running(planned=running))
        return figures_of(self._known, other, self.limits, DETECTION_FLOOR)

    def golden(self) -> bytes:
        """Return the golden photographs with the faces that FP32 finds on them."""
        detector = detector_of(self.settings, self.files, Running())
        return written([photograph(_small(each), detector) for each in self.golden_pictures])

    def golden_figures(self, golden: bytes, running: Mapping[str, EmbeddingNetwork]) -> FaceFigures:
        """Return how far the golden faces are from those that are found with `running`."""
        detector = detector_of(self.settings, self.files, Running(planned=running))
        return figures_of(read(golden, "golden"), detector, GOLDEN_LIMITS, DETECTION_FLOOR)

    @cached_property
    def _known(self) -> tuple[Photograph, ...]:
        detector = detector_of(self.settings, self.files, Running())
        return tuple(photograph(each, detector) for each in self.pictures)


def detector_to_plan(
    settings: DetectorSettings, progress: Progress | None = None
) -> DetectorToPlan:
    """
    Return a detector with its files and the photographs of the catalogue.

    Args:
        settings: Name, and perhaps a file of the user's own; the rest should be as usual.
        progress: A running display of the caller's for what must be obtained first.

    Raises:
        CatalogueError: Files or photographs cannot be obtained.
    """
    files = detector_files(settings, progress)
    paths = photographs_of(["demo-photographs"], progress)
    pictures = [read_photograph(path) for path in sorted(set(paths.values()))]
    golden = [read_photograph(paths["demo-photographs", name]) for name in GOLDEN_PHOTOGRAPHS]
    return DetectorToPlan(settings, files, pictures, golden)


def _small(pixels: Pixels) -> Pixels:
    scale = GOLDEN_SIDE / max(pixels.shape[:2])
    if scale >= 1:
        return pixels
    return cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
