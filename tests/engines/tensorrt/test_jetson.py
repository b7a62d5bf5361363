"""
On a device with TensorRT: the same facts that the other tests state over fakes.

    pytest -m jetson

Builds the default network once (minutes), then runs it through every CUDA binding that is there.
"""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.progress import Progress

from edge.config.model import DetectorSettings
from edge.detection.planned import DetectorToPlan, detector_to_plan
from engines.build.request import build_request
from engines.catalogue.catalogue import find_entry
from engines.errors import BackendError
from engines.pair.execution import Execution, open_plan_set
from engines.pair.manifest import Manifest, read_manifest
from engines.pair.pair import open_pair
from engines.plans.detector_check import check_detector_on_device
from engines.plans.detector_plans import add_detector_plans, prove_detector
from engines.plans.device_check import DeviceCheck, check_on_device
from engines.plans.options import PlanOptions
from engines.plans.pair_plans import build_pair_with_plans
from engines.plans.workshop import Tools, open_workshop
from engines.quality.preprocess import prepare
from engines.quality.specification import FaceImages
from engines.tensorrt.backend import TensorRtNetwork, open_plans
from engines.tensorrt.cuda.choose import BINDINGS
from engines.tensorrt.cuda.port import CudaPort
from engines.tensorrt.device import Runtime
from engines.tensorrt.probe import probe
from engines.tensorrt.sidecar import read_sidecar

pytestmark = pytest.mark.jetson


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Manifest, FaceImages]:
    """The default pair with plans of this device, and the golden faces."""
    found = probe()
    if found.device is None or found.tensorrt is None:
        pytest.skip(f"needs a device with TensorRT: {found.cuda_error or found.tensorrt_error}")
    folder = tmp_path_factory.mktemp("jetson") / "pair"
    quiet = Progress(disable=True)
    request = build_request(find_entry("mobilefacenet512"), None, 1, quiet)
    manifest = build_pair_with_plans(request, folder, PlanOptions(), quiet)
    return folder, manifest, request.golden.images


@pytest.fixture(params=sorted(BINDINGS))
def binding(request: pytest.FixtureRequest) -> CudaPort:
    try:
        return BINDINGS[request.param]()
    except BackendError as error:
        pytest.skip(str(error))


def opened(folder: Path, manifest: Manifest, port: CudaPort) -> TensorRtNetwork:
    plans = [folder / record.name for record in manifest.plans.values()]
    return open_plans(plans, Runtime(cuda=lambda: port))


@pytest.fixture
def network(built, binding) -> Iterator[TensorRtNetwork]:
    folder, manifest, _ = built
    opened_network = opened(folder, manifest, binding)
    yield opened_network
    opened_network.close()


def test_the_plans_meet_the_golden_vectors_of_fp32(built):
    folder, manifest, _ = built
    with open_pair(folder, execution=Execution(backend="plans")) as pair:
        assert pair.pair_id == manifest.pair_id


def test_acceptance_passes_and_is_written_down(built):
    folder, manifest, faces = built
    assert check_on_device(folder, faces, DeviceCheck(timed_runs=50)).passed
    (record, *_) = read_manifest(folder).plans.values()
    assert manifest.plans
    assert read_sidecar(folder / record.name).acceptance is not None


def test_every_binding_computes_what_the_cpu_computes(built, network):
    folder, manifest, faces = built
    inputs = prepare(faces, manifest.specification)
    with open_pair(folder, execution=Execution(backend="onnxruntime")) as cpu:
        wanted = cpu.embed(faces)
    for one, other in zip(network.run(inputs), wanted, strict=True):
        cosine = (one * other).sum(1) / np.linalg.norm(one, axis=1) / np.linalg.norm(other, axis=1)
        assert cosine.min() > 0.999


def test_a_replayed_graph_computes_what_plain_runs_compute(built, binding):
    folder, manifest, faces = built
    inputs = prepare(faces[:1], manifest.specification)
    results = []
    for port in (binding, replace(binding, capture=None)):
        network = opened(folder, manifest, port)
        results.append(network.run(inputs)[0])
        network.close()
    np.testing.assert_array_equal(results[0], results[1])


def test_memory_returns_to_where_it_was(built, binding):
    folder, manifest, _ = built
    opened(folder, manifest, binding).close()
    before = binding.device().free_bytes
    for _ in range(3):
        opened(folder, manifest, binding).close()
    # What other programs do meanwhile moves this by a few MiB; a leaked engine by its whole size.
    assert binding.device().free_bytes > before - 3 * sum(
        record.bytes for record in manifest.plans.values()
    )


@pytest.fixture(scope="module", params=["mtcnn", "ultraface68"])
def with_detector(
    request: pytest.FixtureRequest,
    built: tuple[Path, Manifest, FaceImages],
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, DetectorToPlan]:
    """The pair with plans of a detector of this device."""
    folder = shutil.copytree(built[0], tmp_path_factory.mktemp(request.param) / "pair")
    detector = detector_to_plan(DetectorSettings(name=request.param, threads=1))
    workshop = open_workshop(PlanOptions(), Tools())
    add_detector_plans(folder, detector, workshop, Progress(disable=True))
    return folder, detector


def test_the_detectors_plans_find_the_golden_photographs_faces(with_detector):
    folder, detector = with_detector
    manifest = read_manifest(folder)
    found = prove_detector(folder, manifest, detector, open_plan_set)
    assert found.faces >= 4


def test_the_detectors_faces_are_those_of_fp32_on_real_photographs(with_detector):
    folder, detector = with_detector
    found = check_detector_on_device(folder, detector, DeviceCheck(timed_runs=50))
    assert found.missed == ()
    assert found.figures.usual_pixels < 0.5
    assert all(each.passed for each in found.networks.values())
