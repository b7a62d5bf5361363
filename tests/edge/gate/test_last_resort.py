"""Somebody who reaches the threshold in no picture leaves with the best one above a floor."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from edge.config.tracks import TrackSettings
from edge.gate.last_resort import LastResorts
from edge.samples import Reason
from tests.edge.gate.test_best_shot import good, shot_of
from tests.edge.gate.test_selection import ANN, BEN, NOBODY, outcomes, sent, standing

FLOOR: dict[str, Any] = {"at_least_one_above": 10}
"""The threshold of these scenes is 20."""


def reasons(found):
    counts: Counter[Reason] = Counter()
    for outcome in found:
        counts += outcome.discarded
        counts.update(shot.assessment.verdict.reason for shot in outcome.forwarded)
    return counts


def faces(found):
    return sum(len(outcome.seen) for outcome in found)


def test_the_best_face_of_a_person_below_the_threshold_leaves_at_the_end():
    scenes = standing(ANN, 15, 18, 16)
    assert sent(*scenes, **FLOOR) == [(1, 0, None, 18)]
    found = outcomes(*scenes, **FLOOR)
    assert reasons(found) == {Reason.BEST_OF_TRACK: 1, Reason.LOW_QUALITY: 2}
    [shot] = [shot for outcome in found for shot in outcome.forwarded]
    assert shot.assessment.verdict.forward
    assert shot.assessment.detail == "score 18, threshold 20, at_least_one_above 10"


def test_nobody_leaves_below_the_floor():
    assert sent(*standing(ANN, 15, 18, 16), at_least_one_above=19) == []


def test_whoever_passes_needs_no_second_face_below():
    found = outcomes(*standing(ANN, 18, 50, 19), looks="every", **FLOOR)
    assert reasons(found) == {Reason.FORWARDED: 1, Reason.LOW_QUALITY: 2}


def test_a_floor_at_the_threshold_is_off():
    assert sent(*standing(ANN, 15, 18, 16), at_least_one_above=20) == []


def test_a_track_without_a_second_look_is_nobody():
    assert sent(*standing(ANN, 18), **FLOOR) == []


def test_each_of_two_people_below_the_threshold_leaves_once():
    scenes = standing(ANN, 18, 18, 18) + standing(BEN, 17, 17, 17)
    assert sent(*scenes, **FLOOR) == [(1, 0, None, 18), (2, 0, None, 17)]
    found = outcomes(*scenes, **FLOOR)
    assert reasons(found).total() == faces(found)


def test_who_comes_back_below_the_threshold_is_not_sent_again():
    scenes = [*standing(ANN, 17, 17), *[[NOBODY]] * 8, *standing(ANN, 18, 18)]
    found = outcomes(*scenes, **FLOOR)
    assert sum(len(outcome.forwarded) for outcome in found) == 1
    assert reasons(found).total() == faces(found)


def test_a_much_better_face_of_who_comes_back_replaces_the_one_below():
    scenes = [*standing(ANN, 17, 17), *[[NOBODY]] * 8, *standing(ANN, 60, 60)]
    assert sent(*scenes, **FLOOR) == [(1, 0, None, 17), (1, 1, 0, 60)]


def test_who_stays_below_the_threshold_leaves_after_the_longest_time():
    found = outcomes(*standing(ANN, *[18] * 12), longest=1.0, **FLOOR)
    [at] = [place for place, outcome in enumerate(found) if outcome.forwarded]
    assert 0 < at < 10


@pytest.mark.parametrize("mode", ["every", "observe"])
def test_other_modes_know_no_floor(mode):
    found = outcomes(*standing(ANN, 15, 18, 16), mode=mode, **FLOOR)
    assert reasons(found) == {Reason.LOW_QUALITY: 3}


@pytest.fixture
def resorts():
    return LastResorts(TrackSettings(at_least_one_above=10, longest=60))


def test_only_a_face_that_reaches_the_floor_is_kept(resorts):
    for refused in (good(9.9), replace(good(50), quality=None)):
        shot = shot_of(1, refused)
        assert resorts.offer(shot, 0.0) is shot
    assert (resorts.held, resorts.all()) == (0, [])
    assert resorts.offer(shot_of(1, good(10)), 0.0) is None
    assert (resorts.held, resorts.all()) == (1, [1])


def test_the_better_of_two_is_kept_and_of_two_alike_the_first(resorts):
    first, alike, better = (shot_of(1, good(score)) for score in (15, 15, 16))
    assert resorts.offer(first, 0.0) is None
    assert resorts.offer(alike, 0.1) is alike
    assert resorts.offer(better, 0.2) is first
    assert [resorts.take(1), resorts.take(1)] == [better, None]


@pytest.mark.parametrize(("score", "best"), [(14, 15), (18, 18)])
def test_of_two_tracks_of_one_person_the_better_face_is_kept(resorts, score, best):
    resorts.offer(shot_of(1, good(15)), 0.0)
    resorts.offer(shot_of(2, good(score)), 0.1)
    assert resorts.join(2, 1) == 1
    assert (resorts.all(), resorts.take(1).assessment.quality.score) == ([1], best)


def test_a_face_goes_on_under_the_track_that_its_person_had_before(resorts):
    resorts.offer(shot_of(2, good(15)), 0.0)
    assert resorts.join(2, 1) == 0
    assert resorts.take(1).track_id == 1
    assert resorts.join(2, 1) == 0


def test_a_kept_face_is_overdue_after_the_longest_time_since_the_first(resorts):
    resorts.offer(shot_of(7, good(15)), 100.0)
    resorts.offer(shot_of(7, good(16)), 130.0)
    resorts.join(7, 8)
    assert (resorts.overdue(160.0), resorts.overdue(160.1)) == ([], [8])
