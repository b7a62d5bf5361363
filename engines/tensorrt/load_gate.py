"""
What must hold before TensorRT is asked to load a plan; none of it needs a GPU.

In this order, so that the first failure is the true reason: the manifest is there, the file is the
one it describes, its header (where its layout is known) says the same, and it was built by this
library for this kind of device.
The device's own facts follow once CUDA has answered.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from engines.tensorrt.cuda.port import CudaDevice
from engines.tensorrt.errors import CudaError, PlanIntegrityError, PlanMismatchError
from engines.tensorrt.fingerprint import Fingerprint, differences
from engines.tensorrt.plan_header import HEADER_BYTES, PlanHeader, read_header
from engines.tensorrt.sidecar import Sidecar, read_sidecar, require_unchanged


@dataclass(frozen=True, slots=True)
class PlanFile:
    """A plan of an engine pair."""

    path: Path
    """Its manifest lies beside it."""
    rebuild: str = ""
    """The command that builds it anew; empty where nobody knows of what."""
    sha256: str | None = None
    """Of its content, where that was just read; None: it is still to be read."""

    @property
    def remedy(self) -> str:
        """What the operator does to get a plan for this machine."""
        return f"run '{self.rebuild}' here" if self.rebuild else "build it again here"


@dataclass(frozen=True, slots=True)
class CheckedPlan:
    """A plan that passed everything that can be asked without a GPU."""

    path: Path
    sidecar: Sidecar
    remedy: str
    """What the operator does to get another one."""


def check_plan(plan: Path | PlanFile, here: Fingerprint) -> CheckedPlan:
    """
    Return the plan if it may be loaded on this machine, as far as files can tell.

    Args:
        plan: Its manifest lies beside it.
        here: This machine; what is unknown is not compared.

    Raises:
        PlanIntegrityError: Manifest or plan is missing, changed, or too short.
        PlanMismatchError: Built elsewhere; the message names both sides and the rebuild command.
    """
    file = plan if isinstance(plan, PlanFile) else PlanFile(plan)
    path, sidecar = file.path, read_sidecar(file.path)
    require_unchanged(path, sidecar, file.sha256)
    with path.open("rb") as stream:
        header = read_header(stream.read(HEADER_BYTES), path.stat().st_size, path.name)
    checked = CheckedPlan(path, sidecar, file.remedy)
    _require_same(checked, _stated(checked, header), here)
    return checked


def check_device(plan: CheckedPlan, here: Fingerprint, device: CudaDevice) -> None:
    """
    Compare a plan with the GPU that CUDA found.

    Raises:
        PlanMismatchError: Another compute capability or number of multiprocessors.
        CudaError: Less memory is free than the plan alone takes.
    """
    _require_same(plan, plan.sidecar.fingerprint, on_device(here, device))
    if device.free_bytes < plan.sidecar.plan_bytes:
        raise CudaError(
            f"{plan.path}: needs more than {plan.sidecar.plan_bytes >> 20} MiB, "
            f"{device.free_bytes >> 20} MiB are free on {device.name}: stop other programs"
        )


def on_device(here: Fingerprint, device: CudaDevice) -> Fingerprint:
    """Return this machine's fingerprint with what CUDA says of its GPU."""
    return replace(
        here,
        compute_capability=device.compute_capability,
        multiprocessors=device.multiprocessors,
        device=device.name,
        cuda=device.runtime,
    )


def _stated(plan: CheckedPlan, header: PlanHeader | None) -> Fingerprint:
    """Return what the plan was built for, by its own head where that can be read."""
    promised = plan.sidecar.fingerprint
    if header is None:
        return promised
    stated = replace(promised, flavour=header.flavour, tensorrt=header.version_text)
    if differences(stated, promised):
        raise PlanIntegrityError(
            f"{plan.path}: the plan says {header.flavour} {header.version_text}, its manifest "
            f"{promised.flavour} {promised.tensorrt}: {plan.remedy}"
        )
    return stated


def _require_same(plan: CheckedPlan, built: Fingerprint, here: Fingerprint) -> None:
    found = differences(built, here)
    if found:
        raise PlanMismatchError(f"{plan.path}: {'; '.join(found)}: {plan.remedy}")
