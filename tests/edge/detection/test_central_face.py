import numpy as np
import pytest

from edge.detection.central_face import central_face, portrait
from edge.samples import Box, DetectedFace

PIXELS = np.zeros((100, 200, 3), np.uint8)


def face(left, top, side, eyes=((0.3, 0.4), (0.7, 0.4))):
    points = [*eyes, (0.5, 0.6), (0.35, 0.8), (0.65, 0.8)]
    landmarks = np.array([left, top]) + side * np.array(points)
    box = Box(left, top, left + side, top + side)
    return DetectedFace(box, landmarks.astype(np.float32), 0.9)


def test_the_face_in_the_middle_is_meant_and_not_a_bystander():
    middle, bystander = face(85, 35, 30), face(5, 5, 30)
    assert central_face([bystander, middle], PIXELS) is middle


def test_a_large_face_a_little_aside_is_meant_rather_than_a_small_one_behind_it():
    large, small = face(50, 10, 80), face(98, 48, 8)
    assert central_face([small, large], PIXELS) is large


def test_no_faces_have_no_central_one():
    assert central_face([], PIXELS) is None


def numbered(height, width):
    rows, columns = np.mgrid[:height, :width]
    return np.dstack([rows, columns, np.full((height, width), 255)]).astype(np.uint8)


def test_a_portrait_is_six_inter_eye_distances_wide_with_the_eyes_a_little_above_its_middle():
    cut = portrait(numbered(200, 200), face(75, 80, 50))  # eyes at (90, 100) and (110, 100)
    assert cut.shape == (120, 120, 3)
    row, column, _ = cut[60 - 6, 60]
    assert (row, column) == (100, 100)


@pytest.mark.parametrize("place", [(-20, 0), (180, 0), (0, -20), (0, 180), (150, 150)])
def test_a_portrait_over_the_border_keeps_its_size_and_is_black_there(place):
    cut = portrait(numbered(200, 200), face(place[0], place[1], 50))
    assert cut.shape == (120, 120, 3)
    assert (cut[..., 2] == 0).any()
    assert (cut[..., 2] == 255).any()
