"""Detectors run by their plans, over a fake TensorRT that really computes."""

import json
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
from rich.progress import Progress

from edge.config.model import DetectorSettings
from edge.detection.golden import figures_of, photograph
from edge.detection.open import NETWORKS, open_configured, open_detector, require_located
from edge.detection.planned import DetectorToPlan, detector_to_plan
from edge.detection.plans import PlannedFaceDetector, close_detector, plans_for
from edge.detection.session import DETECTION_FLOOR
from engines.build.golden_faces import photographs_of, read_photograph
from engines.catalogue.cache import sha256_of
from engines.catalogue.catalogue import fetch, find_entry
from engines.errors import PairError, PairIntegrityError, PrecisionError
from engines.pair.detector_plans import (
    DETECTOR_NAME,
    GOLDEN_LIMITS,
    FaceLimits,
    read_detector_plans,
    write_detector_plans,
)
from engines.pair.manifest import (
    FileRecord,
    identified,
    identity,
    read_manifest,
    write_manifest,
)
from engines.plans.check import detector_state
from engines.plans.detector_check import check_detector_on_device
from engines.plans.detector_plans import gate_detector
from engines.plans.device_check import DeviceCheck
from engines.plans.forecast import forecast
from engines.plans.options import PlanOptions
from engines.plans.report import detector_report
from engines.tensorrt.errors import CudaError, PlanError, PlanMismatchError
from engines.tensorrt.sidecar import read_sidecar
from tests.edge.detection.planned_pairs import asked_of, build, configured
from tests.edge.detection.test_open import settings
from tests.edge.photographs import frame_with, head
from tests.engines.plans.test_report import text_of
from tests.engines.tensorrt.plans import World, on, tools_of

pytestmark = pytest.mark.registry


