"""What holds for every detector, and for choosing one."""

import os
from pathlib import Path

import numpy as np
import pytest
import yaml

from edge.config.model import DetectorSettings
from edge.detection.mtcnn import MtcnnDetector
from edge.detection.open import open_detector
from edge.errors import DetectorError
from engines.catalogue.catalogue import fetch, find_entry
from tests.edge.photographs import frame_with, head, inter_eye, portrait

PORTRAITS = ["obama.jpg", "obama2.jpg", "obama3.jpg", "biden.jpg"]
SHARED = Path(__file__).parents[4] / "shared" / "models"


def yunet_file():
    """The file is the user's: OpenCV Zoo is no package registry."""
    named = os.environ.get("GATE_YUNET")
    found = [Path(named)] if named else sorted(SHARED.glob("face_detection_yunet_*.onnx"))
    if not found:
        pytest.skip("YuNet's file is not here: name it in GATE_YUNET")
    return found[0]


def settings(name, **more):
    model = yunet_file() if name == "yunet" else None
    return DetectorSettings(name=name, **({"model": model} if model else {}), **more)


@pytest.fixture(scope="module", params=["mtcnn", "ultraface68", "yunet"])
def name(request):
    return request.param


pytestmark = pytest.mark.registry


@pytest.mark.parametrize("file", PORTRAITS)
def test_the_surest_face_of_a_portrait_has_the_landmarks_of_the_person(name, file):
    pixels, landmarks = portrait(file)
    faces = open_detector(settings(name)).detect(pixels)
    face = max(faces, key=lambda face: face.detector_score)
    error = np.linalg.norm(face.landmarks - landmarks, axis=1).mean() / inter_eye(landmarks)
    assert error < 0.12  # of the distance between the eyes; an eye is 0.4 wide
    assert face.detector_score > 0.7


SPOTS = [(30, 40), (700, 500), (1700, 900), (1200, 60)]


def test_small_faces_in_a_large_frame_are_found_down_to_the_smallest_asked_for(name):
    frame = frame_with([(head("obama.jpg", 18), spot) for spot in SPOTS])  # boxes of 40 pixels
    faces = open_detector(settings(name, smallest_face=40)).detect(frame)
    assert [round(face.box.left, -2) for face in faces] == [0, 700, 1200, 1700]


def test_a_face_that_fills_a_large_frame_is_found(name):
    frame = frame_with([(head("obama.jpg", 300), (400, 0))], height=1100)
    (face,) = open_detector(settings(name, smallest_face=40)).detect(frame)
    assert face.box.width > 500


def test_faces_come_from_left_to_right_with_their_landmarks_inside_their_own_boxes(name):
    spots = [(1200, 300), (100, 500), (700, 100)]
    frame = frame_with([(head("biden.jpg", 60), spot) for spot in spots])
    faces = open_detector(settings(name)).detect(frame)
    assert [round(face.landmarks[2, 0], -2) for face in faces] == [200, 800, 1300]
    for face in faces:
        assert face.box.left < face.landmarks[:, 0].min()
        assert face.landmarks[:, 0].max() < face.box.right


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (11, 11), (39, 39), (480, 640)], ids=str)
def test_no_face_is_found_where_there_is_none(name, size):
    assert open_detector(settings(name)).detect(np.zeros((*size, 3), np.uint8)) == ()


def test_a_grey_image_is_refused(name):
    with pytest.raises(DetectorError, match="uint8 BGR"):
        open_detector(settings(name)).detect(np.zeros((99, 99), np.uint8))


def test_a_file_that_is_no_network_is_an_error_naming_it(tmp_path):
    letter = tmp_path / "letter.onnx"
    letter.write_text("Dear detector,")
    with pytest.raises(
        DetectorError, match=r"letter\.onnx: OpenCV cannot run it: is it YuNet, and whole\?$"
    ):
        open_detector(DetectorSettings(name="yunet", model=letter))


def test_another_network_is_an_error_naming_it():
    with pytest.raises(
        DetectorError, match=r"rnet\.onnx: OpenCV cannot run it: is it YuNet, and whole\?$"
    ):
        open_detector(DetectorSettings(name="yunet", model=fetch(find_entry("mtcnn"))[1]))


def test_a_missing_file_is_an_error_naming_it(tmp_path):
    with pytest.raises(DetectorError, match=r"nowhere\.onnx: no such file: correct 'model'"):
        open_detector(DetectorSettings(name="yunet", model=tmp_path / "nowhere.onnx"))


def test_too_few_files_are_an_error_naming_the_detector():
    with pytest.raises(DetectorError, match=r"pnet\.onnx: not the files of detector mtcnn"):
        open_detector(DetectorSettings(name="mtcnn", model=fetch(find_entry("mtcnn"))[0]))


def test_files_of_the_users_own_are_named_in_an_entry(tmp_path):
    files = fetch(find_entry("mtcnn"))
    rows = [{"name": file.name, "file": str(file)} for file in files]
    entry = {"name": "mine", "kind": "detector", "licence": "mine", "note": "", "files": rows}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(entry))
    detector = open_detector(DetectorSettings(name="mtcnn", model=tmp_path / "mine.yaml"))
    assert isinstance(detector, MtcnnDetector)
