"""
Plans as networks: those of an engine pair, which share their input, or several on their own.

Dense and pruned run on two streams over one input buffer; the networks of a set have inputs of
their own and run one after the other, in one thread that owns CUDA for all of them.
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from engines.errors import BackendError
from engines.tensorrt.api import Flavour
from engines.tensorrt.device import Device, Runtime
from engines.tensorrt.load_gate import CheckedPlan, PlanFile, check_plan
from engines.tensorrt.plan_group import Arrays, PlanGroup
from engines.tensorrt.plan_runner import Session
from engines.tensorrt.sidecar import Sidecar

AnyPlan: TypeAlias = Path | PlanFile


class TensorRtNetwork:
    """An EmbeddingNetwork over one plan or two; calls may come from any thread."""

    def __init__(self, plans: Sequence[CheckedPlan], runtime: Runtime) -> None:
        self._plans, self._runtime = tuple(plans), runtime
        self._device = Device(self._plans, runtime, self._load)

    @property
    def output_names(self) -> tuple[str, ...]:
        """Names of what `run` returns, plan by plan."""
        return tuple(output.name for plan in self._plans for output in plan.sidecar.outputs)

    @property
    def engine(self) -> str:
        """Return library, version and precision."""
        return _engine(self._plans[0].sidecar, self._runtime.flavour)

    def run(self, inputs: NDArray[np.float32]) -> Arrays:
        """
        Return the raw outputs of all plans in their order, (N, D) float32 each.

        Args:
            inputs: (N, ...) float32, prepared; more than the plans' largest batch run in parts.

        Raises:
            BackendError: TensorRT or CUDA refused, did not answer, or failed before.
            EmbeddingError: An output holds NaN or infinite values.
        """
        if self._device.closed:
            raise BackendError("the network is closed; open the engine pair again")
        return self._device.run(self._group, inputs)

    @property
    def largest_batch(self) -> int:
        """Most face images of one run."""
        return self._plans[0].sidecar.profile.largest

    def device_ms(self, inputs: NDArray[np.float32], repeats: int) -> NDArray[np.float64]:
        """
        Return milliseconds from input to outputs by the device's own events, one for each run.

        Args:
            inputs: At most `largest_batch` prepared face images.
            repeats: Runs, one after the other.
        """
        return self._device.timed(self._group, inputs, repeats)

    def layer_information(self) -> tuple[str, ...]:
        """Return TensorRT's JSON about the layers of each plan."""
        return self._device.do(self._group.layer_information, self._runtime.answer_seconds)

    def close(self) -> None:
        """Release plans, buffers and device in reverse order; safe to call twice."""
        self._device.close()

    def _load(self, session: Session, stack: ExitStack) -> None:
        self._group = PlanGroup(session, self._plans, stack)


class TensorRtNetworkSet:
    """Networks of one plan each that one thread runs, one after the other."""

    def __init__(self, plans: Mapping[str, CheckedPlan], runtime: Runtime) -> None:
        self._plans, self._runtime = dict(plans), runtime
        self._groups: dict[str, PlanGroup] = {}
        self._device = Device(list(self._plans.values()), runtime, self._load)

    @property
    def networks(self) -> dict[str, "SetMember"]:
        """By name; closed all together by `close`."""
        return {name: SetMember(self, name) for name in self._plans}

    def engine(self, name: str) -> str:
        """Return library, version and precision of one network."""
        return _engine(self._plans[name].sidecar, self._runtime.flavour)

    def run(self, name: str, inputs: NDArray[np.float32]) -> Arrays:
        """
        Return the outputs of one network in their order.

        Args:
            name: Of the network.
            inputs: Of a shape that its plan takes; more than its largest batch run in parts.

        Raises:
            BackendError: TensorRT or CUDA refused, did not answer, or failed before.
            EmbeddingError: An output holds NaN or infinite values.
        """
        if self._device.closed:
            raise BackendError("the networks are closed; open the detector again")
        return self._device.run(self._groups[name], inputs)

    def device_ms(
        self, name: str, inputs: NDArray[np.float32], repeats: int
    ) -> NDArray[np.float64]:
        """Return milliseconds of one network, see `TensorRtNetwork.device_ms`."""
        return self._device.timed(self._groups[name], inputs, repeats)

    def close(self) -> None:
        """Release plans, buffers and device in reverse order; safe to call twice."""
        self._device.close()

    def _load(self, session: Session, stack: ExitStack) -> None:
        for name, plan in self._plans.items():
            self._groups[name] = PlanGroup(session, [plan], stack)


class SetMember:
    """One network of a set; an EmbeddingNetwork."""

    def __init__(self, whole: TensorRtNetworkSet, name: str) -> None:
        self._whole, self._name = whole, name

    @property
    def engine(self) -> str:
        """Return library, version and precision."""
        return self._whole.engine(self._name)

    def run(self, inputs: NDArray[np.float32]) -> Arrays:
        """Return its outputs, see `TensorRtNetworkSet.run`."""
        return self._whole.run(self._name, inputs)

    def close(self) -> None:
        """Release the whole set, which is open or closed as one; safe to call twice."""
        self._whole.close()


def _engine(sidecar: Sidecar, flavour: Flavour) -> str:
    library = "TensorRT-RTX" if flavour == "rtx" else "TensorRT"
    return f"{library} {sidecar.fingerprint.tensorrt}, {sidecar.source.precision}"


def open_plans(plans: Sequence[AnyPlan], runtime: Runtime | None = None) -> TensorRtNetwork:
    """
    Open the plans of one engine pair, after everything that can be asked without a GPU.

    Args:
        plans: Dense and pruned, or one fused plan; the order decides that of the outputs.
        runtime: The library, binding and time limits; None takes plain TensorRT.

    Raises:
        PlanError: A plan is missing, changed, or for another machine; the message has the command
            that rebuilds it.
        CudaError: No driver, no memory, no answer.
        BuildError: TensorRT is not installed.
    """
    chosen = runtime or Runtime()
    here = chosen.here(chosen.flavour)
    return TensorRtNetwork([check_plan(plan, here) for plan in plans], chosen)


def open_plan_set(
    plans: Mapping[str, AnyPlan], runtime: Runtime | None = None
) -> TensorRtNetworkSet:
    """
    Open plans of networks that have inputs of their own; see `open_plans`.

    Args:
        plans: By the names of their networks.
        runtime: The library, binding and time limits; None takes plain TensorRT.
    """
    chosen = runtime or Runtime()
    here = chosen.here(chosen.flavour)
    return TensorRtNetworkSet(
        {name: check_plan(plan, here) for name, plan in plans.items()}, chosen
    )
