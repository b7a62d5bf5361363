"""Faces that are sought where they are expected, with detectors that know what there is to find."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from edge.gate.looks.following import found_at
from edge.gate.tracker import Place
from edge.samples import Box, DetectedFace
from tests.edge.canned import CannedDetector

PIXELS = np.zeros((480, 640, 3), np.uint8)
ANN, BEN = Box(300, 100, 380, 200), Box(100, 120, 180, 220)


def face(box):
    return DetectedFace(box, np.zeros((5, 2), np.float32), 0.99)


def moved(box, by):
    return Box(box.left + by, box.top, box.right + by, box.bottom)


def place(box):
    return Place(box, 1.0, True)


@dataclass
class Local:
    """Satisfies the Protocol `LocalFaceDetector`: finds whoever is near a box."""

    boxes: list[Box]
    asked: list[Box] = field(default_factory=list)
    smallest: int = 40

    def detect(self, _pixels):
        return [face(one) for one in self.boxes]

    def smallest_sought(self):
        return self.smallest

    def detect_near(self, _pixels, box):
        self.asked.append(box)
        reach = box.width
        return [face(one) for one in self.boxes if abs(one.left - box.left) <= reach]


def test_each_face_is_found_at_its_place_from_left_to_right():
    detector = Local([moved(ANN, 5), moved(BEN, -8)])
    found = found_at([place(ANN), place(BEN)], detector, PIXELS)
    assert found is not None
    assert [one.box for one in found] == [moved(BEN, -8), moved(ANN, 5)]
    assert detector.asked == [ANN, BEN]


@pytest.mark.parametrize("there", [[], [ANN], [ANN, moved(BEN, 60)]])
def test_where_one_is_missing_or_elsewhere_the_whole_frame_is_to_be_searched(there):
    assert found_at([place(ANN), place(BEN)], Local(there), PIXELS) is None


@pytest.mark.parametrize(("by", "is_there"), [(26, True), (27, True), (28, False)])
def test_a_face_is_at_its_place_when_half_of_both_boxes_is_common(by, is_there):
    ann = Box(300, 100, 381, 200)  # 81 wide: moved by 27, 54 of 108 are common
    found = found_at([place(ann)], Local([moved(ann, by)]), PIXELS)
    assert (found is not None) is is_there


@pytest.mark.parametrize(("by", "are_two"), [(26, False), (27, False), (28, True)])
def test_two_faces_are_two_people_when_less_than_half_of_their_boxes_is_common(by, are_two):
    ann = Box(300, 100, 381, 200)
    both = [ann, moved(ann, by)]
    found = found_at([place(one) for one in both], Local(both), PIXELS)
    assert (found is not None) is are_two


def test_of_two_faces_at_a_place_the_nearer_one_is_taken():
    found = found_at([place(ANN)], Local([moved(ANN, 30), moved(ANN, -4)]), PIXELS)
    assert found is not None
    assert [one.box for one in found] == [moved(ANN, -4)]


def test_one_face_does_not_stand_for_two_people():
    behind = place(moved(ANN, 20))
    assert found_at([place(ANN), behind], Local([moved(ANN, 10)]), PIXELS) is None


@pytest.mark.parametrize(
    ("shape", "smallest", "most"),
    [
        ((250, 399), 40, 0),
        ((250, 400), 40, 1),
        ((480, 640), 40, 3),
        ((1080, 1920), 40, 20),
        ((480, 640), 20, 12),  # a search of the whole costs four times as much
        ((1080, 1920), 80, 5),
        ((1080, 1920), 240, 0),
    ],
)
def test_a_crowd_is_not_looked_at_one_by_one(shape, smallest, most):
    crowd = [moved(ANN, 200 * who) for who in range(22)]
    pixels = np.zeros((*shape, 3), np.uint8)
    detector = Local(crowd, smallest=smallest)
    assert found_at([place(one) for one in crowd[:most]], detector, pixels) is not None
    assert len(detector.asked) == most
    assert found_at([place(one) for one in crowd[: most + 1]], detector, pixels) is None
    assert len(detector.asked) == most


def test_a_detector_that_cannot_look_at_a_part_finds_nobody_there():
    assert found_at([place(ANN)], CannedDetector([face(ANN)]), PIXELS) is None
