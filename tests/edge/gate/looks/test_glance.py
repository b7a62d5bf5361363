import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edge.gate.looks.glance import SIDE, Glance, difference, sketch_of
from edge.samples import Box

BOX = Box(0, 0, 80, 80)


def pattern(picture):
    return Glance(1, BOX, 40.0, sketch_of(picture)).pattern


def striped(light: int, dark: int):
    picture = np.full((112, 112, 3), dark, np.uint8)
    picture[:, ::2] = light
    picture[:56] = light
    return picture


@given(st.integers(0, 255), st.integers(0, 255))
def test_a_picture_does_not_differ_from_itself(light, dark):
    one = pattern(striped(light, dark))
    assert difference(one, one) == 0


def test_a_sketch_is_small_and_grey_whatever_the_size_of_the_face_image():
    for height, width in ((112, 112), (20, 16), (160, 160)):
        sketch = sketch_of(np.full((height, width, 3), 77, np.uint8))
        assert (sketch.shape, sketch.dtype.name) == ((SIDE, SIDE), "uint8")
        assert (sketch == 77).all()


def test_pictures_of_less_contrast_differ_as_much_as_those_of_more():
    strong = difference(pattern(striped(200, 100)), pattern(striped(200, 100)[::-1]))
    weak = difference(pattern(striped(150, 100)), pattern(striped(150, 100)[::-1]))
    assert 0.5 < float(weak) / float(strong) < 2


def test_noise_of_a_flat_picture_is_no_difference():
    random = np.random.default_rng(0)
    flat = np.full((112, 112, 3), 120, np.uint8)
    noisy = (flat + random.integers(-3, 4, flat.shape)).astype(np.uint8)
    assert difference(pattern(flat), pattern(noisy)) < 0.1


def test_another_brightness_is_a_difference():
    assert difference(pattern(np.full((112, 112, 3), 40, np.uint8)), pattern(striped(90, 90))) > 1
