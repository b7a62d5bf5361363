"""The TensorRT plans of a detector, in the folder of the engine pair they were built with."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.config.engine import execution_of
from edge.config.model import Config
from edge.detection.golden import figures_of, read
from edge.detection.session import DETECTION_FLOOR, DetectorNetwork
from edge.protocols import FaceDetector, LocalFaceDetector, engine_of
from edge.samples import Box, DetectedFace, Pixels
from engines.catalogue.cache import sha256_of
from engines.closing import Closing
from engines.errors import PairError, PairIntegrityError
from engines.pair.detector_plans import (
    DetectorPlans,
    plan_files,
    read_detector_plans,
    require_sources,
)
from engines.pair.execution import Execution, library_of
from engines.pair.folder import checked_content
from engines.pair.signature import trusted_manifest
from engines.protocols import NetworkSet
from engines.tensorrt.load_gate import PlanFile

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FoundPlans:
    """Plans of the configured detector, as their manifests say."""

    folder: Path
    """The pair's."""
    plans: DetectorPlans
    rebuild: str
    """The command that builds them anew."""

    def require_files(
        self, networks: Sequence[DetectorNetwork], files: Sequence[Path]
    ) -> dict[str, PlanFile]:
        """
        Return the plan of each network, if they are whole and built of the detector's files.

        Raises:
            PairIntegrityError: A plan is missing or was changed.
            PlanMismatchError: Built of other files.
        """
        known = {each.name: sha256_of(file) for each, file in zip(networks, files, strict=True)}
        require_sources(self.folder, self.plans, known, self.rebuild)
        return plan_files(self.folder, self.plans, self.rebuild)

    def require_golden(self, detector: FaceDetector) -> None:
        """
        Compare what the plans find on the golden photographs with what FP32 found.

        Raises:
            PairIntegrityError: Something else, or the photographs were changed.
            DetectorError: The plans refused a photograph.
        """
        record, limits = self.plans.golden, self.plans.limits
        photographs = read(checked_content(self.folder, record), str(self.folder / record.name))
        found = figures_of(photographs, detector, limits, DETECTION_FLOOR)
        missed = found.missed(limits)
        if missed:
            raise PairIntegrityError(
                f"{self.folder}: the plans of detector {self.plans.detector} do not find the faces "
                f"of its golden photographs: {'; '.join(missed)}: "
                f"run '{self.rebuild}' here"
            )


class PlannedFaceDetector(Closing):
    """A detector whose networks are run by their plans, or were to be."""

    def __init__(self, detector: LocalFaceDetector, networks: NetworkSet | None) -> None:
        """
        Take both over.

        Args:
            detector: Finds the faces.
            networks: The plans; None where ONNX Runtime does their work.
        """
        self._detector, self._networks = detector, networks

    @property
    def is_planned(self) -> bool:
        """Whether plans run it."""
        return self._networks is not None

    @property
    def engine(self) -> str:
        """Return what runs the networks."""
        engine = engine_of(self._detector) or "ONNX Runtime"
        return engine if self.is_planned else f"{engine}, instead of its plans"

    def detect(self, pixels: Pixels) -> Sequence[DetectedFace]:
        """Return the faces of one image, see `FaceDetector`."""
        return self._detector.detect(pixels)

    def detect_near(self, pixels: Pixels, box: Box) -> Sequence[DetectedFace]:
        """Return the faces about a place, see `LocalFaceDetector`."""
        return self._detector.detect_near(pixels, box)

    def smallest_sought(self) -> int:
        """Return the side of the smallest face, see `LocalFaceDetector`."""
        return self._detector.smallest_sought()

    def close(self) -> None:
        """Release plans and device; safe to call twice."""
        if self._networks is not None:
            self._networks.close()


def close_detector(detector: FaceDetector) -> None:
    """Release what a detector holds beyond its memory; safe to call twice."""
    if isinstance(detector, Closing):
        detector.close()


def plans_for(
    config: Config, execution: Execution | None = None, *, warns: bool = True
) -> FoundPlans | None:
    """
    Return the plans to run the configured detector by; None where ONNX Runtime shall.

    Args:
        config: Names pair, detector and backend.
        execution: How to run networks; None takes the configuration's.
        warns: Log it where the pair has plans and none of this detector, with the command.

    Raises:
        PairIntegrityError: What the pair says of its detector's plans was changed.
    """
    how = execution or execution_of(config.engine)
    try:
        manifest = trusted_manifest(config.pair, how.pair_key)
    except PairError:
        return None  # opening the pair says it
    if manifest.flavour is None or library_of(how.backend, manifest.backend) != "plans":
        return None
    plans = read_detector_plans(config.pair, manifest)
    rebuild = manifest.build_command(config.pair, config.detector.name, config.detector.model)
    if plans is not None and plans.detector == config.detector.name:
        return FoundPlans(config.pair, plans, rebuild)
    if warns:
        _warn(config, plans, rebuild)
    return None


def _warn(config: Config, plans: DetectorPlans | None, rebuild: str) -> None:
    of_others = "" if plans is None else f", but of {plans.detector}"
    log.warning(
        "%s: has no plans of detector %s%s, so ONNX Runtime runs it: to have some, run '%s'",
        *(config.pair, config.detector.name, of_others, rebuild),
    )
