"""Who is who, by embeddings of which it is known whose they are."""

from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from edge.config.tracks import TrackSettings
from edge.gate.identity import REMEMBERED, SURE, TELLING, YOUNG, People, _Person
from edge.gate.outcome import SeenFace
from edge.samples import Box, QualityScore
from engines.biometrics.identity_scale import IdentityScale
from tests.edge.assessments import assessment

SCALE = IdentityScale(non_mated_angle=85.0, non_mated_spread=6.0, mated_low=0.55)
"""Alike above 0.57; unlike below 0.34 for poor faces and 0.55 for good ones."""
ANN, BEN, CAT = np.eye(3, dtype=np.float32)
GOOD, FAIR, BLURRED = 70.0, 25.0, 5.0


def towards(first, second, likeness):
    """Return a unit vector whose comparison score with the first is this."""
    return (likeness * first + np.sqrt(1 - likeness**2) * second).astype(np.float32)


@dataclass
class Camera:
    """Shows faces by place, which is all that the tracker knows, and returns the tracks."""

    people: People = field(default_factory=lambda: People(TrackSettings(), SCALE))
    now_s: float = 0.0
    changes: list[tuple[int, int]] = field(default_factory=list)
    dropped: list[int] = field(default_factory=list)

    def see(self, *faces, **places):
        """Show faces as (embedding, score), or None for one that is not scored, place by place."""
        shown = dict(enumerate(faces, 1)) | {int(name[1:]): face for name, face in places.items()}
        self.now_s += 0.1
        seen = [seen_face(place, face) for place, face in shown.items()]
        ids, changes = self.people.identified(seen, self.now_s)
        self.changes += changes.joined
        self.dropped += changes.dropped
        return ids[0] if len(ids) == 1 else ids

    def leave(self, *places):
        return self.people.end(places, self.now_s)


def seen_face(place, face):
    box = Box(200 * place, 0, 200 * place + 80, 100)
    if face is None:
        return SeenFace(box, place, None, place)
    embedding, score = face
    known = replace(assessment(), embedding=embedding, quality=QualityScore(0.5, 0.75, score))
    return SeenFace(box, place, known, place)


@pytest.fixture
def camera():
    return Camera()


def test_somebody_who_takes_the_place_of_another_is_another_track(camera):
    assert [camera.see((who, GOOD)) for who in (ANN, ANN, BEN, BEN)] == [1, 1, 2, 2]


def test_one_bad_frame_cuts_nobody_in_two(camera):
    seen = [camera.see(face) for face in ((ANN, GOOD), (BEN, FAIR), (ANN, GOOD), (ANN, GOOD))]
    assert (seen, camera.dropped) == ([1, 2, 1, 1], [2])


def test_after_a_doubtful_face_one_hardly_like_those_before_it_is_theirs(camera):
    scores = [(ANN, GOOD), (BEN, FAIR), (towards(ANN, CAT, 0.56), GOOD)]
    assert SCALE.doubtful_below < 0.56 < SCALE.same_above
    assert [camera.see(face) for face in scores] == [1, 2, 1]


@pytest.mark.parametrize(
    ("doubtful", "look", "track"),
    [
        (towards(ANN, BEN, 0.4), towards(ANN, BEN, 0.56), 2),  # more like the doubtful face
        (BEN, towards(ANN, CAT, 0.5), 3),  # too little like either
    ],
)
def test_a_doubt_is_taken_back_by_a_face_of_the_one_before_alone(camera, doubtful, look, track):
    camera.see((ANN, GOOD))
    camera.see((doubtful, FAIR))
    assert camera.see((look, GOOD)) == track


@pytest.mark.parametrize(
    ("other", "score", "doubts"),
    [(BEN, SURE, False), (BEN, SURE - 1, True), (towards(ANN, BEN, 0.5), GOOD, True)],
)
def test_one_face_is_enough_when_it_is_good_and_surely_unlike(camera, other, score, doubts):
    camera.see((ANN, GOOD))
    assert camera.see((other, score)) == 2
    assert camera.people.in_doubt(2) is doubts


