import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.detection.image_pyramid import cuts, image_pyramid, shrunk

COLUMNS, ROWS = np.meshgrid(np.arange(250), np.arange(201))
RAMP = np.stack([COLUMNS, ROWS, np.zeros_like(ROWS)], axis=2).astype(np.uint8)
"""A pixel's first channel is its column, its second channel its row."""


@given(st.floats(24, 100), st.floats(0, 99), st.floats(0, 99), st.sampled_from([12, 24, 48, 64]))
def test_a_square_shows_the_places_it_was_cut_from(length, left, top, side):
    squares = np.array([[left, top, left + length, top + length]], np.float32)
    piece = cuts(image_pyramid(RAMP), squares, (side, side))[0].astype(float)
    places = (np.arange(side) + 0.5) * length / side - 0.5
    inside = slice(side // 8, -(side // 8))  # the border of a coarse level is not a ramp
    assert piece[inside, inside, 0].mean(axis=0) == pytest.approx((left + places)[inside], abs=1.1)
    assert piece[inside, inside, 1].mean(axis=1) == pytest.approx((top + places)[inside], abs=1.1)


def test_what_lies_beyond_the_border_is_black():
    white = np.full((40, 40, 3), 255, np.uint8)
    (piece,) = cuts(image_pyramid(white), np.array([[-20, 0, 20, 40]], np.float32), (40, 40))
    assert piece[:, :19].max() == 0
    assert piece[:, 21:].min() == 255


@pytest.mark.parametrize("scale", [0.05, 0.1, 0.3, 0.5, 0.9, 1.0, 1.5])
def test_shrinking_keeps_every_place_and_the_size_that_was_asked_for(scale):
    small = shrunk(image_pyramid(RAMP), scale)
    assert small.shape[:2] == pytest.approx((201 * scale, 250 * scale), abs=1)
    places = (np.arange(small.shape[1]) + 0.5) / scale - 0.5
    inside = slice(2, -2)
    assert small[5, inside, 0] == pytest.approx(places[inside], abs=1.1)


@pytest.mark.parametrize("scale", [0.1, 0.2, 0.4])
def test_shrinking_noise_averages_it_as_the_mean_over_areas_does(scale):
    noise = np.random.default_rng(2).integers(0, 256, (400, 400, 3), np.uint8)
    area = cv2.resize(noise, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    nearest = cv2.resize(noise, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
    spread = shrunk(image_pyramid(noise), scale).std()
    assert abs(spread - area.std()) < 0.25 * abs(nearest.std() - area.std())


def test_an_image_of_one_pixel_has_one_level():
    assert len(image_pyramid(np.zeros((1, 1, 3), np.uint8))) == 1
