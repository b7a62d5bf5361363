"""
Add the plans of a face detector to an engine pair.

The detector's owner says which networks it has, what half precision does to its faces, and how
finished plans are proved; building, manifests and loading are those of the pair's own plans.
"""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from rich.progress import Progress

from engines.errors import PairIntegrityError, PrecisionError
from engines.graph.emulation import EmulatedNetwork
from engines.pair.detector_plans import (
    GOLDEN_LIMITS,
    GOLDEN_NAME,
    SCHEMA,
    DetectorPlans,
    FaceFigures,
    PlannedNetwork,
    plan_files,
    read_detector_plans,
    write_detector_plans,
)
from engines.pair.execution import OpenPlanSet
from engines.pair.folder import checked_content
from engines.pair.manifest import FileRecord, Manifest, read_manifest, write_changed
from engines.plans.options import PlanOptions
from engines.plans.planned_detector import PlannedDetector
from engines.plans.set_networks import half_set, prepare_set
from engines.plans.workshop import Workshop, build_network_plan
from engines.tensorrt.errors import PlanError
from engines.whole_file import write_whole


def add_detector_plans(
    folder: Path, detector: PlannedDetector, workshop: Workshop, progress: Progress
) -> Manifest:
    """
    Build the plans of a detector into a finished pair and let its manifest name them.

    Args:
        folder: The pair's.
        detector: What to build.
        workshop: Library, device and choices.
        progress: A running display of the caller's.

    Raises:
        BackendError: TensorRT refused.
        NetworkError: A file is not that network.
        PrecisionError: FP16 moves faces further than the detector's limits allow.
    """
    manifest, options = read_manifest(folder), workshop.options
    gated = HalfDetector(None, {})
    if options.precision == "fp16":
        task = progress.add_task(f"measuring FP16 of {detector.name} on photographs", total=None)
        gated = gate_detector(detector, options, workshop.threads)
        progress.remove_task(task)
    networks = {}
    for network in prepare_set(detector.networks, options, workshop.typing, gated.kept):
        plan = build_network_plan(folder, network, None, workshop, progress)
        source = network.source
        networks[source.role] = PlannedNetwork(
            source_sha256=source.sha256,
            plan=plan,
            precision=source.precision,
            kept_because=gated.kept.get(source.role, ""),
        )
    golden = folder / GOLDEN_NAME
    write_whole(golden, detector.golden())
    plans = DetectorPlans(
        schema_version=SCHEMA,
        detector=detector.name,
        backend=options.flavour,
        networks=networks,
        golden=FileRecord.of(golden),
        limits=GOLDEN_LIMITS,
        fp16_gate=gated.figures,
    )
    record = write_detector_plans(folder, plans)
    return write_changed(folder, manifest, {"detector": record})


def prove_detector(
    folder: Path, manifest: Manifest, detector: PlannedDetector, open_set: OpenPlanSet
) -> FaceFigures:
    """
    Open a detector's plans on this device and let them find the faces of the golden photographs.

    Raises:
        BackendError: The plans do not run here, or find other faces.
        PairIntegrityError: The pair has none, or they were changed.
    """
    plans = read_detector_plans(folder, manifest)
    if plans is None:
        raise PairIntegrityError(f"{folder}: has no plans of a detector: build it again")
    files = plan_files(folder, plans, manifest.build_command(folder, plans.detector))
    with closing(open_set(files, plans.backend)) as opened:
        golden = checked_content(folder, plans.golden)
        found = detector.golden_figures(golden, opened.networks)
    missed = found.missed(plans.limits)
    if missed:
        raise PlanError(
            f"{folder}: the plans of detector {detector.name} do not find the faces of its golden "
            f"photographs: {'; '.join(missed)}: build with --precision fp32, or --detector none"
        )
    return found


@dataclass(frozen=True, slots=True)
class HalfDetector:
    """What half precision is good for."""

    figures: FaceFigures | None
    """Of the networks that take it, together."""
    kept: Mapping[str, str]
    """Networks to be kept in FP32, and what half precision of each alone does."""


def gate_detector(
    detector: PlannedDetector, options: PlanOptions, threads: int = 1
) -> HalfDetector:
    """
    Say which networks may be FP16: all of them, else those that alone leave the faces in place.

    Measured by emulation on the CPU, on real photographs.

    Raises:
        NetworkError: A file is not that network.
        PrecisionError: Weights exceed FP16, or faces move further than the limits allow however
            few networks take part.
    """
    halves = {
        name: EmulatedNetwork(model, threads)
        for name, model in half_set(detector.networks, options)
    }
    figures = detector.figures(halves)
    if not figures.missed(detector.limits):
        return HalfDetector(figures, {})
    alone = {name: detector.figures({name: half}) for name, half in halves.items()}
    missed = {name: found.missed(detector.limits) for name, found in alone.items()}
    kept = {name: "; ".join(words) for name, words in missed.items() if words}
    left = {name: half for name, half in halves.items() if name not in kept}
    if not left or not kept:
        raise _refused(detector, figures)
    figures = detector.figures(left)
    if figures.missed(detector.limits):
        raise _refused(detector, figures)
    return HalfDetector(figures, kept)


def _refused(detector: PlannedDetector, figures: FaceFigures) -> PrecisionError:
    return PrecisionError(
        f"FP16 is refused for detector {detector.name}: "
        f"{'; '.join(figures.missed(detector.limits))}. "
        "Build with --precision fp32, or with --detector none"
    )
