"""Somebody who reaches the threshold in no picture leaves with the best one above a floor."""

from collections import Counter
from typing import Any

import pytest

from edge.samples import Reason
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
    found = outcomes(*standing(ANN, 18, 50, 19), **FLOOR)
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