def test_of_three_who_change_places_at_once_none_is_there_twice(camera):
    camera.see((ANN, GOOD), (BEN, GOOD), (CAT, GOOD))
    assert camera.see(None, (ANN, GOOD), (BEN, GOOD)) == [4, 1, 2]


def test_nobody_young_takes_the_name_of_who_is_known_best(camera):
    for _ in range(2):
        camera.see((ANN, GOOD))
    camera.see(p2=(towards(ANN, BEN, 0.5), FAIR))
    assert camera.see(p2=(towards(ANN, BEN, 0.8), GOOD), p1=(ANN, GOOD)) == [2, 1]
    assert camera.changes == []


def test_nobody_is_twice_in_one_frame_though_two_faces_are_surely_his(camera):
    camera.see((ANN, GOOD))
    for _ in range(2):
        camera.see(p2=(towards(ANN, BEN, 0.5), FAIR))
    assert camera.see((ANN, GOOD), (towards(ANN, BEN, 0.8), GOOD)) == [3, 1]


def test_who_was_doubted_and_stands_elsewhere_now_is_not_taken_back(camera):
    camera.see((ANN, GOOD))
    assert camera.see(p1=(BEN, FAIR), p3=(ANN, GOOD)) == [2, 1]
    assert camera.see(p1=(ANN, GOOD), p3=(ANN, GOOD)) == [3, 1]
    assert camera.dropped == []


def test_a_doubt_outlives_whom_it_was_about(camera):
    camera.people.settings = TrackSettings(duplicate_within=1)
    camera.see((ANN, GOOD))
    camera.see((BEN, FAIR))
    camera.now_s += 5
    camera.leave()
    assert [camera.see(face) for face in (None, (BEN, FAIR))] == [2, 2]


@pytest.mark.parametrize(("looks", "track"), [(YOUNG - 1, 1), (YOUNG, 2)])
def test_a_track_turns_out_to_be_of_somebody_known_only_while_it_is_young(camera, looks, track):
    camera.see((ANN, GOOD))
    camera.leave(1)
    for _ in range(looks):
        assert camera.see(p7=(towards(ANN, BEN, 0.5), FAIR)) == 2
    assert camera.see(p7=(towards(ANN, BEN, 0.8), GOOD)) == track


def test_two_doubtful_faces_in_a_row_are_somebody_else(camera):
    assert [camera.see(face) for face in ((ANN, GOOD), (BEN, FAIR), (BEN, FAIR))] == [1, 2, 2]
    assert camera.people.is_confirmed(2)
    assert camera.see((ANN, GOOD)) == 1


def test_a_blurred_face_says_nothing(camera):
    assert [camera.see(face) for face in ((ANN, GOOD), (BEN, BLURRED), (ANN, GOOD))] == [1, 1, 1]
    assert BLURRED < TELLING < FAIR < SURE < GOOD


@pytest.mark.parametrize(("score", "track"), [(FAIR, 1), (GOOD, 2)])
def test_more_likeness_is_asked_of_a_good_face(camera, score, track):
    camera.see((ANN, GOOD))
    assert camera.see((towards(ANN, BEN, 0.5), score)) == track


def test_people_who_pass_each_other_keep_their_tracks_though_their_places_change_hands(camera):
    assert camera.see((ANN, GOOD), (BEN, GOOD)) == [1, 2]
    assert camera.see((BEN, GOOD), (ANN, GOOD)) == [2, 1]


def test_a_face_that_says_nothing_takes_the_place_that_was_left_to_it(camera):
    camera.see((ANN, GOOD), (BEN, GOOD))
    assert camera.see((BEN, GOOD), None) == [2, 1]


def test_who_comes_back_is_known_again(camera):
    camera.see((ANN, GOOD))
    assert camera.leave(1) == [1]
    assert camera.see(p7=(ANN, GOOD)) == 1


