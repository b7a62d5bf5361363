"""What a detector is shown of a frame about a place, and where the faces it finds there lie."""

import numpy as np
import pytest

from edge.detection.nearby import ABOUT, SIDE, faces_near
from edge.samples import Box, DetectedFace

HEIGHT, WIDTH = 480, 640
NOISE = np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)

CENTRE = 0.5
"""Of the first pixel: landmarks count from it, and boxes from its outer edge."""


class Shown:
    """A detector that finds one face, at the edges of what it is shown."""

    def __init__(self):
        self.parts, self.expected = [], []

    def __call__(self, pixels, box):
        self.parts.append(pixels)
        self.expected.append(box)
        height, width = pixels.shape[:2]
        corners = [[0, 0], [width, 0], [width / 2, height / 2], [0, height], [width, height]]
        landmarks = np.array(corners, np.float32) - CENTRE
        return [DetectedFace(Box(0, 0, width, height), landmarks, 0.9)]


def near(box, smallest_face=40):
    shown = Shown()
    (found,) = faces_near(shown, NOISE, box, smallest_face)
    return shown.parts[0], found


def test_a_small_face_is_shown_as_it_is_with_half_of_its_side_about_it():
    part, found = near(Box(100, 50, 160, 120))
    assert (part == NOISE[15:155, 60:200]).all()
    assert found.box == Box(60, 15, 200, 155)
    assert (found.landmarks[2] + CENTRE).tolist() == [130, 85]


def test_a_large_face_is_shown_smaller_and_lies_where_it_was():
    part, found = near(Box(100, 40, 420, 440))
    assert part.shape[0] == round(min(HEIGHT, 40 + 400 + 200) * SIDE / 400)
    assert part.shape[1] == round((660 - 0 - 20) * SIDE / 400)
    assert found.box == Box(0, 0, 640, 480)
    landmarks = (found.landmarks + CENTRE).tolist()
    assert landmarks == [[0, 0], [640, 0], [320, 240], [0, 480], [640, 480]]
    assert part.flags["C_CONTIGUOUS"]


def test_it_is_left_larger_than_the_smallest_face_that_is_sought():
    part, _ = near(Box(200, 100, 400, 300), smallest_face=100)
    assert part.shape[0] > 100 * (1 + 2 * ABOUT)


def test_over_the_border_nothing_is_shown_and_nothing_shifted():
    part, found = near(Box(-20, -10, 40, 60))
    assert (part == NOISE[:95, :80]).all()
    assert found.box == Box(0, 0, 80, 95)


def test_a_face_within_what_is_shown_lies_as_many_times_further_in_as_that_was_shrunk():
    def found_there(pixels, _):
        assert pixels.shape == (96, 128, 3)  # of 480 x 640, a face of 400 being shrunk to 80
        return [DetectedFace(Box(10, 20, 30, 50), np.full((5, 2), 7, np.float32), 0.9)]

    (found,) = faces_near(found_there, NOISE, Box(100, 40, 420, 440), 40)
    assert found.box == Box(50, 100, 150, 250)
    assert (found.landmarks + CENTRE == 5 * (7 + CENTRE)).all()


@pytest.mark.parametrize(
    ("box", "shape"), [(Box(-1499, 0, -499, 480), (38, 1)), (Box(0, -1499, 640, -499), (1, 51))]
)
def test_of_a_sliver_at_the_border_a_line_is_shown(box, shape):
    part, _ = near(box)
    assert part.shape[:2] == shape


def test_it_is_told_where_the_face_is_expected_in_what_is_shown():
    shown = Shown()
    faces_near(shown, NOISE, Box(100, 50, 160, 120), 40)
    faces_near(shown, NOISE, Box(100, 40, 420, 440), 40)
    small, shrunk = shown.expected
    assert small == Box(40, 35, 100, 105)
    across, down = 640 / shown.parts[1].shape[1], 480 / shown.parts[1].shape[0]
    assert shrunk == Box(100 / across, 40 / down, 420 / across, 440 / down)


@pytest.mark.parametrize(
    "box",
    [
        *(Box(-300, 0, -200, 90), Box(10, 900, 80, 980)),
        *(Box(-150, 0, -50, 90), Box(10, 530, 80, 630)),  # up to the border
    ],
)
def test_outside_of_the_frame_there_is_nobody(box):
    assert faces_near(Shown(), NOISE, box, 40) == ()
