import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.detection.boxes import AT_ONCE, check_pixels, detected_faces, squares_around, suppress
from edge.errors import DetectorError
from tests.edge.detection.as_published import suppress_one_by_one

CORNER, SIDE = st.integers(0, 20), st.integers(1, 12)
BOX = st.tuples(CORNER, CORNER, SIDE, SIDE).map(lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3]))
FOUND = st.lists(st.tuples(BOX, st.integers(0, 8)), max_size=12)


def cells(box):
    return {(x, y) for x in range(box[0], box[2]) for y in range(box[1], box[3])}


def overlap(one, other, of_smaller):
    one, other = cells(one), cells(other)
    return len(one & other) / (min(len(one), len(other)) if of_smaller else len(one | other))


def suppressed_by_counting_pixels(boxes, scores, limit, of_smaller):
    """The definition: go from the surest down, keep what overlaps nothing kept by too much."""
    kept: list[int] = []
    for index in sorted(range(len(boxes)), key=lambda index: (-scores[index], index)):
        if all(overlap(boxes[index], boxes[each], of_smaller) <= limit for each in kept):
            kept.append(index)
    return kept


@given(FOUND, st.sampled_from([0.0, 0.25, 0.5, 0.7]), st.booleans())
def test_suppression_equals_counting_the_pixels_of_each_pair(found, limit, of_smaller):
    boxes = [box for box, _ in found]
    scores = np.array([score / 8 for _, score in found], np.float32)
    kept = suppress(
        np.array(boxes, np.float32).reshape(-1, 4), scores, limit, of_smaller=of_smaller
    )
    assert list(kept) == suppressed_by_counting_pixels(boxes, scores, limit, of_smaller)


@pytest.mark.parametrize("of_smaller", [False, True])
@pytest.mark.parametrize("limit", [0.3, 0.7])
def test_suppression_of_a_crowd_equals_going_from_box_to_box(limit, of_smaller):
    random = np.random.default_rng(5)
    corners, sides = random.uniform(0, 300, (400, 2)), random.uniform(10, 60, (400, 2))
    boxes = np.hstack([corners, corners + sides]).astype(np.float32)
    scores = (random.integers(0, 50, 400) / 50).astype(np.float32)
    kept = suppress(boxes, scores, limit, of_smaller=of_smaller)
    assert 2 * AT_ONCE < len(kept) < 400
    np.testing.assert_array_equal(
        kept, suppress_one_by_one(boxes, scores, limit, of_smaller=of_smaller)
    )


def test_squares_have_the_centre_and_the_longer_side_of_their_boxes():
    boxes = np.array([[0, 10, 20, 16], [5, 5, 5, 5.5]], np.float32)
    np.testing.assert_array_equal(squares_around(boxes), [[0, 3, 20, 23], [4.5, 4.75, 5.5, 5.75]])


def found(count):
    boxes = np.array([[90 - 20 * i, 5, 100 - 20 * i, 15] for i in range(count)], np.float32)
    landmarks = np.full((count, 5, 2), 7, np.float32)
    return boxes, landmarks, np.linspace(0.5, 1, count, dtype=np.float32)


def test_faces_come_from_left_to_right():
    assert [face.box.left for face in detected_faces(*found(4))] == [30, 50, 70, 90]


def test_landmarks_count_from_the_centre_of_the_first_pixel():
    assert (detected_faces(*found(1))[0].landmarks == 6.5).all()


@pytest.mark.parametrize(
    ("part", "number"),
    [(0, np.nan), (1, np.inf), (2, np.nan), (2, 1.5), (2, -0.1), (0, 1e6)],
    ids=["box", "landmark", "score", "score above 1", "score below 0", "box inside out"],
)
def test_an_impossible_face_is_an_error_and_never_a_number(part, number):
    parts = found(3)
    parts[part].flat[0] = number
    with pytest.raises(DetectorError, match="impossible face"):
        detected_faces(*parts)


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((9, 9), np.uint8),
        np.zeros((9, 9, 4), np.uint8),
        np.zeros((9, 9, 3), np.float32),
        np.zeros((0, 9, 3), np.uint8),
    ],
    ids=["grey", "alpha", "float", "empty"],
)
def test_anything_but_a_colour_image_is_refused(pixels):
    with pytest.raises(DetectorError, match=r"needs \(height, width, 3\) uint8 BGR"):
        check_pixels(pixels)


def test_a_detector_refuses_an_image_over_the_budget_of_pixels():
    pixels = np.broadcast_to(np.uint8(0), (8000, 8001, 3))
    with pytest.raises(DetectorError, match="8001 x 8000 pixels is more than the 64,000,000"):
        check_pixels(pixels)
