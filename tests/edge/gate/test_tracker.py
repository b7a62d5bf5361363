import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from edge.gate.kalman import box_of, corrected, first_motion, predicted
from edge.gate.tracker import Tracker, TrackerSettings, buffered_iou, touching
from edge.samples import Box, iou

FRAME_S = 0.1


def box_at(x, y=100.0, side=50.0):
    return Box(x, y, x + side, y + side)


coordinates = st.floats(0, 1000)
sides = st.floats(8, 300)
boxes = st.builds(box_at, coordinates, coordinates, sides)


@given(boxes, boxes)
def test_buffered_overlap_is_symmetric_and_at_most_one(first, second):
    overlap = buffered_iou(first, second)
    assert overlap == pytest.approx(buffered_iou(second, first))
    assert 0 <= overlap <= 1 + 1e-9


@given(boxes)
def test_a_box_overlaps_itself_wholly(box):
    assert buffered_iou(box, box) == pytest.approx(1)


def test_half_a_box_overlaps_by_half():
    assert iou(Box(0, 0, 10, 10), Box(0, 0, 10, 5)) == 0.5
    assert iou(Box(0, 0, 10, 10), Box(10, 0, 20, 10)) == 0
    assert iou(Box(0, 0, 10, 10), Box(0, 20, 10, 30)) == 0
    assert iou(Box(0, 0, 10, 10), Box(9.5, 9.5, 10.5, 10.5)) == pytest.approx(0.25 / 100.75)


@pytest.mark.parametrize("there", [box_at(70), box_at(-70), box_at(0, 170), box_at(0, 30)], ids=str)
def test_small_faces_that_left_their_outline_overlap_by_their_buffer(there):
    # 50 px wide and 20 px apart; each grows to 80 px, and 10 of them are common.
    assert buffered_iou(box_at(0), there) == pytest.approx(10 * 80 / (2 * 80**2 - 10 * 80))


def test_a_face_that_is_twice_as_high_as_wide_grows_by_its_own_sides():
    # 40 x 80 px grow to 64 x 128; 12 px to the right 52 of 64 are common.
    first, second = Box(0, 0, 40, 80), Box(12, 0, 52, 80)
    assert buffered_iou(first, second) == pytest.approx(52 / (2 * 64 - 52))
    assert buffered_iou(first, Box(0, 16, 40, 96)) == pytest.approx(112 / (2 * 128 - 112))


@given(boxes, st.floats(-40, 40), st.integers(1, 8))
@example(box_at(0), 24.0, 8)
@example(box_at(0), -24.0, 8)
def test_a_steadily_moving_face_keeps_its_id_through_an_occlusion(box, speed_per_frame, hidden):
    assume(abs(speed_per_frame) < 0.5 * box.width)
    tracker = Tracker(TrackerSettings(max_gap_s=1.0))
    seen = [*range(12), *range(12 + hidden, 16 + hidden)]
    ids: set[int] = set()
    for step in seen:
        where = Box(
            box.left + step * speed_per_frame,
            box.top,
            box.right + step * speed_per_frame,
            box.bottom,
        )
        ids.update(tracker.update([where], step * FRAME_S).ids)
    assert ids == {1}


def test_a_face_away_for_longer_than_the_gap_returns_under_a_new_id():
    tracker = Tracker(TrackerSettings(max_gap_s=1.0))
    first = tracker.update([box_at(0)], 0.0)
    later = tracker.update([box_at(0)], 1.5)
    assert (first.ids, later.ended, later.ids) == ((1,), (1,), (2,))


def test_a_face_away_for_just_the_gap_returns_under_its_id():
    tracker = Tracker(TrackerSettings(max_gap_s=1.0))
    assert tracker.update([box_at(0)], 0.0).ids == tracker.update([box_at(0)], 1.0).ids


