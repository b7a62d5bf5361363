import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from edge.detection import mtcnn
from edge.detection.mtcnn import MtcnnDetector
from edge.errors import DetectorError
from edge.gate.tracker import STEADY
from edge.samples import Box, iou
from engines.catalogue.catalogue import fetch, find_entry
from tests.edge.photographs import frame_with, head, inter_eye, portrait

pytestmark = pytest.mark.registry

PORTRAITS = ["obama.jpg", "obama2.jpg", "obama3.jpg", "biden.jpg"]


@pytest.fixture(scope="module")
def files():
    return fetch(find_entry("mtcnn"))


@pytest.fixture(scope="module")
def detector(files):
    return MtcnnDetector(files, smallest_face=40)


@pytest.mark.parametrize("file", PORTRAITS)
def test_the_one_face_of_a_portrait_is_found_with_its_landmarks(detector, file):
    pixels, landmarks = portrait(file)
    (face,) = detector.detect(pixels)
    error = np.linalg.norm(face.landmarks - landmarks, axis=1).mean() / inter_eye(landmarks)
    assert error < 0.03
    assert face.box.left < landmarks[:, 0].min() < landmarks[:, 0].max() < face.box.right


@pytest.mark.parametrize("file", PORTRAITS)
def test_a_mirrored_portrait_gives_mirrored_landmarks(detector, file):
    pixels, _ = portrait(file)
    (face,) = detector.detect(pixels)
    (mirrored,) = detector.detect(np.ascontiguousarray(pixels[:, ::-1]))
    expected = mirrored.landmarks[[1, 0, 2, 4, 3]]
    expected[:, 0] = pixels.shape[1] - 1 - expected[:, 0]
    assert np.abs(face.landmarks - expected).max() < 0.035 * inter_eye(face.landmarks)


def moved(box, across, down, enlarged=1.0):
    middle = (box.left + box.right) / 2 + across * box.width, (box.top + box.bottom) / 2
    x, y = middle[0], middle[1] + down * box.height
    wide, high = box.width * enlarged / 2, box.height * enlarged / 2
    return Box(x - wide, y - high, x + wide, y + high)


@pytest.mark.parametrize(
    ("across", "down", "enlarged"),
    [(0.15, 0, 1), (-0.15, 0.1, 1), (0, -0.15, 1), (0, 0, 1.25), (0, 0, 0.8)],
)
def test_a_face_that_has_moved_since_is_found_where_it_is(detector, across, down, enlarged):
    pixels, _ = portrait("biden.jpg")
    (face,) = detector.detect(pixels)
    (near,) = detector.detect_near(pixels, moved(face.box, across, down, enlarged))
    assert iou(face.box, near.box) > 0.8
    apart = np.linalg.norm(face.landmarks - near.landmarks, axis=1).max()
    assert apart < 0.05 * inter_eye(face.landmarks)


@pytest.mark.parametrize(("across", "down"), [(1, 0), (-1, 0), (0, 1.2), (1, 1)])
def test_where_the_face_has_left_nobody_is_found_at_its_place(detector, across, down):
    pixels, _ = portrait("biden.jpg")
    (face,) = detector.detect(pixels)
    empty = moved(face.box, across, down)
    assert all(iou(empty, each.box) < STEADY for each in detector.detect_near(pixels, empty))


def test_faces_far_below_the_smallest_asked_for_are_not_looked_for(files):
    frame = frame_with([(head("obama.jpg", 18), (900, 500))])
    assert MtcnnDetector(files, smallest_face=120).detect(frame) == ()


def test_a_face_cut_by_the_border_is_found_there(detector):
    pixels, landmarks = portrait("obama.jpg")
    cut = np.ascontiguousarray(pixels[:, round(landmarks[0, 0]) - 10 :])
    face = max(detector.detect(cut), key=lambda face: face.detector_score)
    assert face.box.left < 10


@pytest.mark.parametrize("height", [600, 601])
def test_a_picture_in_pieces_has_the_very_faces_of_the_whole(detector, monkeypatch, height):
    places = [(head("obama.jpg", 60 + 20 * at), (160 + 330 * at, 90 + 97 * at)) for at in range(4)]
    frame = np.ascontiguousarray(frame_with(places)[:height])
    in_pieces = detector.detect(frame)
    monkeypatch.setattr(mtcnn, "PIXELS_AT_ONCE", frame.size)
    whole = detector.detect(frame)
    assert len(whole) >= 4
    assert [face.box for face in in_pieces] == [face.box for face in whole]


@pytest.mark.parametrize("rows", [12, 13, 14, 100, 101])
@pytest.mark.parametrize("pixels", [1, 1000, 10**6])
def test_pieces_share_as_many_rows_as_a_window_needs(monkeypatch, rows, pixels):
    monkeypatch.setattr(mtcnn, "PIXELS_AT_ONCE", pixels)
    level = np.arange(rows * 20 * 3).reshape(rows, 20, 3)
    parts = mtcnn.pieces(level)
    begins = [part[0, 0, 0] // 60 for part in parts]
    assert all(len(part) >= mtcnn.WINDOW for part in parts)
    assert [begin % mtcnn.STRIDE for begin in begins] == [0] * len(parts)
    ends = [begin + len(part) for begin, part in zip(begins, parts, strict=True)]
    assert [end - begin for begin, end in zip(begins[1:], ends, strict=False)] == [10] * (
        len(parts) - 1
    )
    assert (begins[0], ends[-1]) == (0, rows)


def test_a_score_asked_for_is_kept(files):
    pixels, _ = portrait("obama.jpg")
    strict = MtcnnDetector(files, detector_score=0.999999)
    assert all(face.detector_score >= 0.999999 for face in strict.detect(pixels))
    assert len(strict.detect(pixels)) < len(MtcnnDetector(files).detect(pixels))


def test_networks_in_the_wrong_order_are_an_error(files):
    with pytest.raises(DetectorError, match=r"onet\.onnx.*is it the right detector"):
        MtcnnDetector(files[::-1])


def test_a_file_that_is_no_network_is_an_error_naming_it(files, tmp_path):
    letter = tmp_path / "letter.onnx"
    letter.write_text("Dear detector,")
    with pytest.raises(DetectorError, match=r"letter\.onnx.*fetch this detector again"):
        MtcnnDetector([letter, *files[1:]])


def test_a_network_with_nan_weights_is_an_error_and_not_a_frame_without_faces(files, tmp_path):
    model = onnx.load(files[2])
    weights = next(each for each in model.graph.initializer if len(each.dims) == 4)
    weights.CopyFrom(
        numpy_helper.from_array(np.full(weights.dims, np.nan, np.float32), weights.name)
    )
    onnx.save(model, tmp_path / "nan.onnx")
    with pytest.raises(DetectorError, match="gave NaN"):
        MtcnnDetector([*files[:2], tmp_path / "nan.onnx"])
