"""The doctor's lines about the face detector."""

import json
import shutil
from dataclasses import replace

import pytest

from edge.__main__ import main
from edge.detection.planned import detector_to_plan
from edge.diagnosis.detector_findings import detector_findings, detector_plan_findings
from engines.pair.manifest import identified, read_manifest, write_manifest
from engines.tensorrt.probe import Probe
from tests.edge.detection.planned_pairs import build, configured
from tests.edge.detection.test_open import settings
from tests.engines.tensorrt.fake_gpu import ORIN_NANO
from tests.engines.tensorrt.plans import World, on
from tests.pairs import put_pair

pytestmark = pytest.mark.registry

WITH_GPU = Probe("fake", ORIN_NANO, "", "10.3.0", "")
BARE = Probe(None, None, "no driver: install one", None, "none: pip install it")
MTCNN = settings("mtcnn")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Return the folder of a pair with plans of mtcnn."""
    folder = tmp_path_factory.mktemp("doctor") / "pair"
    whole = detector_to_plan(MTCNN)
    build(folder, replace(whole, pictures=whole.golden_pictures), World())
    return folder


def test_plans_that_run_are_ok_and_say_what_runs_them(built):
    (found,) = detector_findings(configured(built, MTCNN), WITH_GPU, on(World()))
    assert (found.topic, found.state) == ("detector mtcnn", "ok")
    assert "golden photographs: TensorRT 10.3.0, fp" in found.text


def test_plans_without_a_gpu_are_a_problem_and_none_is_opened(built):
    world = World()
    (found,) = detector_findings(configured(built, MTCNN), BARE, on(world))
    assert (found.state, found.text) == ("problem", "its plans need a GPU, and CUDA found none")
    assert world.gpu.journal == []


def test_plans_of_another_machine_come_with_the_command_that_rebuilds_them(built):
    (found,) = detector_findings(configured(built, MTCNN), WITH_GPU, on(World("10.7.0")))
    assert found.state == "problem"
    assert "edge-gate pair build --backend tensorrt" in found.remedy


def test_a_pair_without_plans_of_the_detector_is_warned_of_once(built, caplog):
    other = settings("ultraface68")
    (found,) = detector_findings(configured(built, other), BARE, on(World()))
    assert found.state == "ok"
    assert caplog.text.count("has no plans of detector ultraface68") == 1


def test_a_fallback_is_visible(built):
    there = on(World("10.7.0"), fallback="onnxruntime")
    (found,) = detector_findings(configured(built, MTCNN), BARE, there)
    assert found.state == "ok"
    assert found.text.endswith("f32, instead of its plans")


def test_without_plans_the_doctor_says_what_runs_the_detector(tmp_path):
    put_pair(tmp_path)
    (found,) = detector_findings(configured(tmp_path / "pair", MTCNN), BARE)
    assert found.state == "ok"
    assert found.text.startswith("opens: ONNX Runtime")


def test_a_file_that_is_no_detector_is_a_problem(tmp_path):
    letter = tmp_path / "letter.onnx"
    letter.write_text("Dear detector,")
    put_pair(tmp_path)
    chosen = MTCNN.model_copy(update={"name": "yunet", "model": letter})
    (found,) = detector_findings(configured(tmp_path / "pair", chosen), BARE)
    assert (found.state, "letter.onnx" in found.text) == ("problem", True)


def test_files_of_plans_are_judged_without_a_device(built):
    found = list(detector_plan_findings(built))
    assert {each.state for each in found} == {"problem"}  # of another architecture than this
    assert all("aarch64" in each.text for each in found)
    assert all("--detector mtcnn" in each.remedy for each in found)


def test_a_pair_with_plans_and_none_of_a_detector_names_the_command(built, tmp_path):
    pair = shutil.copytree(built, tmp_path / "pair")
    alone = read_manifest(pair).model_copy(update={"detector": None})
    write_manifest(pair, identified(alone))
    (found,) = detector_plan_findings(pair)
    assert found.state == "note"
    assert found.remedy == alone.build_command(pair, "mtcnn")


def test_the_command_is_that_of_the_configured_detector_with_its_own_file(built, tmp_path):
    yunet = MTCNN.model_copy(update={"name": "yunet", "model": tmp_path / "y.onnx"})
    wanted = read_manifest(built).build_command(built, "yunet", tmp_path / "y.onnx")
    found = list(detector_plan_findings(built, yunet))
    assert found
    assert all(each.remedy == wanted and each.text.endswith(f"'{wanted}' here") for each in found)


def test_the_doctor_of_a_configuration_names_the_detectors_own_file(built, tmp_path, capsys):
    (tmp_path / "film.mp4").touch()
    path = tmp_path / "gate.yaml"
    path.write_text(
        f"pair: {built}\nsources: [{{name: door, uri: film.mp4}}]\nsinks: [{{type: stdout}}]\n"
        "detector: {name: yunet, model: y.onnx}\n"
    )
    main(["doctor", "--config", str(path), "--json"])
    found = json.loads(capsys.readouterr().out)
    wanted = read_manifest(built).build_command(built, "yunet", tmp_path / "y.onnx")
    assert wanted in [each["remedy"] for each in found if each["topic"] == f"detector of {built}"]


def test_of_a_pair_without_plans_nothing_is_said(tmp_path):
    put_pair(tmp_path)
    assert list(detector_plan_findings(tmp_path / "pair")) == []
    assert list(detector_plan_findings(tmp_path / "nowhere")) == []
