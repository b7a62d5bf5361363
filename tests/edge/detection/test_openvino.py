"""Detectors run by the real OpenVINO find what they find in ONNX Runtime."""

import logging

import numpy as np
import onnx
import pytest

from edge.config.file import read_config
from edge.detection.mtcnn import P_NET, MtcnnDetector
from edge.detection.open import open_configured, open_detector
from edge.detection.session import BATCH, DetectorSession, Running
from edge.detection.yunet import YunetDetector, _OpenCvNetwork
from edge.protocols import engine_of
from engines.openvino.api import INSTALL, NoOpenVinoError
from tests.edge.detection.test_open import settings, yunet_file
from tests.edge.photographs import portrait
from tests.openvino_here import needs_openvino

pytestmark = pytest.mark.registry


@needs_openvino
@pytest.mark.parametrize("name", ["mtcnn", "ultraface68", "yunet"])
def test_a_detector_in_openvino_finds_the_same_faces(name):
    pixels, _ = portrait("obama.jpg")
    plain = open_detector(settings(name, threads=1)).detect(pixels)
    detector = open_detector(settings(name, threads=1, backend="openvino"))
    assert str(engine_of(detector)).startswith("OpenVINO ")
    other = detector.detect(pixels)
    assert len(other) == len(plain) > 0
    for one, same in zip(plain, other, strict=True):
        np.testing.assert_allclose(one.landmarks, same.landmarks, atol=0.05)
        assert one.detector_score == pytest.approx(same.detector_score, abs=1e-3)


class Recorded:
    """Gives what MTCNN's first network gives, and keeps the shapes that it was asked for."""

    engine = "recorded"

    def __init__(self):
        self.shapes = []

    def run(self, inputs):
        self.shapes.append(inputs.shape)
        count, _, height, width = inputs.shape
        size = (height - 10) // 2, (width - 10) // 2
        return tuple(np.zeros((count, values, *size), np.float32) for values in (4, 2))

    def close(self):
        pass


def test_what_runs_on_the_processor_has_no_limits_of_plans(tmp_path, caplog):
    beyond = (1, 3, *(2 * side for side in P_NET.shapes.largest[2:]))
    assert not P_NET.shapes.holds(beyond)
    network = Recorded()
    session = DetectorSession(tmp_path / "x", P_NET, Running(instead={"pnet": network}))
    session.run(np.zeros(beyond, np.float32))
    assert network.shapes == [P_NET.takes, beyond]
    assert (session.together, session.prefers_pieces, caplog.text) == (BATCH, True, "")
    planned = DetectorSession(tmp_path / "x", P_NET, Running(planned={"pnet": Recorded()}))
    assert (planned.together, planned.prefers_pieces) == (BATCH, False)


@needs_openvino
def test_openvino_runs_on_the_processor():
    detector = open_detector(settings("mtcnn", threads=1, backend="openvino"))
    assert isinstance(detector, MtcnnDetector)
    assert detector._propose.prefers_pieces


def configured(folder, fallback):
    (folder / "film.mp4").touch()
    path = folder / "gate.yaml"
    path.write_text(
        "pair: pair\nsources: [{name: door, uri: film.mp4}]\nsinks: [{type: stdout}]\n"
        f"detector: {{backend: openvino, threads: 1}}\nengine: {{fallback: {fallback}}}\n"
    )
    return read_config(path).config


@pytest.fixture
def absent(monkeypatch):
    def missing():
        raise NoOpenVinoError(f"OpenVINO does not load (why): {INSTALL}")

    monkeypatch.setattr("engines.openvino.backend.load_openvino", missing)


@pytest.mark.usefixtures("absent")
def test_without_the_package_the_detector_does_not_open(tmp_path):
    with pytest.raises(NoOpenVinoError, match="pip install"):
        open_configured(configured(tmp_path, "stop"))


@pytest.mark.usefixtures("absent")
def test_without_the_package_a_fallback_runs_onnx_runtime_and_warns(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        detector = open_configured(configured(tmp_path, "onnxruntime"))
    assert (
        "running detector mtcnn with ONNX Runtime instead of OpenVINO: OpenVINO does" in caplog.text
    )
    assert detector.detect(portrait("obama.jpg")[0])


def test_a_yunet_of_one_size_is_run_by_opencv_at_any(tmp_path):
    model = onnx.load(yunet_file())
    for axis, size in zip(
        model.graph.input[0].type.tensor_type.shape.dim, (1, 3, 640, 640), strict=True
    ):
        axis.dim_value = size
    onnx.save(model, tmp_path / "fixed.onnx")
    detector = YunetDetector((tmp_path / "fixed.onnx",))
    assert isinstance(detector._network, _OpenCvNetwork)
    pixels, _ = portrait("obama.jpg")
    assert len(detector.detect(pixels)) == len(YunetDetector((yunet_file(),)).detect(pixels)) > 0
