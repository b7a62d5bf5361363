"""Golden photographs: how far faces are from the known ones, and the file they lie in."""

import numpy as np
import pytest

from edge.detection.golden import Photograph, figures_of, read, written
from edge.samples import Box, DetectedFace
from engines.errors import PairIntegrityError
from engines.pair.detector_plans import FaceLimits

PIXELS = np.zeros((300, 400, 3), np.uint8)
LIMITS = FaceLimits()


def face(left=100.0, score=0.9, shift=0.0, side=112.0):
    box = Box(left + shift, 50.0 + shift, left + side + shift, 50.0 + side + shift)
    landmarks = np.array([[20, 30], [70, 30], [45, 60], [25, 85], [65, 85]], np.float32)
    return DetectedFace(box, landmarks + np.float32(left + shift), score)


class Canned:
    def __init__(self, *faces):
        self.faces = faces

    def detect(self, pixels):
        assert pixels is PIXELS
        return self.faces


def figures(known, found, limits=LIMITS):
    return figures_of([Photograph(PIXELS, tuple(known))], Canned(*found), limits, floor=0.5)


def test_the_same_faces_have_not_moved():
    found = figures([face(), face(250)], [face(250), face()])
    assert (found.faces, found.appeared) == (2, 0)
    assert (found.box_pixels, found.landmark_pixels, found.score) == (0, 0, 0)


def test_distances_are_those_of_a_face_112_wide():
    found = figures([face(side=224.0)], [face(side=224.0, shift=4.0)])
    assert found.box_pixels == pytest.approx(2)
    assert found.landmark_pixels == pytest.approx(2 * 2**0.5, rel=1e-5)


def test_the_usual_distance_is_the_median_and_the_other_the_furthest():
    known = [face(left) for left in (0, 150, 280)]
    found = figures(known, [face(0), face(150, shift=1), face(280, shift=3)])
    assert found.usual_pixels == pytest.approx(2**0.5, rel=1e-5)
    assert found.landmark_pixels == pytest.approx(3 * 2**0.5, rel=1e-5)


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize(("score", "appeared"), [(0.9, 1), (0.53, 1), (0.515, 0)])
def test_a_face_that_only_one_finds_counts_unless_it_is_hardly_one(known, score, appeared):
    pair = [face()], [face(), face(250, score)]
    found = figures(*(pair if known else pair[::-1]))
    assert found.appeared == appeared


def test_faces_that_hardly_overlap_are_two():
    assert figures([face()], [face(shift=60)]).appeared == 2


def test_each_limit_that_is_missed_is_named_with_both_figures():
    found = figures([face()], [face(shift=5, score=0.8), face(250)])
    words = "; ".join(found.missed(LIMITS))
    assert "an edge of a box moved by 5.00 pixels, above 1" in words
    assert "a landmark moved by 7.07 pixels, above 2.5" in words
    assert "a detector score moved by 0.100, above 0.02" in words
    assert "1 face came or went" in words


def test_without_any_face_nothing_is_proved():
    assert figures([], []).missed(LIMITS) == ("no face is found by both",)


def test_photographs_come_back_from_their_file_as_they_were():
    known = Photograph(PIXELS, (face(), face(250)))
    (again, nobody) = read(written([known, Photograph(PIXELS[:9], ())]), "golden")
    np.testing.assert_array_equal(again.pixels, PIXELS)
    assert nobody.faces == ()
    for one, other in zip(known.faces, again.faces, strict=True):
        assert (one.box, one.detector_score) == (other.box, other.detector_score)
        np.testing.assert_array_equal(one.landmarks, other.landmarks)


def test_the_same_photographs_give_the_same_bytes():
    known = Photograph(PIXELS, (face(),))
    assert written([known]) == written([known])


@pytest.mark.parametrize("content", [b"", b"no file", written([Photograph(PIXELS, ())])[:-9]])
def test_another_file_is_an_error_that_names_it(content):
    with pytest.raises(PairIntegrityError, match=r"golden\.npz: no golden photographs"):
        read(content, "golden.npz")
