import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from skimage.measure import points_in_poly

from edge.config.masks import is_inside, is_masked, polygon
from tests.edge.configurations import SMALLEST, loaded

LEFT_THIRD = polygon("0,0 0.3,0 0.3,1 0,1")
FRACTIONS = st.floats(0, 1, width=16)
POINTS = st.tuples(FRACTIONS, FRACTIONS)


def eyes_at(x, y):
    """Landmarks in pixels of a frame of 200 x 100 with this midpoint between the eyes."""
    midpoint = np.array([x * 200, y * 100])
    rest = np.full((3, 2), 1000.0)
    half = np.array([9, 1])
    return np.array([midpoint - half, midpoint + half, *rest], np.float32)


@pytest.mark.parametrize(("x", "masked"), [(0.1, True), (0.29, True), (0.31, False), (0.9, False)])
def test_a_face_is_masked_by_where_its_eyes_are(x, masked):
    assert is_masked([LEFT_THIRD], eyes_at(x, 0.5), (200, 100)) is masked


def test_a_face_is_masked_by_any_of_several_masks():
    right = polygon("0.7,0 1,0 1,1 0.7,1")
    assert is_masked([LEFT_THIRD, right], eyes_at(0.8, 0.5), (200, 100))


def test_landmarks_that_are_no_numbers_lie_in_no_mask():
    assert not is_masked([LEFT_THIRD], np.full((5, 2), np.nan, np.float32), (200, 100))


@given(st.lists(POINTS, min_size=3, max_size=8), POINTS)
def test_inside_is_what_the_even_odd_rule_of_another_library_says(corners, point):
    assume(_distance_to_outline(corners, point) > 1e-6)  # on the outline either answer is right
    expected = bool(points_in_poly([point], corners)[0])
    assert is_inside(tuple(corners), point) is expected


def _distance_to_outline(corners, point):
    starts = np.array(corners, float)
    sides = np.roll(starts, -1, axis=0) - starts
    lengths = np.maximum((sides**2).sum(axis=1), 1e-300)
    along = np.clip(((point - starts) * sides).sum(axis=1) / lengths, 0, 1)
    return np.hypot(*(starts + along[:, None] * sides - point).T).min()


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("0,0 0.3,0", "three or more points"),
        ("0,0 0.3,0 0.3;1", "three or more points"),
        ("0,0 0.3,0 0.3,1.5", "fractions of the frame"),
        ("nan,0 0.3,0 0.3,1 1,1", "three or more points"),
    ],
)
def test_a_wrong_mask_is_named(written, message):
    text = SMALLEST.replace("uri: photographs", f"uri: photographs\n    masks: ['{written}']")
    with pytest.raises(ValueError, match=message):
        loaded(text)
