import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edge.page.memory import Remembered
from edge.page.preview import histogram, preview
from edge.samples import Reason

PICTURE = np.zeros((56, 56, 3), np.uint8)


def remembered(number, score, track=0):
    reason = Reason.LOW_QUALITY if score is not None else Reason.POSE
    return Remembered(number, 0.0, track, score, reason, "", PICTURE)


SCORES = st.one_of(st.none(), st.floats(0, 100).map(lambda score: round(score, 1)))
FACES = st.lists(st.tuples(SCORES, st.integers(0, 5)), max_size=40).map(
    lambda found: [remembered(n, score, track) for n, (score, track) in enumerate(found)]
)
THRESHOLDS = st.floats(0, 100).map(lambda threshold: round(threshold, 1))


def passing(faces, threshold):
    return {face.number for face in faces if face.score is not None and face.score >= threshold}


@given(FACES, THRESHOLDS, THRESHOLDS)
def test_counts_are_those_of_looking_at_each_face(faces, now, then):
    found = preview(faces, now, then)
    before, after = passing(faces, now), passing(faces, then)
    assert (found.now.faces, found.then.faces) == (len(before), len(after))
    assert found.then.people == len({face.track for face in faces if face.number in after})
    assert (found.gained_count, found.lost_count) == (len(after - before), len(before - after))
    assert sum(found.unscored.values()) == sum(face.score is None for face in faces)
    assert {face.number for face in found.gained} <= after - before
    assert {face.number for face in found.lost} <= before - after


@given(FACES, THRESHOLDS)
def test_the_threshold_in_effect_changes_nobodys_side(faces, now):
    found = preview(faces, now, now)
    assert found.now == found.then
    assert found.gained == found.lost == ()


@given(FACES)
def test_the_histogram_holds_each_score_once(faces):
    scores = [face.score for face in faces if face.score is not None]
    expected = [sum(2 * bin_ <= score < 2 * bin_ + 2 for score in scores) for bin_ in range(50)]
    expected[-1] += scores.count(100)
    assert histogram(faces) == expected


def test_scores_at_the_edge_of_a_bin_belong_to_the_upper_one():
    counts = histogram([remembered(0, 2.0), remembered(1, 100.0), remembered(2, 0.0)])
    assert {place: count for place, count in enumerate(counts) if count} == {0: 1, 1: 1, 49: 1}


def test_of_many_faces_that_change_sides_each_person_comes_before_anybody_comes_twice():
    faces = [remembered(n, 40 + n / 10, track=n // 10) for n in range(30)]
    found = preview(faces, now=50, then=40)
    assert [face.track for face in found.gained[:6]] == [0, 1, 2, 0, 1, 2]
    assert [face.number for face in found.gained[:3]] == [0, 10, 20]
    assert (len(found.gained), found.gained_count) == (12, 30)
