import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.samples import Pixels
from edge.sources.health import REMEMBERED, Glance, PictureHealth, glance

SIZE = (640, 480)


def noise(seed: int) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (480, 640, 3), dtype=np.uint8)


def health(pictures: list[Glance], every_s: float = 1.0) -> PictureHealth:
    known = PictureHealth()
    for index, picture in enumerate(pictures):
        known = known.seen(picture, 100 + index * every_s)
    return known


def picture(signature: int, *, black: bool = False) -> Glance:
    return Glance(SIZE, signature, black)


def test_equal_pictures_look_equal_and_different_ones_differ():
    assert glance(noise(0)) == glance(noise(0))
    assert glance(noise(0)).signature != glance(noise(1)).signature
    assert glance(noise(0)).size == SIZE


def lamp(width: int) -> Pixels:
    pixels = np.full((480, 640, 3), 5, np.uint8)
    pixels[:, :width] = 200
    return pixels


@pytest.mark.parametrize(
    ("pixels", "black"),
    [
        (np.zeros((480, 640, 3), np.uint8), True),
        (np.full((480, 640, 3), 16, np.uint8), True),
        (np.full((480, 640, 3), 60, np.uint8), False),
        (lamp(0), True),
        (lamp(32), False),
        (noise(0), False),
        (np.zeros((1, 1, 3), np.uint8), True),
    ],
)
def test_a_picture_without_light_is_black(pixels, black):
    assert glance(pixels).is_black is black


def test_a_night_scene_with_one_blue_lamp_is_not_black():
    pixels = np.zeros((480, 640, 3), np.uint8)
    pixels[100:200, 100:200, 0] = 255
    assert not glance(pixels).is_black


@pytest.mark.parametrize("buffers", range(1, REMEMBERED + 1))
def test_the_same_buffers_over_and_over_are_frozen(buffers):
    looped = [picture(index % buffers) for index in range(buffers + 10)]
    assert health(looped).frozen_for_s == 10


def test_one_new_picture_ends_being_frozen():
    assert health([picture(0)] * 10 + [picture(1)]).frozen_for_s == 0


@given(st.lists(st.integers(0, 20), max_size=40))
def test_frozen_time_never_exceeds_the_time_watched(signatures):
    known = health([picture(signature) for signature in signatures])
    assert 0 <= known.frozen_for_s <= max(0, len(signatures) - 1)
    assert len(known.recent) <= REMEMBERED


def test_black_time_is_counted_until_light_comes():
    black = [picture(index, black=True) for index in range(6)]
    assert health(black).black_for_s == 5
    assert health([*black, picture(9)]).black_for_s == 0


def test_a_change_of_size_is_counted():
    sizes = [(640, 480), (640, 480), (1280, 720), (640, 480)]
    known = health([Glance(size, index, is_black=False) for index, size in enumerate(sizes)])
    assert (known.size, known.size_changes) == ((640, 480), 2)


def test_a_reopened_camera_is_judged_anew_but_remembers_its_size():
    known = health([picture(0, black=True)] * 5).reopened()
    assert (known.frozen_for_s, known.black_for_s, known.size) == (0, 0, SIZE)
    known = known.seen(picture(0, black=True), 10_000.0)
    assert (known.frozen_for_s, known.black_for_s) == (0, 0)


@pytest.mark.parametrize(
    ("pictures", "trouble"),
    [
        ([picture(0)] * 62, "frozen"),
        ([picture(index % 4) for index in range(70)], "frozen"),
        ([picture(index, black=True) for index in range(62)], "black"),
        ([picture(0, black=True)] * 62, "black"),
        ([picture(0)] * 60, None),
        ([picture(0)] * 62 + [picture(1)], None),
        ([picture(index) for index in range(70)], None),
    ],
)
def test_trouble_is_what_lasts_for_a_minute(pictures, trouble):
    assert health(pictures).trouble == trouble


def test_damage_is_told_at_once_and_until_none_came_for_a_minute():
    known = health([picture(index) for index in range(5)]).left_out(5.0)
    assert (known.trouble, known.damaged) == ("damaged", 1)
    later = known.seen(picture(6), 64.0)
    assert later.trouble == "damaged"
    assert later.seen(picture(7), 65.0).trouble is None
    assert later.seen(picture(7), 65.0).damaged == 1


def test_a_reopened_camera_is_not_blamed_for_damage_before_but_its_count_goes_on():
    known = health([picture(0)]).left_out(1.0).reopened()
    assert (known.trouble, known.damaged) == (None, 1)
