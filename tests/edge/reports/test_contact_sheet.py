import numpy as np

from edge.reports.contact_sheet import CAPTION, GAP, TILE, best_to_worst, contact_sheet
from edge.samples import Assessment, Box, DetectedFace, Frame, QualityScore, Reason, Verdict


def assessed(shift, *, forward=True, image=None, name="photo"):
    face = DetectedFace(Box(0, 0, 10, 10), np.zeros((5, 2), np.float32), 0.9)
    return Assessment(
        frame=Frame(np.zeros((20, 20, 3), np.uint8), f"somewhere/{name}.jpg", 0, None),
        face_index=0,
        face=face,
        inter_eye_distance=40.0,
        quality=None if shift is None else QualityScore(shift, 1 - shift / 2, 100 * (1 - shift)),
        face_image=image,
        embedding=None,
        verdict=Verdict(forward, Reason.FORWARDED if forward else Reason.LOW_QUALITY),
        detail="",
        pair_id="p",
    )


def test_faces_are_ordered_from_the_smallest_shift_to_the_unscored():
    worst, best, unscored, middle = (assessed(s) for s in (0.9, 0.1, None, 0.5))
    assert best_to_worst([worst, best, unscored, middle]) == [best, middle, worst, unscored]


def test_the_best_face_image_is_drawn_first():
    white = np.full((112, 112, 3), 255, np.uint8)
    black = np.zeros((112, 112, 3), np.uint8)
    sheet = contact_sheet([assessed(0.9, image=black), assessed(0.1, image=white)])
    assert sheet[TILE // 2, TILE // 2].tolist() == [255, 255, 255]
    assert sheet[TILE // 2, TILE + GAP + TILE // 2].tolist() == [0, 0, 0]


def test_forwarded_and_discarded_faces_are_framed_in_green_and_red():
    sheet = contact_sheet([assessed(0.1), assessed(0.2, forward=False)]).astype(int)
    forwarded, discarded = sheet[TILE // 2, 1], sheet[TILE // 2, TILE + GAP + 1]
    assert forwarded[1] > 2 * forwarded[2]
    assert discarded[2] > 2 * discarded[1]


def test_no_face_at_all_still_makes_a_picture():
    assert contact_sheet([], columns=3).shape == (TILE + CAPTION + GAP, 3 * (TILE + GAP), 3)


def test_long_names_that_differ_at_their_ends_are_told_apart():
    first, second = (contact_sheet([assessed(0.1, name=f"obama_partial_face{n}")]) for n in "12")
    assert (first != second).any()
