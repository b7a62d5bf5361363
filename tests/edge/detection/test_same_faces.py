"""What makes detectors faster leaves the faces as they were, on real photographs and video."""

import hashlib

import numpy as np
import onnx
import pytest

from edge.config.model import DetectorSettings
from edge.detection import session
from edge.detection.open import open_detector
from edge.protocols import LocalFaceDetector
from edge.samples import iou
from edge.sources.images import read_image
from engines.build.golden_faces import photographs_of, read_photograph
from engines.catalogue.catalogue import fetch, find_entry
from engines.onnxruntime.backend import open_network
from tests.edge.detection.as_published import publish
from tests.edge.photographs import inter_eye, portrait
from tests.gate_data import gate_data

pytestmark = pytest.mark.registry

PIXELS = 0.1
"""How far a box's edge or a landmark may move; of inputs up to 1920 wide."""
SCORE = 1e-3
"""How far a score may move: 5e-4 measured, at a face seen as hardly one (0.507)."""


@pytest.fixture(scope="module", params=["mtcnn", "ultraface68"])
def both(request):
    """Return the same detector as published, and as it is."""
    settings = DetectorSettings(name=request.param, threads=1)

    with pytest.MonkeyPatch.context() as patch:
        publish(patch)
        slow = open_detector(settings)

    def published(pixels):
        with pytest.MonkeyPatch.context() as patch:
            publish(patch)
            return slow.detect(pixels)

    return published, open_detector(settings).detect


def numbers(faces):
    boxes = [[f.box.left, f.box.top, f.box.right, f.box.bottom] for f in faces]
    landmarks = [face.landmarks.ravel() for face in faces]
    rows = np.hstack([boxes, landmarks]) if faces else np.empty((0, 14))
    return rows, np.array([face.detector_score for face in faces])


def assert_same(both, pixels):
    (expected, sure), (found, as_sure) = (numbers(detect(pixels)) for detect in both)
    np.testing.assert_allclose(found, expected, rtol=0, atol=PIXELS)
    np.testing.assert_allclose(as_sure, sure, rtol=0, atol=SCORE)
    return len(found)


def test_the_faces_of_the_demo_photographs_are_the_same(both):
    files = set(photographs_of(["demo-photographs"]).values())
    assert sum(assert_same(both, read_photograph(file)) for file in sorted(files)) >= 25


@pytest.mark.data
def test_the_faces_of_lfw_are_the_same(both):
    files = sorted(gate_data("lfw", "images").rglob("*.jpg"))[::191]
    assert sum(assert_same(both, read_image(file)) for file in files) >= len(files)


@pytest.fixture
def opened(monkeypatch):
    """Return what detectors open, and the lengths of what they run."""
    contents, lengths = [], []

    class Watched:
        def __init__(self, source, threads, *_how):
            contents.append(source)
            self._network = open_network(source, threads)

        def run(self, inputs):
            lengths.append(len(inputs))
            return self._network.run(inputs)

    monkeypatch.setattr(session, "open_network", Watched)
    return contents, lengths


def operators(source):
    model = onnx.load_from_string(source if isinstance(source, bytes) else source.read_bytes())
    return {node.op_type for node in model.graph.node}


@pytest.mark.parametrize("name", ["mtcnn", "ultraface68"])
def test_no_network_of_a_detector_is_run_with_prelu_and_its_file_stays(name, opened):
    files = fetch(find_entry(name))
    before = [hashlib.sha256(file.read_bytes()).digest() for file in files]
    open_detector(DetectorSettings(name=name, threads=1))
    assert len(opened[0]) == len(files)
    assert not any("PRelu" in operators(source) for source in opened[0])
    assert [hashlib.sha256(file.read_bytes()).digest() for file in files] == before


def test_no_run_takes_more_inputs_than_a_batch(opened):
    photograph = photographs_of(["demo-photographs"])["demo-photographs", "sample5.jpg"]
    open_detector(DetectorSettings(name="mtcnn", threads=1)).detect(read_photograph(photograph))
    assert max(opened[1]) == session.BATCH


@pytest.mark.parametrize("name", ["mtcnn", "ultraface68"])
def test_a_face_is_found_about_its_place_as_it_is_in_the_whole_picture(name):
    detector = open_detector(DetectorSettings(name=name, threads=1))
    assert isinstance(detector, LocalFaceDetector)
    pixels, landmarks = portrait("obama.jpg")
    (whole,) = detector.detect(pixels)
    (near,) = detector.detect_near(pixels, whole.box)
    assert iou(whole.box, near.box) > 0.8
    apart = np.linalg.norm(whole.landmarks - near.landmarks, axis=1).max()
    assert apart < 0.1 * inter_eye(landmarks)
