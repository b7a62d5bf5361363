from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.transform import SimilarityTransform

from engines.errors import AlignmentError
from engines.quality.align import align, similarity_transform
from engines.quality.specification import InputSpecification

ARCFACE = (
    (38.2946, 51.6963),
    (73.5318, 51.5014),
    (56.0252, 71.7366),
    (41.5493, 92.3655),
    (70.7299, 92.2041),
)
TEMPLATE = np.array(ARCFACE, np.float32)
SPECIFICATION = InputSpecification(112, 112, "bgr", 127.5, 128.0, "nchw", ARCFACE)


@st.composite
def faces(draw):
    """Landmarks of a turned, scaled, moved template with each point off by up to a tenth of it."""
    turn = draw(st.floats(0.2, 20)) * np.exp(1j * draw(st.floats(-np.pi, np.pi)))
    noise = np.array(draw(st.lists(st.floats(-8, 8), min_size=10, max_size=10))).reshape(5, 2)
    moved = (TEMPLATE + noise - TEMPLATE.mean(axis=0)) @ [1, 1j] * turn
    centre = draw(st.floats(0, 4000)) + 1j * draw(st.floats(0, 4000))
    return np.column_stack([(moved + centre).real, (moved + centre).imag]).astype(np.float32)


@given(faces())
def test_the_closed_form_equals_scikit_image(landmarks):
    oracle = SimilarityTransform.from_estimate(
        landmarks.astype(np.float64), TEMPLATE.astype(np.float64)
    )
    mapped = landmarks @ similarity_transform(landmarks, TEMPLATE)[:, :2].T
    mapped += similarity_transform(landmarks, TEMPLATE)[:, 2]
    # float32 coordinates of some thousands, scaled by up to 5: rounding of 1e-3 pixels
    assert mapped == pytest.approx(oracle(landmarks.astype(np.float64)), abs=1e-3)


def test_a_turned_head_is_fitted_with_all_five_points_and_none_dropped():
    profile = TEMPLATE.copy()
    profile[:, 0] = 56 + 0.3 * (profile[:, 0] - 56)
    profile[2, 0] += 20  # the nose sticks out
    oracle = SimilarityTransform.from_estimate(profile, TEMPLATE)
    assert similarity_transform(profile, TEMPLATE) == pytest.approx(oracle.params[:2], abs=1e-5)


def test_landmarks_on_the_template_leave_the_image_as_it_is():
    pixels = np.random.default_rng(1).integers(0, 256, (112, 112, 3), np.uint8)
    difference = align(pixels, TEMPLATE, SPECIFICATION).astype(int) - pixels
    assert np.abs(difference).max() <= 1  # OpenCV interpolates in steps of 1/32 pixel


@pytest.mark.parametrize("degrees", [0, 90, 137, 180])
def test_a_dot_on_each_landmark_of_a_turned_face_lands_on_the_template(degrees):
    turn = np.exp(1j * np.radians(degrees)) * 2.0
    points = (TEMPLATE - 56) @ [1, 1j] * turn
    landmarks = np.column_stack([points.real, points.imag]).astype(np.float32) + 300
    for index, (x, y) in enumerate(landmarks):
        pixels = np.zeros((600, 600, 3), np.uint8)
        pixels[round(y) - 2 : round(y) + 3, round(x) - 2 : round(x) + 3] = 255
        lit = align(pixels, landmarks, SPECIFICATION)[:, :, 0] > 127
        centre = np.argwhere(lit).mean(axis=0)[::-1]
        assert centre == pytest.approx(TEMPLATE[index], abs=1.0)  # the dot is two pixels wide


def waves(x, y):
    """Grey values at any place of a picture of waves 8 pixels long."""
    return 128 + 60 * np.cos(x * np.pi / 4) * np.sin(y * np.pi / 4)


@pytest.mark.parametrize("enlarged", [1.2, 1.5, 2.0])
def test_a_small_face_is_enlarged_without_losing_what_it_shows(enlarged):
    y, x = np.mgrid[:112, :112]
    small = np.repeat(waves(x, y).round().astype(np.uint8)[..., None], 3, axis=2)
    face_image = align(small, TEMPLATE / enlarged, SPECIFICATION)[:, :, 0]
    expected = waves(x / enlarged, y / enlarged)
    error = (face_image - expected)[8:-8, 8:-8].std()
    assert error < 1.5  # grey values; 2.7 and more from the four pixels about each


def test_three_points_are_the_eyes_and_the_middle_of_the_mouth():
    three = np.stack([*TEMPLATE[:2], TEMPLATE[3:].mean(axis=0)])
    grinning = TEMPLATE.copy()
    grinning[2] += [9, -5]  # the nose does not count,
    grinning[3:, 0] += [-7, 7]  # nor does the width of the mouth
    moved = (grinning * 2 + [30, 40]).astype(np.float32)
    expected = [[0.5, 0, -15], [0, 0.5, -20]]
    assert similarity_transform(moved, three) == pytest.approx(np.array(expected), abs=1e-4)


def test_a_template_of_another_number_of_points_is_refused():
    with pytest.raises(ValueError, match="template: 4 points"):
        replace(SPECIFICATION, template=ARCFACE[:4])


def test_what_lies_beyond_the_border_is_black():
    pixels = np.full((60, 112, 3), 255, np.uint8)
    face_image = align(pixels, TEMPLATE, SPECIFICATION)
    assert face_image[:58].min() == 255
    assert face_image[61:].max() == 0


@pytest.mark.parametrize(
    ("landmarks", "complaint"),
    [
        (np.full((5, 2), 7), "coincide"),
        (TEMPLATE * 1e-3, "coincide"),
        (np.where(np.eye(5, 2) > 0, np.nan, TEMPLATE), "not finite"),
        (np.where(np.eye(5, 2) > 0, np.inf, TEMPLATE), "not finite"),
        (TEMPLATE * [-1, 1], "not arranged as a face"),
        (TEMPLATE[[3, 4, 0, 2, 1]], "not arranged as a face"),
    ],
    ids=["one point", "one pixel", "nan", "infinite", "mirrored", "shuffled"],
)
def test_landmarks_that_span_no_face_are_an_error(landmarks, complaint):
    with pytest.raises(AlignmentError, match=complaint):
        align(np.zeros((99, 99, 3), np.uint8), landmarks.astype(np.float32), SPECIFICATION)
