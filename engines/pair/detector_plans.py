"""
Plans of a face detector's networks, in the folder of the pair that they were built with.

`detector.json` says what they are; `pair.yaml` has its hash, so that pair id and signature cover
them. What a detector is, and what it finds, is for its owner: here it is a name, networks and a
file of golden photographs.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from engines.amounts import amount
from engines.errors import PairIntegrityError
from engines.pair.folder import checked_content, checked_plan
from engines.pair.manifest import FileName, FileRecord, Manifest, Sha256
from engines.protocols import EmbeddingNetwork
from engines.tensorrt.errors import PlanMismatchError
from engines.tensorrt.load_gate import PlanFile
from engines.whole_file import write_whole

DETECTOR_NAME = "detector.json"
GOLDEN_NAME = "detector-golden.npz"
SCHEMA: Literal[1] = 1

Networks = Mapping[str, EmbeddingNetwork]
"""By the names of `DetectorPlans.networks`."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class FaceLimits(_Record):
    """
    How far faces may be from those that FP32 finds on the CPU.

    Pixels are those of a face whose box is 112 wide, about as face recognition sees it. For scale:
    from their own mirror image landmarks of detectors differ by 1 to 3 of these, in the median.
    """

    box_pixels: float = 1.0
    """An edge of a box."""
    landmark_pixels: float = 2.5
    score: float = 0.02
    """Of the detector."""
    appeared: int = 0
    """Faces that only one of both finds, of those that are not at the edge of being found."""


GOLDEN_LIMITS = FaceLimits(box_pixels=16, landmark_pixels=6, score=0.05)
"""
Of finished plans on golden photographs, at each start. A detector takes one of several boxes about
as sure as each other; rounding may make it take the next, which moved a box by 15 and a landmark by
4.9 (MTCNN, 1 of 28 faces). A wrong colour order finds other faces.
"""


class FaceFigures(_Record):
    """How far faces are from those that FP32 finds on the CPU; pixels as in `FaceLimits`."""

    photographs: int
    faces: int
    """Found by both."""
    box_pixels: float
    """Furthest that an edge of a box moved."""
    landmark_pixels: float
    """Furthest that a landmark moved."""
    usual_pixels: float
    """Median over faces of the furthest that one of its landmarks moved."""
    score: float
    """Furthest that a detector score moved."""
    appeared: int
    """Faces that only one of both finds, surer than the least sure by more than `score`'s limit."""

    def missed(self, limits: FaceLimits) -> tuple[str, ...]:
        """Return each limit that is missed, in words with both figures."""
        found = []
        if not self.faces:
            found.append("no face is found by both")
        for what, moved, limit in (
            ("an edge of a box", self.box_pixels, limits.box_pixels),
            ("a landmark", self.landmark_pixels, limits.landmark_pixels),
        ):
            if moved > limit:
                found.append(f"{what} moved by {moved:.2f} pixels, above {limit:g}")
        if self.score > limits.score:
            found.append(f"a detector score moved by {self.score:.3f}, above {limits.score:g}")
        if self.appeared > limits.appeared:
            found.append(f"{amount(self.appeared, 'face')} came or went")
        return tuple(found)


class PlannedNetwork(_Record):
    """One network and its plan."""

    source_sha256: Sha256
    """Of the ONNX file it was built from."""
    plan: FileRecord
    precision: Literal["fp16", "fp32"]
    kept_because: str = ""
    """What half precision of this network alone does to the faces, where it is kept in FP32."""


class DetectorPlans(_Record):
    """All that is known of the detector's plans; their own manifests lie beside them."""

    schema_version: Literal[1]
    detector: str
    """Its name in the configuration."""
    backend: Literal["tensorrt", "rtx"]
    networks: dict[FileName, PlannedNetwork]
    golden: FileRecord
    """Photographs and the faces that FP32 finds on them on a CPU."""
    limits: FaceLimits
    """For the faces that the plans find on them."""
    fp16_gate: FaceFigures | None
    """What the FP16 networks, emulated on a CPU, do to the faces of real photographs."""


def write_detector_plans(folder: Path, plans: DetectorPlans) -> FileRecord:
    """Write `detector.json` and return the record for the pair's manifest."""
    path = folder / DETECTOR_NAME
    write_whole(path, (plans.model_dump_json(indent=2) + "\n").encode())
    return FileRecord.of(path)


def read_detector_plans(folder: Path, manifest: Manifest) -> DetectorPlans | None:
    """
    Return what a pair says of its detector's plans; None where it has none.

    Raises:
        PairIntegrityError: It is missing, edited, or of another version.
    """
    if manifest.detector is None:
        return None
    content = checked_content(folder, manifest.detector)
    try:
        return DetectorPlans.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "content"
        path = folder / manifest.detector.name
        raise PairIntegrityError(
            f"{path}: {place}: {first['msg']}; build the pair again here"
        ) from error


def require_sources(
    folder: Path, plans: DetectorPlans, found: Mapping[str, str], rebuild: str
) -> None:
    """
    Refuse plans of other networks than the detector's files.

    Args:
        folder: The pair's.
        plans: Read from it.
        found: SHA-256 of each network's file by the network's name.
        rebuild: The command that builds the plans anew.

    Raises:
        PlanMismatchError: Names the network, both hashes and the command that rebuilds the plans.
    """
    built = {name: network.source_sha256 for name, network in plans.networks.items()}
    if set(built) != set(found):
        theirs, ours = (", ".join(sorted(names)) for names in (built, found))
        raise PlanMismatchError(
            f"{folder}: has plans of {theirs}, this detector has {ours}: run '{rebuild}' here"
        )
    for name, digest in found.items():
        if built[name] != digest:
            raise PlanMismatchError(
                f"{folder / plans.networks[name].plan.name}: built of a file with SHA-256 "
                f"{built[name][:12]}…, the detector's is {digest[:12]}…: run '{rebuild}' here"
            )


def plan_files(folder: Path, plans: DetectorPlans, rebuild: str) -> dict[str, PlanFile]:
    """
    Return the plan of each network, after comparing its hash.

    Args:
        folder: The pair's.
        plans: Read from it.
        rebuild: The command that builds the plans anew.

    Raises:
        PairIntegrityError: A plan is missing or not the promised one.
    """
    return {
        name: checked_plan(folder, network.plan, rebuild)
        for name, network in plans.networks.items()
    }
