"""
Which form of PRelu is faster on this very device: built in both, timed in both, the faster kept.

NVIDIA's builders that run without a GPU fuse what is spelled out and not the operator; another
version on another device may do as it likes, and only a clock knows.
"""

import logging
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from rich.progress import Progress

from engines.errors import BackendError, PrecisionError
from engines.graph.prelu import PReluForm
from engines.pair.folder import replaced_at_once
from engines.pair.manifest import Manifest, read_manifest
from engines.pair.pair import golden_vectors_of
from engines.plans.device_check import DeviceCheck, check_on_device, write_acceptance
from engines.plans.half_pair import network_file
from engines.plans.options import PlanOptions
from engines.plans.pair_plans import add_plans
from engines.plans.workshop import Tools, open_workshop
from engines.quality.specification import FaceImages
from engines.tensorrt.sidecar import (
    DeviceAcceptance,
    OtherForm,
    Sidecar,
    read_sidecar,
    sidecar_path,
)

log = logging.getLogger(__name__)

OTHER: dict[PReluForm, PReluForm] = {"spelled": "joined", "joined": "spelled"}


@dataclass(frozen=True, slots=True)
class Bench:
    """What both forms are built and timed with; tests pass their own parts."""

    how: DeviceCheck
    tools: Tools
    progress: Progress


def verify_on_device(
    folder: Path, images: FaceImages | None = None, bench: Bench | None = None
) -> DeviceAcceptance:
    """
    Check a pair's plans here, see `check_on_device`; once, time the other form of PRelu as well.

    The first time after a build this takes another build. Where the other form is faster for one
    face and meets FP32, its plans take the place of the pair's at once, and the pair has a new id.

    Args:
        folder: The pair's.
        images: (N, height, width, 3) uint8 BGR aligned faces; None takes the golden vectors'.
        bench: Library, device and display; None takes this machine's.

    Raises:
        PairError: The pair has no plans.
        BackendError: A plan cannot be loaded or run here.
        EmbeddingError: An output holds NaN or infinite values.
    """
    used = bench or Bench(DeviceCheck(), Tools(), Progress(disable=True))
    accepted, manifest = check_on_device(folder, images, used.how), read_manifest(folder)
    told = not accepted.passed or accepted.other_form is not None
    if told or manifest.backend != "tensorrt" or not _has_prelu(folder, manifest):
        return accepted
    faces = golden_vectors_of(folder, manifest).images if images is None else images
    try:
        return _keep_the_faster(folder, faces, accepted, used)
    except (BackendError, PrecisionError) as error:
        log.warning("%s: its PRelu were timed in one form only: %s", folder, error)
        return accepted


class _SlowerError(Exception):
    """The other form is not kept; leaves the block that would put it into place."""

    def __init__(self, found: DeviceAcceptance) -> None:
        super().__init__()
        self.found = found


def _keep_the_faster(
    folder: Path, faces: FaceImages, accepted: DeviceAcceptance, bench: Bench
) -> DeviceAcceptance:
    kept = _plans(folder)
    ours = read_sidecar(kept[0])
    options = _options(ours, bench.how)
    try:
        with replaced_at_once(folder) as fresh:
            _copy_without(kept, fresh)
            add_plans(fresh, faces, open_workshop(options, bench.tools), bench.progress)
            found = _faster(fresh, faces, accepted, bench)
            return write_acceptance(_plans(fresh), found, _told(ours.source.prelu, accepted))
    except _SlowerError as slower:
        return write_acceptance(kept, accepted, _told(options.prelu, slower.found))


def _copy_without(plans: list[Path], fresh: Path) -> None:
    left = {name for plan in plans for name in (plan.name, sidecar_path(plan).name)}
    shutil.copytree(
        plans[0].parent, fresh, ignore=lambda _, names: left & {*names}, dirs_exist_ok=True
    )


def _faster(
    fresh: Path, faces: FaceImages, accepted: DeviceAcceptance, bench: Bench
) -> DeviceAcceptance:
    found = check_on_device(fresh, faces, bench.how)
    if not found.passed or found.latency_p50_ms >= accepted.latency_p50_ms:
        raise _SlowerError(found)
    bench.tools.prove(fresh)
    return found


def _options(built: Sidecar, how: DeviceCheck) -> PlanOptions:
    """Return the options of a finished plan, but for the other form."""
    options = PlanOptions(
        precision=built.source.precision,
        typing=built.build.typing,
        profile=built.profile,
        workspace_bytes=built.build.workspace_bytes,
        keep_fp32=built.source.kept_fp32 or None,
        clamp_budget=built.source.clamped,
        limits=how.limits,
    )
    return replace(options, prelu=OTHER[built.source.prelu])


def _told(prelu: PReluForm, found: DeviceAcceptance) -> OtherForm:
    return OtherForm(
        prelu=prelu,
        latency_p50_ms=found.latency_p50_ms,
        faces_per_second=found.faces_per_second,
        passed=found.passed,
    )


def _plans(folder: Path) -> list[Path]:
    return [folder / record.name for record in read_manifest(folder).plans.values()]


def _has_prelu(folder: Path, manifest: Manifest) -> bool:
    return any(
        node.op_type == "PRelu"
        for role in manifest.files
        for node in network_file(folder, manifest, role, "joined").model.graph.node
    )