def few(name):
    """Measure on a portrait and a group; what all photographs say has its own test."""
    whole = detector_to_plan(settings(name))
    return replace(whole, pictures=whole.golden_pictures)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Return a function that gives the folder of a pair with plans of a detector, built once."""
    folders = {}

    def built_of(name):
        if name not in folders:
            folder = tmp_path_factory.mktemp(name) / "pair"
            build(folder, few(name), World())  # which skips the test where the file is not here
            folders[name] = folder
        return folders[name]

    return built_of


@pytest.fixture
def copied(built, tmp_path):
    """Return a function that gives a copy of such a pair to do harm to."""

    def copied_of(name):
        return shutil.copytree(built(name), tmp_path / "pair")

    return copied_of


@pytest.fixture
def opened():
    """Open detectors and close them at the end."""
    kept = []

    def opened_for(config, execution):
        kept.append(open_configured(config, execution=execution))
        return kept[-1]

    yield opened_for
    for detector in kept:
        close_detector(detector)


CROWD = "sample5.jpg"


def pictures_of(*names):
    paths = photographs_of(["demo-photographs"])
    return [read_photograph(paths["demo-photographs", name]) for name in names]


@pytest.mark.parametrize("name", ["mtcnn", "ultraface68", "yunet"])
def test_plans_find_the_faces_that_the_cpu_finds(name, built, opened):
    config, world = configured(built(name), settings(name)), World()
    detector = opened(config, on(world))
    assert isinstance(detector, PlannedFaceDetector)
    assert detector.engine.startswith("TensorRT 10.3.0, fp")
    cpu = open_detector(settings(name, threads=1))
    known = [photograph(each, cpu) for each in pictures_of(CROWD)]
    world.gpu.journal.clear()
    found = figures_of(known, detector, GOLDEN_LIMITS, DETECTION_FLOOR)
    assert any(line.startswith(("execute", "launch")) for line in world.gpu.journal)
    assert found.faces > 3
    assert found.missed(GOLDEN_LIMITS) == ()
    assert found.usual_pixels < 0.5


@pytest.mark.parametrize("name", ["ultraface68", "yunet"])
def test_the_plans_that_a_forecast_names_are_those_that_a_build_makes(name, built, tmp_path):
    manifest = read_manifest(built(name))
    plans = read_detector_plans(built(name), manifest)
    assert plans is not None
    made = [*manifest.plans.values(), *(network.plan for network in plans.networks.values())]
    asked, options = asked_of(tmp_path, few(name))
    found = forecast(asked, options, Progress(disable=True), tools_of(World()))
    assert [plan.name for plan in found.plans] == [record.name for record in made]


def test_everything_of_the_device_goes_back_when_a_detector_is_closed(built):
    world = World()
    detector = open_configured(configured(built("mtcnn"), settings("mtcnn")), execution=on(world))
    close_detector(detector)
    close_detector(detector)
    assert (world.gpu.memory, world.gpu.handles) == ({}, set())
    assert len(world.gpu.threads) == 1


def test_tiles_and_boxes_reach_the_device_in_batches(built, opened):
    world = World()
    detector = opened(configured(built("ultraface68"), settings("ultraface68")), on(world))
    world.gpu.journal.clear()
    detector.detect(np.zeros((1080, 1920, 3), np.uint8))
    runs = [line for line in world.gpu.journal if line.startswith(("execute", "launch"))]
    assert len(runs) == 2  # 17 tiles, 16 at a time


def test_a_picture_larger_than_the_plan_takes_is_looked_at_on_the_cpu(built, opened, caplog):
    fine = settings("mtcnn", smallest_face=12)
    detector = opened(configured(built("mtcnn"), fine), on(World()))
    frame = frame_with([(head("obama.jpg", 30), (900, 500))])
    cpu = open_detector(settings("mtcnn", smallest_face=12, threads=1))
    assert len(detector.detect(frame)) == len(cpu.detect(frame))
    assert "is beyond its plan's (1, 3, 1152, 1152)" in caplog.text


def test_another_smallest_face_than_the_usual_is_proved_by_the_same_photographs(built, opened):
    opened(configured(built("mtcnn"), settings("mtcnn", smallest_face=200)), on(World()))


def test_plans_built_elsewhere_stop_with_the_command_that_rebuilds_them(built):
    config = configured(built("mtcnn"), settings("mtcnn"))
    words = r"TensorRT 10\.3\.0.*edge-gate pair build --backend tensorrt --network tiny .*mtcnn"
    with pytest.raises(PlanMismatchError, match=words):
        open_configured(config, execution=on(World("10.7.0")))


def test_plans_built_elsewhere_give_way_to_onnx_runtime_where_that_was_chosen(built, caplog):
    config = configured(built("mtcnn"), settings("mtcnn"))
    there = on(World("10.7.0"), fallback="onnxruntime")
    detector = open_configured(config, execution=there)
    assert isinstance(detector, PlannedFaceDetector)
    assert not detector.is_planned
    assert re.fullmatch(r"ONNX Runtime \S+, f32, instead of its plans", detector.engine)
    assert "running detector mtcnn with ONNX Runtime instead of its plans" in caplog.text


@pytest.mark.parametrize("fault", ["deserialise", "execute", "nan"])
def test_plans_that_do_not_run_give_way_to_onnx_runtime_where_that_was_chosen(built, fault, caplog):
    config = configured(built("mtcnn"), settings("mtcnn"))
    world = World(faults={fault})
    if fault == "nan":  # a plan that computes nonsense is no reason to go on
        with pytest.raises(Exception, match="NaN or infinite"):
            open_configured(config, execution=on(world, fallback="onnxruntime"))
        return
    open_configured(config, execution=on(world, fallback="onnxruntime"))
    assert "instead of its plans" in caplog.text
    assert (world.gpu.memory, world.gpu.handles) == ({}, set())


def test_without_a_gpu_the_plans_stop_the_gate_by_default(built):
    def no_driver():
        raise CudaError("CUDA: no driver (error 35)")

    world = World()
    config = configured(built("mtcnn"), settings("mtcnn"))
    port = replace(world.gpu.port(), device=no_driver)
    world.gpu.port = lambda: port  # type: ignore[method-assign]
    with pytest.raises(CudaError, match="error 35"):
        open_configured(config, execution=on(world))


def test_onnx_runtime_can_be_insisted_on(built):
    world = World()
    config = configured(built("mtcnn"), settings("mtcnn"), backend="onnxruntime")
    detector = open_configured(config, execution=on(world, backend="onnxruntime"))
    assert not isinstance(detector, PlannedFaceDetector)
    assert world.gpu.journal == []


def test_plans_of_another_detector_are_left_alone_and_that_is_said(built, caplog):
    detector = open_configured(
        configured(built("mtcnn"), settings("ultraface68")), execution=on(World())
    )
    assert not isinstance(detector, PlannedFaceDetector)
    assert "has no plans of detector ultraface68, but of mtcnn" in caplog.text
    assert "--detector ultraface68" in caplog.text


def test_plans_of_another_file_than_the_detectors_are_told_with_both_hashes(built, tmp_path):
    files = fetch(find_entry("mtcnn"))
    other = tmp_path / "pnet.onnx"
    other.write_bytes(files[0].read_bytes() + b" ")
    plans = plans_for(configured(built("mtcnn"), settings("mtcnn")), on(World()))
    assert plans is not None
    with pytest.raises(PlanMismatchError, match="built of a file with SHA-256") as caught:
        plans.require_files(NETWORKS["mtcnn"], (other, *files[1:]))
    assert sha256_of(other)[:12] in str(caught.value)
    assert "--detector mtcnn" in str(caught.value)


@pytest.mark.parametrize("part", ["plan", "golden", "manifest"])
def test_what_was_edited_never_looks_at_a_face(copied, part):
    pair = copied("mtcnn")
    plans = read_detector_plans(pair, read_manifest(pair))
    assert plans is not None
    names = {
        "plan": plans.networks["rnet"].plan.name,
        "golden": plans.golden.name,
        "manifest": DETECTOR_NAME,
    }
    path = pair / names[part]
    path.write_bytes(path.read_bytes()[:-1] + b" ")
    config = configured(pair, settings("mtcnn"))
    with pytest.raises(PairIntegrityError, match="swapped, edited or cut short"):
        open_configured(config, execution=on(World(), fallback="onnxruntime"))


def test_plans_that_find_other_faces_than_they_promised_never_look_at_a_face(copied):
    pair = copied("mtcnn")
    manifest = read_manifest(pair)
    plans = read_detector_plans(pair, manifest)
    assert plans is not None
    arrays = dict(np.load(pair / plans.golden.name))
    arrays["faces_0"] = arrays["faces_0"] + np.float64(60)
    arrays["faces_0"][:, 14] = 0.9
    np.savez(pair / plans.golden.name, allow_pickle=False, **arrays)
    assert manifest.detector is not None
    moved = plans.model_copy(update={"golden": FileRecord.of(pair / plans.golden.name)})
    record = write_detector_plans(pair, moved)
    write_manifest(pair, identified(manifest.model_copy(update={"detector": record})))
    with pytest.raises(PairIntegrityError, match="do not find the faces of its golden"):
        open_configured(configured(pair, settings("mtcnn")), execution=on(World()))


def test_a_check_judges_plans_by_their_files_and_opens_none(built):
    config = configured(built("mtcnn"), settings("mtcnn"))
    # This machine has no TensorRT, so the plan's version is not compared; the architecture is.
    with pytest.raises(PlanMismatchError, match="built for architecture aarch64"):
        require_located(config)
    require_located(configured(built("mtcnn"), settings("mtcnn"), fallback="onnxruntime"))


def test_the_pair_has_another_id_with_plans_of_a_detector(built):
    manifest = read_manifest(built("mtcnn"))
    alone = manifest.model_copy(update={"detector": None})
    assert identity(alone) != manifest.pair_id


def test_the_state_of_the_plans_is_told_without_a_device(built):
    pair = built("mtcnn")
    manifest, here, there = read_manifest(pair), World().here(), World("10.7.0").here()
    assert detector_state(pair, manifest, here).faults == ()
    elsewhere = detector_state(pair, manifest, there).faults
    assert len(elsewhere) == 3
    assert all("built for TensorRT 10.3.0" in fault for fault in elsewhere)


def test_a_pair_without_plans_of_a_detector_has_none_to_tell_of(built):
    manifest = read_manifest(built("mtcnn")).model_copy(update={"detector": None})
    assert detector_state(built("mtcnn"), manifest).plans is None


def test_of_a_golden_photograph_that_is_gone_the_state_tells(copied):
    pair = copied("mtcnn")
    (pair / "detector-golden.npz").unlink()
    (fault,) = detector_state(pair, read_manifest(pair)).faults
    assert "No such file" in fault


@pytest.mark.parametrize(("name", "kept"), [("mtcnn", {"pnet"}), ("ultraface68", set())])
def test_half_precision_leaves_the_faces_of_real_photographs_in_place(name, kept):
    """P-Net in FP16 takes another one of two boxes for a face of sample4, so it stays in FP32."""
    pictures = pictures_of("obama.jpg", "sample4.jpg", CROWD)
    detector = detector_to_plan(DetectorSettings(name=name, threads=1))
    found = gate_detector(replace(detector, pictures=pictures), PlanOptions())
    assert set(found.kept) == kept
    assert found.figures is not None
    assert found.figures.faces >= 10
    assert found.figures.missed(FaceLimits()) == ()
    assert found.figures.usual_pixels < 0.2


def test_a_detector_that_half_precision_moves_too_far_is_refused_with_both_figures():
    strict = FaceLimits(box_pixels=0, landmark_pixels=0)
    detector = replace(
        detector_to_plan(DetectorSettings(name="ultraface68", threads=1)),
        pictures=pictures_of("obama.jpg"),
        limits=strict,
    )
    with pytest.raises(PrecisionError, match=r"a landmark moved by \d+\.\d\d pixels, above 0"):
        gate_detector(detector, PlanOptions())


def test_the_build_keeps_in_fp32_what_the_gate_said_and_writes_down_why(copied):
    pair = copied("mtcnn")
    plans = read_detector_plans(pair, read_manifest(pair))
    assert plans is not None
    for network in plans.networks.values():
        sidecar = read_sidecar(pair / network.plan.name)
        assert sidecar.source.precision == network.precision
        assert bool(sidecar.source.half_weights) is (network.precision == "fp16")
        assert (network.precision == "fp32") is bool(network.kept_because)


def test_a_device_that_finds_other_faces_is_refused_before_the_old_pair_is_replaced(copied):
    pair = copied("mtcnn")
    before = read_manifest(pair).pair_id

    class Blind(DetectorToPlan):
        def golden_figures(self, golden, running):
            return super().golden_figures(golden, running).model_copy(update={"appeared": 3})

    whole = few("mtcnn")
    blind = Blind(whole.settings, whole.files, whole.pictures, whole.golden_pictures)
    with pytest.raises(PlanError, match="3 faces came or went"):
        build(pair, blind, World())
    assert read_manifest(pair).pair_id == before


def test_a_manifest_of_another_version_is_not_read(copied):
    pair = copied("mtcnn")
    path = pair / DETECTOR_NAME
    content = json.loads(path.read_text())
    content["schema_version"] = 2
    path.write_text(json.dumps(content))
    manifest = read_manifest(pair).model_copy(update={"detector": FileRecord.of(path)})
    with pytest.raises(PairIntegrityError, match=r"schema_version.*build the pair again"):
        read_detector_plans(pair, manifest)


def test_acceptance_on_the_device_is_written_beside_each_plan(copied):
    pair, world = copied("mtcnn"), World()
    how = DeviceCheck(lambda flavour: world.runtime(flavour=flavour), timed_runs=3)
    found = check_detector_on_device(pair, few("mtcnn"), how)
    assert found.missed == ()
    plans = read_detector_plans(pair, read_manifest(pair))
    assert plans is not None
    for name, network in plans.networks.items():
        accepted = read_sidecar(pair / network.plan.name).detection
        assert accepted == found.networks[name]
        assert (accepted.passed, accepted.latency_p50_ms) == (True, 1.5)
    open_configured(configured(pair, settings("mtcnn")), execution=on(world))


def test_acceptance_of_another_detector_than_the_plans_are_of_is_refused(built):
    with pytest.raises(PairError, match="has no plans of detector ultraface68"):
        check_detector_on_device(built("mtcnn"), few("ultraface68"))


def test_what_is_told_of_plans_has_the_figures_and_why_a_network_is_in_fp32(built):
    pair = built("mtcnn")
    state = detector_state(pair, read_manifest(pair), World().here())
    assert state.plans is not None
    kept = state.plans.networks["pnet"].model_copy(update={"kept_because": "it moved by 9"})
    told = state.plans.model_copy(update={"networks": {**state.plans.networks, "pnet": kept}})
    text = text_of(detector_report(replace(state, plans=told)))
    for words in ("detector  ", "of a face 112 wide", "FP16 of it alone: it moved by 9", "pnet-"):
        assert words in text
    assert "not verified on a device yet" in text
