"""Would plans of a pair and its detector load here? Asked of files alone, for reports."""

from dataclasses import dataclass
from pathlib import Path

from engines.errors import PairIntegrityError
from engines.pair.detector_plans import DetectorPlans, read_detector_plans
from engines.pair.folder import checked_content
from engines.pair.manifest import Manifest
from engines.tensorrt.errors import PlanError
from engines.tensorrt.fingerprint import Fingerprint
from engines.tensorrt.host import this_machine
from engines.tensorrt.load_gate import PlanFile, check_plan
from engines.tensorrt.sidecar import Sidecar, read_sidecar


@dataclass(frozen=True, slots=True)
class PlanState:
    """One plan of a pair."""

    path: Path
    sidecar: Sidecar | None
    """None where it cannot be read."""
    fault: str
    """Why the plan would not load; empty if nothing speaks against it."""


def plan_states(
    folder: Path, manifest: Manifest, here: Fingerprint | None = None
) -> tuple[PlanState, ...]:
    """
    Return the state of each plan a manifest names.

    Args:
        folder: The pair's.
        manifest: Read from it; one without plans gives an empty tuple.
        here: The machine to compare with; None takes this one.
    """
    if manifest.flavour is None:
        return ()
    machine = here or this_machine(manifest.flavour)
    opinion = manifest.second_opinion
    beside = [] if opinion is None or opinion.plan is None else [opinion.plan]
    records = (*manifest.plans.values(), *beside)
    rebuild = manifest.build_command(folder)
    return tuple(_state(PlanFile(folder / record.name, rebuild), machine) for record in records)


@dataclass(frozen=True, slots=True)
class DetectorState:
    """A detector's plans."""

    plans: DetectorPlans | None
    """None where the pair has none, or does not say."""
    states: tuple[PlanState, ...] = ()
    fault: str = ""
    """Why nothing can be said of the plans; empty if something can."""

    @property
    def faults(self) -> tuple[str, ...]:
        """Everything that speaks against loading them."""
        return tuple(filter(None, (self.fault, *(state.fault for state in self.states))))


def detector_state(
    folder: Path,
    manifest: Manifest,
    here: Fingerprint | None = None,
    rebuild: str = "",
) -> DetectorState:
    """
    Return the state of the plans of a detector that a pair has with it.

    Args:
        folder: The pair's.
        manifest: Read from it.
        here: The machine to compare with; None takes this one.
        rebuild: The command that builds those that are wanted; empty: these ones anew.
    """
    try:
        plans = read_detector_plans(folder, manifest)
        if plans is None:
            return DetectorState(None)
        checked_content(folder, plans.golden)
    except PairIntegrityError as error:
        return DetectorState(None, fault=str(error))
    machine = here or this_machine(plans.backend)
    command = rebuild or manifest.build_command(folder, plans.detector)
    files = (PlanFile(folder / each.plan.name, command) for each in plans.networks.values())
    return DetectorState(plans, tuple(_state(file, machine) for file in files))


def _state(plan: PlanFile, here: Fingerprint) -> PlanState:
    try:
        return PlanState(plan.path, check_plan(plan, here).sidecar, "")
    except PlanError as error:
        return PlanState(plan.path, _readable(plan.path), str(error))


def _readable(path: Path) -> Sidecar | None:
    try:
        return read_sidecar(path)
    except PlanError:
        return None
