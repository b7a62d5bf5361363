from hypothesis import given
from hypothesis import strategies as st

from edge.gate.best_shot import Shot
from edge.page.people import Kept, People, Remembered
from edge.page.preview import histogram, preview
from edge.samples import Reason
from tests.edge.assessments import assessment, face_image
from tests.edge.looked_at import captured


def remembered(number, score, person=0):
    reason = Reason.LOW_QUALITY if score is not None else Reason.POSE
    return Remembered(number, person, 0.0, score, reason, "")


def best_of(faces):
    """Keep the best face of each person, as the page does."""
    people = People()
    shot = Shot(assessment(), captured(), 1)
    for face in faces:
        person = people.of_track("run", face.person, face.person)
        if person.improves(face.score, 15):
            person.best = Kept(face, shot, "run", face_image())
    return [kept for kept, _ in people.all()]


SCORES = st.one_of(st.none(), st.floats(0, 100).map(lambda score: round(score, 1)))
FACES = st.lists(st.tuples(SCORES, st.integers(0, 5)), max_size=40).map(
    lambda found: [remembered(n, score, person) for n, (score, person) in enumerate(found)]
)
THRESHOLDS = st.floats(0, 100).map(lambda threshold: round(threshold, 1))


def passing(faces, threshold):
    return {face.number for face in faces if face.score is not None and face.score >= threshold}


def people_passing(faces, threshold):
    return {face.person for face in faces if face.number in passing(faces, threshold)}


@given(FACES, THRESHOLDS, THRESHOLDS)
def test_counts_are_those_of_looking_at_each_face_and_each_person(faces, now, then):
    found = preview(faces, best_of(faces), now, then)
    for counted, threshold in ((found.now, now), (found.then, then)):
        assert counted.faces == len(passing(faces, threshold))
        assert counted.people == len(people_passing(faces, threshold))
    before, after = people_passing(faces, now), people_passing(faces, then)
    assert sorted(kept.face.person for kept in found.gained) == sorted(after - before)
    assert sorted(kept.face.person for kept in found.lost) == sorted(before - after)
    assert sum(found.unscored.values()) == sum(face.score is None for face in faces)


@given(FACES, THRESHOLDS)
def test_the_threshold_in_effect_changes_nobodys_side(faces, now):
    found = preview(faces, best_of(faces), now, now)
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


def test_whoever_changes_sides_comes_once_with_the_best_face_the_closest_first():
    faces = [remembered(n, 40 + n / 10, person=n // 10) for n in range(30)]
    found = preview(faces, best_of(faces), now=50, then=40.5)
    assert [kept.face.person for kept in found.gained] == [0, 1, 2]
    assert [kept.face.score for kept in found.gained] == [40.9, 41.9, 42.9]