@pytest.mark.parametrize(("more", "ids"), [(0.0, (1,)), (1e-9, (2,))])
def test_the_least_overlap_is_enough(more, ids):
    least = buffered_iou(box_at(0), box_at(20))
    tracker = Tracker(TrackerSettings(min_overlap=least + more))
    tracker.update([box_at(0)], 0.0)
    assert tracker.update([box_at(20)], FRAME_S).ids == ids


@given(st.lists(boxes, max_size=6), st.data())
def test_ids_follow_the_boxes_whatever_their_order(faces, data):
    assume(all(buffered_iou(a, b) == 0 for i, a in enumerate(faces) for b in faces[:i]))
    tracker = Tracker()
    first = tracker.update(faces, 0.0)
    order = data.draw(st.permutations(range(len(faces))))
    second = tracker.update([faces[i] for i in order], FRAME_S)
    assert second.ids == tuple(first.ids[i] for i in order)


@given(st.lists(st.lists(boxes, max_size=5), max_size=8))
def test_no_id_is_given_twice_in_a_frame_or_returns_after_its_end(frames):
    tracker = Tracker(TrackerSettings(max_gap_s=0.15))
    over: set[int] = set()
    for step, faces in enumerate(frames):
        tracked = tracker.update(faces, step * FRAME_S)
        over.update(tracked.ended)
        assert len(set(tracked.ids)) == len(faces)
        assert not over & set(tracked.ids)


def test_every_track_that_began_ends_once():
    tracker = Tracker(TrackerSettings(max_gap_s=0.15))
    begun: set[int] = set()
    ended: list[int] = []
    for step in range(10):
        tracked = tracker.update([box_at(step * 200), box_at(0, 800)], step * FRAME_S)
        begun.update(tracked.ids)
        ended += tracked.ended
        assert tracker.alive == len(begun) - len(ended)
    ended += tracker.end_all()
    assert sorted(ended) == sorted(begun)
    assert tracker.alive == 0


def test_two_faces_passing_each_other_at_a_distance_are_not_swapped():
    tracker = Tracker()
    for step in range(30):
        right, left = box_at(20.0 * step, 100), box_at(600 - 20.0 * step, 260)
        ids = tracker.update([right, left], step * FRAME_S).ids
    assert ids == (1, 2)


def comparisons(monkeypatch, columns, look):
    """Return how many overlaps a look at a crowd of five rows computes for each face."""
    compared = []

    def counted(first, second):
        compared.append(first)
        return iou(first, second)

    crowd = [box_at(80.0 * x, 80.0 * y) for x in range(columns) for y in range(5)]
    with monkeypatch.context() as patch:
        patch.setattr("edge.gate.tracker.iou", counted)
        look(crowd)
    return len(compared) / len(crowd)


def follow_twice(crowd):
    tracker = Tracker()
    ids = [tracker.update(crowd, step * FRAME_S).ids for step in range(2)]
    assert ids[0] == ids[1]


def test_in_a_crowd_a_face_is_compared_with_those_near_it_only(monkeypatch):
    few, many = (comparisons(monkeypatch, columns, follow_twice) for columns in (5, 50))
    assert many <= 1.5 * few
    assert many <= 3 * 5


@given(st.lists(boxes, max_size=8), st.sampled_from([0.0, 0.05, 0.5]))
def test_boxes_that_touch_are_those_that_overlap_any_other(faces, more_than):
    expected = {
        place
        for place, face in enumerate(faces)
        for other, beside in enumerate(faces)
        if other != place and buffered_iou(face, beside) > more_than
    }
    assert touching(faces, more_than) == expected


def test_in_a_crowd_touch_is_looked_for_near_each_face_only(monkeypatch):
    few, many = (
        comparisons(monkeypatch, columns, lambda crowd: touching(crowd, 0.01))
        for columns in (5, 50)
    )
    assert many <= 1.5 * few


