import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.gate.pose import Pose, pose

FRONTAL = np.array([(30, 40), (70, 40), (50, 60), (35, 80), (65, 80)], np.float32)
"""Eyes 40 px apart, nose tip midway, mouth 40 px below: no roll, yaw or pitch."""


def moved(landmark: int, x: float, y: float):
    landmarks = FRONTAL.copy()
    landmarks[landmark] += (x, y)
    return landmarks


def rotated(landmarks, degrees: float):
    angle = math.radians(degrees)
    matrix = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return (landmarks.astype(np.float64) @ matrix.T).astype(np.float32)


def close(head: Pose):
    # Landmarks are float32 of some hundred pixels: 1e-5 px in 40.
    return pytest.approx((head.roll, head.yaw_ratio, head.pitch_ratio), abs=1e-4)


def figures(landmarks):
    head = pose(landmarks)
    assert head is not None
    return (head.roll, head.yaw_ratio, head.pitch_ratio)


def test_an_upright_frontal_face_has_no_pose():
    assert figures(FRONTAL) == close(Pose(0, 0, 0))


def test_the_template_faces_are_aligned_to_is_almost_without_pose():
    arcface = [
        (38.2946, 51.6963),
        (73.5318, 51.5014),
        (56.0252, 71.7366),
        (41.5493, 92.3655),
        (70.7299, 92.2041),
    ]
    assert figures(np.array(arcface, np.float32)) == pytest.approx((-0.317, 0.0, -0.010), abs=0.001)


@pytest.mark.parametrize(
    ("landmarks", "expected"),
    [
        (moved(2, 20, 0), Pose(0, 0.5, 0)),
        (moved(2, -20, 0), Pose(0, -0.5, 0)),
        (moved(2, 0, -20), Pose(0, 0, -1)),
        (moved(2, 0, 20), Pose(0, 0, 1)),
        (moved(3, 0, 20), Pose(0, 0, -0.2)),  # the mouth line runs midway between its corners
        (moved(4, 0, 20), Pose(0, 0, -0.2)),
        (rotated(FRONTAL, 30), Pose(30, 0, 0)),
        (rotated(FRONTAL, -90), Pose(-90, 0, 0)),
    ],
    ids=[
        "right eye",
        "left eye",
        "eye line",
        "mouth line",
        "left corner",
        "right corner",
        "clockwise",
        "lying on a side",
    ],
)
def test_each_figure_follows_its_landmark(landmarks, expected):
    assert figures(landmarks) == close(expected)


@given(st.floats(-179, 179), st.floats(0.1, 20), st.floats(-500, 500), st.floats(-500, 500))
def test_turning_scaling_and_moving_in_the_image_change_only_the_roll(angle, scale, x, y):
    turned = moved(2, 8, -6)
    elsewhere = rotated(turned, angle) * np.float32(scale) + np.array([x, y], np.float32)
    _, yaw_ratio, pitch_ratio = figures(turned)
    # A face of 4 px eye distance at 1000 px is known to 1e-4 px.
    assert figures(elsewhere) == pytest.approx((angle, yaw_ratio, pitch_ratio), abs=0.05)


@given(st.floats(-80, 80), st.floats(0.2, 0.8))
def test_the_yaw_ratio_is_the_tangent_of_yaw_under_the_stated_model(yaw, protrusion):
    angle = math.radians(yaw)
    eyes = 20 * math.cos(angle)
    nose = 40 * protrusion * math.sin(angle)
    landmarks = np.array([(-eyes, 0), (eyes, 0), (nose, 20), (-10, 40), (10, 40)], np.float32)
    assert figures(landmarks)[1] == pytest.approx(protrusion * math.tan(angle), abs=1e-4)


@pytest.mark.parametrize(
    "landmarks",
    [
        moved(1, -40, 0),
        np.zeros((5, 2), np.float32),
        FRONTAL[[1, 0, 2, 3, 4]],
        moved(0, np.nan, 0),
        moved(4, 0, np.inf),
    ],
    ids=["one eye", "one point", "eyes swapped", "NaN", "infinite"],
)
def test_landmarks_that_span_no_face_have_no_pose(landmarks):
    assert pose(landmarks) is None


@pytest.mark.parametrize("drop", [0.0, -1.0])
def test_a_mouth_that_is_not_below_the_eyes_is_of_no_face(drop):
    landmarks = FRONTAL.copy()
    landmarks[3:, 1] = FRONTAL[0, 1] + drop
    assert pose(landmarks) is None


def test_a_mouth_just_below_the_eyes_is_of_a_face():
    landmarks = FRONTAL.copy()
    landmarks[3:, 1] = FRONTAL[0, 1] + 0.5
    assert pose(landmarks) is not None