def test_who_is_not_recognised_at_first_is_joined_with_the_first_clear_face(camera):
    camera.see((ANN, GOOD))
    camera.leave(1)
    assert camera.see(p7=(towards(ANN, BEN, 0.5), FAIR)) == 2
    assert camera.see(p7=(towards(ANN, BEN, 0.8), GOOD)) == 1
    assert camera.changes == [(2, 1)]


@pytest.mark.parametrize(("later_s", "track"), [(15.0, 1), (15.1, 2)])
def test_after_a_while_nobody_is_known_again(camera, later_s, track):
    camera.people.settings = TrackSettings(duplicate_within=5)
    camera.now_s = 9.9
    camera.see((ANN, GOOD))
    camera.leave(1)
    camera.now_s = later_s - 0.1
    assert camera.see(p7=(ANN, GOOD)) == track


def test_twins_side_by_side_are_two_and_stay_two(camera):
    for _ in range(9):
        assert camera.see((ANN, GOOD), (ANN, GOOD)) == [1, 2]
    assert camera.people.are_apart(1, 2)
    assert camera.people.are_apart(2, 1)
    camera.leave(1)
    assert camera.see(p2=(ANN, GOOD)) == 2


def test_a_track_that_lost_its_place_to_somebody_ends_when_its_gap_is_over(camera):
    camera.now_s = 9.9
    camera.see((ANN, GOOD))
    camera.see((BEN, GOOD))
    camera.now_s = 10.0 + camera.people.settings.gap
    assert camera.leave() == []
    camera.now_s += 0.1
    assert camera.leave() == [1]
    assert camera.people.alive == 1


def test_everybody_ends_with_the_last_tracklet(camera):
    camera.see((ANN, GOOD))
    camera.see((BEN, GOOD))
    assert camera.leave(1) == [1, 2]


def test_without_identity_only_the_place_tells(camera):
    camera.people.settings = TrackSettings(identity=False)
    assert [camera.see((who, GOOD)) for who in (ANN, BEN, CAT)] == [1, 1, 1]
    camera.leave(1)
    assert camera.see(p7=(ANN, GOOD)) == 2


def test_a_given_score_replaces_the_scale_of_the_pair(camera):
    camera.people.settings = TrackSettings(duplicate_above=1)
    camera.see((ANN, GOOD))
    camera.leave(1)
    assert camera.see(p7=(ANN, GOOD)) == 2


def test_a_person_is_confirmed_by_a_second_look(camera):
    confirmed = [camera.see((ANN, GOOD)) and camera.people.is_confirmed(1) for _ in range(2)]
    assert confirmed == [False, True]


def test_another_pair_knows_nobody(camera):
    other = replace(SCALE, mated_low=0.7)
    camera.see((ANN, GOOD))
    camera.leave(1)
    camera.see(p2=(BEN, GOOD))
    camera.people.forget(other)
    assert camera.people.scale == other
    assert camera.people.in_doubt(2)
    assert camera.see(p7=(ANN, GOOD)) == 3


def test_who_leaves_has_left_at_once_though_others_stay(camera):
    camera.see((ANN, GOOD), (BEN, GOOD))
    assert camera.leave(1) == [1]


def test_two_who_were_beside_each_other_are_forgotten_one_after_the_other(camera):
    camera.people.settings = TrackSettings(duplicate_within=5)
    camera.see((ANN, GOOD), (BEN, GOOD))
    camera.leave(1)
    for apart in (True, False):
        camera.now_s += 3
        camera.see(p2=(BEN, GOOD))
        assert camera.people.are_apart(2, 1) is apart
    camera.leave(2)
    camera.now_s += 6
    camera.see(p7=(CAT, GOOD))
    assert not camera.people.are_apart(2, 1)


def test_the_memory_of_people_is_bounded(camera):
    for place in range(1, REMEMBERED + 50):
        camera.see(**{f"p{place}": (ANN if place == 1 else BEN, BLURRED)})
        camera.leave(place)
    assert len(camera.people._people) == REMEMBERED + 1


def test_without_identity_a_second_look_confirms_too(camera):
    camera.people.settings = TrackSettings(identity=False)
    camera.see((ANN, GOOD))
    camera.see((BEN, GOOD))
    assert camera.people.is_confirmed(1)


