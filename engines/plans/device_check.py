"""Acceptance on the device: do the plans embed as the networks they are made of, and how fast?"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engines.errors import PairError
from engines.graph.fp16_gate import Fp16Limits, compare_outputs
from engines.pair.execution import Execution, open_networks
from engines.pair.manifest import Manifest, read_manifest
from engines.pair.pair import golden_vectors_of
from engines.quality.preprocess import prepare
from engines.quality.specification import FaceImages
from engines.tensorrt.backend import TensorRtNetwork, open_plans
from engines.tensorrt.device import Runtime
from engines.tensorrt.load_gate import PlanFile
from engines.tensorrt.sidecar import DeviceAcceptance, OtherForm, read_sidecar, write_sidecar

WARM_RUNS = 20
TIMED_RUNS = 200


@dataclass(frozen=True, slots=True)
class DeviceCheck:
    """How to check plans; tests pass their own runtime and fewer runs."""

    runtime: Callable[[str], Runtime] = lambda flavour: Runtime(
        flavour="rtx" if flavour == "rtx" else "tensorrt"
    )
    timed_runs: int = TIMED_RUNS
    limits: Fp16Limits = Fp16Limits()  # noqa: RUF009 -- frozen


def check_on_device(
    folder: Path, images: FaceImages | None = None, how: DeviceCheck | None = None
) -> DeviceAcceptance:
    """
    Run a pair's plans here, compare them with the FP32 ONNX files, time them, write it down.

    The result becomes the acceptance block of each plan's manifest.

    Args:
        folder: The pair's.
        images: (N, height, width, 3) uint8 BGR aligned faces; None takes the golden vectors'.
        how: Library, device and repetitions.

    Raises:
        PairError: The pair has no plans.
        BackendError: A plan cannot be loaded or run here.
        EmbeddingError: An output holds NaN or infinite values.
    """
    chosen, manifest = how or DeviceCheck(), read_manifest(folder)
    if not manifest.plans:
        raise PairError(f"{folder}: has no TensorRT plans: build it with --backend tensorrt")
    faces = _golden_images(folder, manifest) if images is None else images
    inputs = prepare(faces, manifest.specification)
    expected = _on_cpu(folder, manifest, inputs)
    plans = [folder / record.name for record in manifest.plans.values()]
    rebuild = manifest.build_command(folder)
    network = open_plans(
        [PlanFile(path, rebuild) for path in plans], chosen.runtime(manifest.backend)
    )
    try:
        found = network.run(inputs)
        acceptance = _acceptance(expected, found, _Speed.of(network, inputs, chosen), chosen)
    finally:
        network.close()
    earlier = read_sidecar(plans[0]).acceptance
    return write_acceptance(plans, acceptance, None if earlier is None else earlier.other_form)


def write_acceptance(
    plans: Sequence[Path], acceptance: DeviceAcceptance, other_form: OtherForm | None
) -> DeviceAcceptance:
    """Write into the manifest of each plan what was measured, and return it whole."""
    whole = acceptance.model_copy(update={"other_form": other_form})
    for plan in plans:
        write_sidecar(plan, read_sidecar(plan).model_copy(update={"acceptance": whole}))
    return whole


@dataclass(frozen=True, slots=True)
class _Speed:
    p50_ms: float
    p99_ms: float
    faces_per_second: float

    @classmethod
    def of(
        cls, network: TensorRtNetwork, inputs: NDArray[np.float32], how: DeviceCheck
    ) -> "_Speed":
        network.device_ms(inputs[:1], min(WARM_RUNS, how.timed_runs))
        single = network.device_ms(inputs[:1], how.timed_runs)
        full = np.resize(inputs, (network.largest_batch, *inputs.shape[1:]))
        many = network.device_ms(full, how.timed_runs)
        p50, p99 = np.quantile(single, (0.5, 0.99))
        return cls(float(p50), float(p99), 1000 * len(full) / float(np.median(many)))


def _acceptance(
    expected: tuple[NDArray[np.float32], ...],
    found: tuple[NDArray[np.float32], ...],
    speed: _Speed,
    how: DeviceCheck,
) -> DeviceAcceptance:
    compared = compare_outputs(expected, found)
    return DeviceAcceptance(
        face_images=len(expected[0]),
        min_cosine=compared.min_cosine,
        shift_error=compared.shift_error,
        rank_agreement=compared.rank_agreement,
        latency_p50_ms=speed.p50_ms,
        latency_p99_ms=speed.p99_ms,
        faces_per_second=speed.faces_per_second,
        passed=not compared.missed(how.limits),
    )


def _on_cpu(
    folder: Path, manifest: Manifest, inputs: NDArray[np.float32]
) -> tuple[NDArray[np.float32], ...]:
    networks = open_networks(folder, manifest, 1, Execution(backend="onnxruntime"))
    return tuple(output for network in networks for output in network.run(inputs))


def _golden_images(folder: Path, manifest: Manifest) -> FaceImages:
    return golden_vectors_of(folder, manifest).images
