"""Size, margins and pose; what is seen in pixels is held in tests/engines/quality."""

import math

import cv2
import numpy as np
import pytest

from edge.gate.components import COMPONENTS, components
from edge.samples import Box, DetectedFace
from tests.engines.quality.drawn_face import LANDMARKS, drawn_face

FACE = drawn_face()
FRONTAL = np.array([[100, 100], [160, 100], [130, 132], [108, 165], [152, 165]], np.float32)
"""60 px between the eyes, the nose midway, the mouth 65 px below."""


def face_of(landmarks):
    return DetectedFace(Box(0, 0, 1, 1), np.asarray(landmarks, np.float32), 0.9)


def found(landmarks=FRONTAL, width=260, height=300):
    return components(np.full((height, width, 3), 99, np.uint8), face_of(landmarks))


def test_every_component_has_its_name_and_a_quality_of_0_to_100():
    seen = components(FACE, face_of(LANDMARKS))
    assert set(seen) == set(COMPONENTS)
    assert all(0 <= each.quality <= 100 and math.isfinite(each.value) for each in seen.values())


def test_the_values_of_a_frontal_face_are_those_of_its_landmarks():
    seen = found()
    chin = 1.74 * 65
    expected = {
        "inter_eye_distance": 60,
        "head_size": chin / 300,
        "leftward_crop": 100 / 60,
        "rightward_crop": 100 / 60,
        "margin_above": 100 / chin,
        "margin_below": 200 / chin,
        "head_pose_yaw": 0,
        "head_pose_roll": 0,
    }
    values = {name: seen[name].value for name in expected}
    assert values == pytest.approx(expected, abs=1e-4)
    assert abs(seen["head_pose_pitch"].value) < 2


def test_a_small_face_is_told_by_its_eye_distance_alone_among_pixels_and_pose():
    near, far = found(FRONTAL * 2, 520, 600), found(FRONTAL / 3, 87, 100)
    qualities = [each["inter_eye_distance"].quality for each in (near, far)]
    assert qualities == [92, 8]  # 100 / (1 + exp((70 - 120) / 20)) and of 20 pixels
    for name in ("head_size", "margin_above", "head_pose_yaw"):
        assert near[name].quality == pytest.approx(far[name].quality, abs=2)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("leftward_crop", lambda image: image[:, 60:]),
        ("rightward_crop", lambda image: image[:, :-60]),
        ("margin_above", lambda image: image[60:]),
        ("margin_below", lambda image: image[:-60]),
    ],
)
def test_each_border_that_comes_near_is_told_by_its_own_margin(name, change):
    wide = np.full((420, 340, 3), 99, np.uint8)
    landmarks = FRONTAL + np.array([40, 70], np.float32)
    cut = change(wide)
    moved = landmarks - np.array(
        [340 - cut.shape[1] if name == "leftward_crop" else 0, 60 if name == "margin_above" else 0],
        np.float32,
    )
    before = components(wide, face_of(landmarks))
    after = components(np.ascontiguousarray(cut), face_of(moved))
    margins = [each for each in COMPONENTS if each.endswith("crop") or each.startswith("margin")]
    fallen = {each for each in margins if after[each].value < before[each].value - 1e-3}
    assert fallen == {name}


@pytest.mark.parametrize("degrees", [-40, -15, 15, 40])
def test_a_turn_in_the_picture_is_the_roll_and_nothing_else(degrees):
    turn = cv2.getRotationMatrix2D((130, 130), -degrees, 1)
    turned = FRONTAL @ turn[:, :2].T + turn[:, 2]
    seen = found(turned)
    assert seen["head_pose_roll"].value == pytest.approx(degrees, abs=1e-3)
    cosine = math.cos(math.radians(degrees))
    assert seen["head_pose_roll"].quality == pytest.approx(100 * cosine**2, abs=0.5)
    assert seen["head_pose_yaw"].value == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("degrees", [-35, 20, 35])
def test_yaw_is_that_of_a_head_in_space_and_the_eye_distance_is_as_if_frontal(degrees):
    yaw = math.radians(degrees)
    centred = FRONTAL - [130, 100]
    depth = np.array([0, 0, 30, 0, 0])  # the nose tip, half an eye distance before the others
    turned = centred.copy()
    turned[:, 0] = centred[:, 0] * math.cos(yaw) + depth * math.sin(yaw)
    seen = found(turned + np.array([130, 100]))
    assert seen["head_pose_yaw"].value == pytest.approx(degrees, abs=0.1)
    assert seen["inter_eye_distance"].value == pytest.approx(60, abs=0.1)


@pytest.mark.parametrize("down", [-15, 15])
def test_a_nose_that_comes_down_is_a_pitch_downwards(down):
    nodding = FRONTAL.copy()
    nodding[2, 1] += down
    seen = found(nodding)
    assert math.copysign(1, seen["head_pose_pitch"].value) == math.copysign(1, down)
    assert seen["head_pose_pitch"].quality < found()["head_pose_pitch"].quality


def test_landmarks_that_span_no_face_have_no_components():
    assert found(np.full((5, 2), 40)) == {}
