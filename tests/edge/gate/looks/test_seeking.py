"""In which frames all is searched, with pictures of which it is known what moves in them."""

import numpy as np
import pytest

from edge.gate.looks.seeking import EMPTY_S, WITH_SOMEBODY_S, Seeking, thumbnail_of
from edge.gate.tracker import Place
from edge.samples import Box

FACE = Box(300, 100, 380, 200)
GAP_S = 1.0


def picture(*patches: Box):
    """A wall with something bright at each place."""
    pixels = np.full((480, 640, 3), 90, np.uint8)
    for box in patches:
        pixels[int(box.top) : int(box.bottom), int(box.left) : int(box.right)] = 200
    return pixels


def place(seen_s=0.0, *, is_steady=True):
    return Place(FACE, seen_s, is_steady)


class Camera:
    """Seeks faces at 0 s; tells whether it rests later."""

    def __init__(self, pixels):
        self.seeking = Seeking()
        self.seek(pixels, 0.0)

    def seek(self, pixels, seen_s):
        self.seeking.sought(thumbnail_of(pixels), seen_s)

    def rests(self, pixels, seen_s, *places, gap_s=GAP_S):
        known = self.seeking.known(thumbnail_of(pixels), places, seen_s, gap_s)
        return known is not None


def test_faces_are_sought_in_the_first_frame():
    assert Seeking().known(thumbnail_of(picture()), (), 0.0, GAP_S) is None


def test_while_nobody_is_there_and_nothing_moves_they_are_sought_once_a_second():
    camera = Camera(picture())
    assert camera.rests(picture(), EMPTY_S - 0.1)
    assert not camera.rests(picture(), EMPTY_S)


def test_at_once_when_something_moves_in_an_empty_picture():
    camera = Camera(picture())
    assert not camera.rests(picture(Box(20, 300, 60, 350)), 0.05)


def test_noise_is_no_motion():
    random = np.random.default_rng(0)
    noisy = picture() + random.integers(-9, 10, (480, 640, 3))
    assert Camera(picture()).rests(noisy.astype(np.uint8), 0.1)


def test_while_somebody_is_followed_all_is_searched_three_times_a_second():
    camera, seen = Camera(picture(FACE)), place()
    assert camera.rests(picture(FACE), WITH_SOMEBODY_S - 0.03, seen)
    assert not camera.rests(picture(FACE), WITH_SOMEBODY_S, seen)


def test_faces_are_expected_where_those_are_that_were_found_the_last_time():
    camera, there = Camera(picture(FACE)), place(0.1)
    camera.seek(picture(FACE), 0.1)
    known = camera.seeking.known(thumbnail_of(picture(FACE)), [there, place(-0.5)], 0.2, GAP_S)
    assert known == [there]


def test_times_rounded_to_milliseconds_make_no_difference():
    assert not Camera(picture(FACE)).rests(picture(FACE), WITH_SOMEBODY_S - 0.0005, place())


def test_a_face_may_move_where_it_is_expected_and_its_chest_below_it():
    moved = picture(Box(310, 105, 390, 205), Box(290, 250, 400, 380))
    assert Camera(picture(FACE)).rests(moved, 0.1, place())


def test_at_once_when_something_new_moves_beside_somebody():
    camera = Camera(picture(FACE))
    assert not camera.rests(picture(FACE, Box(20, 300, 60, 350)), 0.05, place())


def test_what_moved_before_while_faces_were_sought_is_not_new_beside_somebody():
    waving = [picture(FACE, Box(20 + x, 300, 60 + x, 350)) for x in (0, 8, 0)]
    camera = Camera(waving[0])
    camera.seek(waving[1], 0.1)
    assert camera.rests(waving[2], 0.15, place(0.1))


def test_whoever_comes_where_somebody_went_a_moment_ago_is_found_at_once():
    camera = Camera(picture(FACE))
    camera.seek(picture(), 0.1)
    assert not camera.rests(picture(FACE), 0.15)


def test_a_face_that_was_not_where_it_was_expected_is_sought_in_every_frame():
    assert not Camera(picture(FACE)).rests(picture(FACE), 0.05, place(is_steady=False))


def test_a_face_that_was_not_found_is_sought_in_every_frame_for_a_moment():
    camera = Camera(picture(FACE))
    camera.seek(picture(FACE), 0.1)
    assert not camera.rests(picture(FACE), 0.14, place(0.0))
    assert camera.rests(picture(FACE), 0.19, place(0.0))


def test_no_track_ends_because_nobody_sought_it():
    camera = Camera(picture(FACE))
    assert not camera.rests(picture(FACE), 0.1, place(), gap_s=0.2)


def test_faces_are_sought_when_a_track_ends():
    camera = Camera(picture())
    camera.seek(picture(), 0.9)
    assert camera.rests(picture(), 1.0, place(0.0))
    assert not camera.rests(picture(), 1.01, place(0.0))


def test_a_picture_of_another_shape_is_searched():
    assert not Camera(picture()).rests(picture()[:, :400], 0.1)


def test_whoever_forgets_seeks_in_the_next_frame():
    camera = Camera(picture())
    camera.seeking.forget()
    assert not camera.rests(picture(), 0.1)


@pytest.mark.parametrize("size", [(1080, 1920), (48, 36), (9, 700)])
def test_a_thumbnail_has_the_shape_of_its_frame_and_knows_its_cells(size):
    thumbnail = thumbnail_of(np.zeros((*size, 3), np.uint8))
    assert thumbnail.grey.shape == (max(1, round(80 * size[0] / size[1])), 80)
    assert thumbnail.cell == size[1] / 80


def test_a_frame_after_one_that_has_no_thumbnail_is_searched():
    camera = Camera(picture())
    camera.seeking.sought(None, 0.1)
    assert not camera.rests(picture(), 0.2)


def test_a_picture_of_another_size_is_searched_and_then_compared_with_its_like():
    camera, upright = Camera(picture()), np.full((640, 480, 3), 90, np.uint8)
    assert not camera.rests(upright, 0.1)
    camera.seek(upright, 0.1)
    assert camera.rests(upright, 0.2)


def test_what_moved_where_faces_were_sought_is_known_there_and_nowhere_else():
    here, there = Box(20, 300, 60, 350), Box(560, 20, 600, 60)
    camera = Camera(picture(FACE))
    camera.seek(picture(FACE, here), 0.1)
    assert camera.rests(picture(FACE), 0.2, place(0.1))
    assert not camera.rests(picture(FACE, here, there), 0.2, place(0.1))


def test_a_camera_that_has_run_for_long_rests_as_it_did_at_first():
    camera = Camera(picture(FACE))
    camera.seek(picture(FACE), 1e5)
    assert camera.rests(picture(FACE), 1e5 + 0.1, place(1e5))


@pytest.mark.parametrize(
    ("moves", "is_known"),
    [
        (Box(320, 56, 360, 96), True),  # hair
        (Box(224, 150, 296, 300), True),
        (Box(384, 150, 460, 300), True),
        (Box(300, 210, 380, 470), True),
        (Box(320, 0, 360, 40), False),
        (Box(140, 150, 210, 300), False),
        (Box(480, 150, 560, 300), False),
    ],
)
def test_hair_shoulders_and_chest_of_who_is_followed_may_move_and_nothing_beyond(moves, is_known):
    camera = Camera(picture(FACE))
    assert camera.rests(picture(FACE, moves), 0.1, place()) is is_known
