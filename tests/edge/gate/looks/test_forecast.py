"""What is expected of a face that was not looked at, by looks whose scores are known."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.gate.looks.forecast import (
    SEEN,
    UNSEEN,
    USUAL,
    USUAL_SPREAD,
    Expected,
    Forecast,
    Look,
)

FRONTAL = np.zeros((14, 14), np.float32)


def turned(contrasts):
    """A face whose sketch differs from the frontal one by so much."""
    return FRONTAL + np.float32(contrasts)


def look(score, contrasts=0.0, seen_s=0.0):
    return Look(seen_s, score, turned(contrasts))


def test_a_face_like_one_that_was_looked_at_is_expected_to_score_as_it_did():
    expected = Forecast([look(40.0)]).of(FRONTAL, 0.0)
    assert expected.mean == pytest.approx(40.0, abs=0.5)
    assert UNSEEN < expected.spread**2 < 2.1 * UNSEEN


def test_of_a_face_like_no_other_little_is_known():
    expected = Forecast([look(40.0)]).of(turned(20.0), 0.0)
    assert 40.0 < expected.mean < USUAL
    assert SEEN < expected.spread**2 < SEEN + USUAL_SPREAD**2 + UNSEEN


@pytest.mark.parametrize("further", [{"contrasts": 0.3}, {"seen_s": 4.0}])
def test_the_less_alike_and_the_longer_ago_the_wider_is_what_may_come(further):
    looks = Forecast([look(40.0), look(60.0, **further)])
    same, halfway = looks.of(FRONTAL, 0.0), looks.of(turned(0.15), 2.0)
    assert same.spread < halfway.spread
    assert same.mean < halfway.mean < 62


def test_no_number_of_looks_tells_what_no_sketch_shows():
    expected = Forecast([look(50.0, seen_s=at / 100) for at in range(32)]).of(FRONTAL, 0.32)
    assert expected.spread**2 >= UNSEEN
    assert expected.mean == pytest.approx(50.0, abs=0.1)


def test_one_unlucky_look_does_not_speak_for_all_faces_like_it():
    looks = [look(60.0, at / 100) for at in range(5)]
    unlucky = Forecast([*looks, look(50.0, 0.05)]).of(turned(0.06), 0.0)
    assert unlucky.mean > 53


scores = st.floats(0, 100)
spreads = st.floats(0.5, 40)


@given(scores, spreads, scores)
def test_the_gain_is_the_mean_of_what_surpasses_a_score(mean, spread, beyond):
    middles = (np.arange(20_000) + 0.5) / 20_000 * 16 - 8
    weights = np.exp(-(middles**2) / 2)
    above = np.maximum(mean + spread * middles - beyond, 0)
    found = Expected(mean, spread).gain(beyond)
    assert found == pytest.approx(float((above * weights).sum() / weights.sum()), abs=1e-3)
    assert found >= 0


@given(scores, spreads, scores)
def test_the_chance_is_even_at_the_mean_and_falls(mean, spread, beyond):
    expected = Expected(mean, spread)
    assert expected.chance(mean) == 0.5
    chance = expected.chance(beyond)
    assert (chance >= 0.5) is (beyond <= mean) or chance == pytest.approx(0.5)
    assert expected.chance(beyond + 1) <= chance


@given(
    st.lists(st.tuples(scores, st.floats(0, 2), st.floats(0, 5)), min_size=1, max_size=6),
    st.floats(0, 2),
)
def test_it_is_what_the_joint_distribution_of_all_scores_says(known, contrasts):
    looks = [look(*one) for one in known]
    expected = Forecast(looks).of(turned(contrasts), 5.0)
    differ = np.array([one.pattern[0, 0] for one in looks] + [np.float32(contrasts)], float)
    times_s = np.array([one.seen_s for one in looks] + [5.0])
    apart = np.abs(differ[:, None] - differ), np.abs(times_s[:, None] - times_s)
    joint = 600 * np.exp(-((apart[0] / 1.2) ** 1.3) - apart[1] / 60) + 400 + 5 * np.eye(len(differ))
    among, across = joint[:-1, :-1], joint[:-1, -1]
    told = np.linalg.solve(among, np.array([one.score for one in looks]) - 70)
    assert expected.mean == pytest.approx(70 + float(across @ told), abs=1e-3)
    left = joint[-1, -1] - float(across @ np.linalg.solve(among, across))
    assert expected.spread == pytest.approx(math.sqrt(left), abs=1e-3)