@given(st.lists(boxes, max_size=8), st.lists(boxes, max_size=8))
def test_no_overlap_is_missed_by_looking_near_only(before, now):
    tracker = Tracker(TrackerSettings(min_overlap=1e-6))
    tracker.update(before, 0.0)
    ids = tracker.update(now, 0.0).ids
    matched = {track: box for track, box in zip(ids, now, strict=True) if track <= len(before)}
    for track, box in enumerate(before, start=1):
        for other, seen in zip(ids, now, strict=True):
            if track not in matched and buffered_iou(box, seen) > 1e-3:
                assert other <= len(before)  # somebody else, who overlaps it more, has it


@given(boxes, st.floats(0, 5))
def test_a_hidden_box_never_turns_inside_out(box, seconds):
    shrinking = first_motion(box)
    for step in range(1, 5):
        smaller = Box(box.left, box.top, box.right - step, box.bottom - step)
        shrinking = corrected(predicted(shrinking, FRAME_S), smaller)
    hidden = box_of(predicted(shrinking, seconds))
    assert hidden.width > 0
    assert hidden.height > 0


def test_a_clock_that_jumps_back_does_not_break_a_track():
    tracker = Tracker()
    ids = [tracker.update([box_at(0)], time_s).ids for time_s in (10.0, 10.1, 3.0, 3.1, 10.2)]
    assert set(ids) == {(1,)}


def test_places_say_where_each_face_is_expected_and_when_it_was_last_seen():
    tracker = Tracker()
    for step in range(20):
        shown = [box_at(10 * step), box_at(1000)]
        tracker.update(shown if step < 15 else shown[:1], 10 + step / 10)
    walking, standing = tracker.places(12.0)
    assert walking.box.left == pytest.approx(200, abs=1)
    assert walking.box.width == pytest.approx(50, abs=1)
    assert walking.seen_s == 11.9
    assert standing.box.left == pytest.approx(1000)
    assert standing.seen_s == 11.4
    assert tracker.alive == 2


def test_a_place_is_that_of_the_last_time_before_the_clock_jumped_back():
    tracker = Tracker()
    for time_s in (10.0, 10.1, 3.0):
        tracker.update([box_at(0)], time_s)
    (place,) = tracker.places(2.0)
    assert place.seen_s == 10.1
    assert place.box.left == pytest.approx(0)


@pytest.mark.parametrize(
    ("height", "is_steady"), [(50, True), (25, True), (24, False), (100, True), (101, False)]
)
def test_a_face_is_steady_that_shares_half_of_the_place_where_it_was_expected(height, is_steady):
    tracker = Tracker()
    tracker.update([box_at(0)], 0.0)
    assert [place.is_steady for place in tracker.places(0.1)] == [False]
    assert tracker.update([Box(0, 100, 50, 100 + height)], 0.1).ids == (1,)
    assert [place.is_steady for place in tracker.places(0.2)] == [is_steady]


def test_a_face_that_has_jumped_is_steady_again_once_it_stays():
    tracker = Tracker()
    steady = []
    for step, left in enumerate((0, 0, 30, *[30] * 10)):
        tracker.update([box_at(left)], step / 10)
        steady += [place.is_steady for place in tracker.places(step / 10)]
    assert steady[:3] == [False, True, False]
    assert steady[-1]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_two_boxes_where_one_face_is_expected_the_nearer_one_is_that_face(order):
    tracker = Tracker()
    tracker.update([box_at(0)], 0.0)
    shown = [box_at(5), box_at(20)]
    ids = tracker.update([shown[place] for place in order], 0.1).ids
    assert [ids[order.index(place)] for place in (0, 1)] == [1, 2]


def test_of_two_faces_that_are_expected_where_one_box_is_the_nearer_one_is_there():
    tracker = Tracker()
    tracker.update([box_at(0), box_at(40)], 0.0)
    assert tracker.update([box_at(30)], 0.1).ids == (2,)
    assert tracker.update([box_at(30), box_at(0)], 0.2).ids == (2, 1)