def test_who_somebody_is_stays_in_doubt_until_a_telling_look(camera):
    doubts = []
    for face in (None, (ANN, BLURRED), (ANN, GOOD)):
        camera.see(face)
        doubts.append(camera.people.in_doubt(1))
    assert doubts == [True, True, False]


def test_a_doubtful_face_leaves_a_doubt_until_the_next_look(camera):
    camera.see((ANN, GOOD))
    doubts = [camera.see((BEN, FAIR)) and camera.people.in_doubt(2) for _ in range(2)]
    assert doubts == [True, False]


def test_a_track_of_one_doubtful_face_is_nobody_to_be_known_again(camera):
    for face in ((ANN, GOOD), (BEN, FAIR), (ANN, GOOD)):
        camera.see(face)
    assert camera.people.alive == 1
    assert camera.see(p7=(BEN, GOOD)) == 3


def test_how_long_ago_somebody_was_there_counts_from_the_last_look(camera):
    camera.people.settings = TrackSettings(duplicate_within=5)
    for _ in range(2):
        camera.see((ANN, GOOD))
        camera.now_s += 4
    camera.leave(1)
    assert camera.see(p7=(ANN, GOOD)) == 1


def test_everybody_of_a_photograph_is_somebody_new(camera):
    for first in (1, 3):
        photographed = [seen_face(place, (ANN, GOOD)) for place in (first, first + 1)]
        assert camera.people.strangers(photographed, camera.now_s) == [first, first + 1]
        assert [camera.people.track_of(face.tracklet) for face in photographed] == [
            first,
            first + 1,
        ]
        assert camera.people.alive == 2
        assert camera.leave(first, first + 1) == [first, first + 1]


def test_the_memory_of_photographed_people_is_bounded(camera):
    for place in range(1, REMEMBERED + 50):
        camera.people.strangers([seen_face(place, (ANN, GOOD))], camera.now_s)
        camera.leave(place)
    assert len(camera.people._people) == REMEMBERED + 1


def test_two_boxes_over_one_another_may_be_one_face(camera):
    here, there = (seen_face(place, (who, GOOD)) for place, who in ((1, ANN), (2, BEN)))
    ids, _ = camera.people.identified([here, replace(there, box=here.box)], 0.1)
    assert not camera.people.are_apart(*ids)


def test_who_was_forgotten_is_apart_from_nobody(camera):
    camera.see((ANN, GOOD))
    assert not camera.people.are_apart(99, 1)


def comparisons_of_a_stranger(monkeypatch, known):
    """Return how many single comparisons it takes to know that a face is of nobody known."""
    camera, compared = Camera(), []
    everybody = np.eye(known + 1, dtype=np.float32)
    for place, person in enumerate(everybody[:known], 1):
        camera.see(**{f"p{place}": (person, GOOD)})
    likeness = _Person.likeness

    def counted(person, embedding):
        compared.append(person)
        return likeness(person, embedding)

    with monkeypatch.context() as patch:
        patch.setattr(_Person, "likeness", counted)
        assert camera.see(p1=(everybody[known], GOOD)) == known + 1
    return len(compared)


def test_a_face_is_compared_with_everybody_known_at_once(monkeypatch):
    few, many = (comparisons_of_a_stranger(monkeypatch, known) for known in (5, 100))
    assert few == many


class CountedPeople(dict[int, _Person]):
    """Counts how often somebody goes through all of them."""

    times = 0

    def __iter__(self):
        self.times += 1
        return super().__iter__()


def test_those_who_left_are_not_gone_through_in_every_frame():
    camera = Camera(People(TrackSettings(duplicate_within=60.0), SCALE))
    camera.see((ANN, GOOD))
    camera.leave(1)
    people = camera.people._people = CountedPeople(camera.people._people)
    for _ in range(50):
        camera.see(p2=None)
    assert people.times < 5
    camera.now_s += 61.0
    camera.see(p2=None)
    assert 1 not in people
