from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import TuningError
from edge.tuning.footage import Footage, best_of_tracks
from edge.tuning.steps import Goal, closest, neat_threshold, steps_of
from edge.tuning.threshold import LEAST_FACES, LEAST_TRACKS, suggest

SCORE = st.one_of(
    st.floats(0, 100), st.integers(0, 100).map(float), st.sampled_from([40.0, 40.5, 41.0])
)
RATE = st.floats(0.01, 0.99)


def footage_of(score, track=None, discarded=(), minutes=None):
    tracks = np.arange(len(score)) if track is None else np.array(track, np.intp)
    rejected = np.array(discarded, np.intp)
    return Footage(np.array(score, np.float64), tracks, rejected, minutes)


def kept(footage, keep):
    """Forward the best faces of each track, as the simplest of gates does."""

    def forwarded(threshold):
        best = best_of_tracks(footage, keep)
        return footage.track[best[footage.score[best] >= threshold]]

    return replace(footage, forwarded=by_each(forwarded))


def by_each(forwarded):
    """Ask about one threshold after the other."""
    return lambda thresholds: [forwarded(each) for each in thresholds]


@st.composite
def recordings(draw):
    tracks = draw(st.integers(LEAST_TRACKS, 12))
    scores = draw(st.lists(SCORE, min_size=LEAST_FACES, max_size=80))
    discarded = draw(st.lists(st.integers(0, tracks - 1), max_size=30))
    return footage_of(scores, [i % tracks for i in range(len(scores))], discarded, minutes=3.0)


def suggestion(footage, goal):
    return suggest(footage, goal, np.random.default_rng(0))


def rate_at(footage, threshold):
    return np.count_nonzero(footage.score >= threshold) / footage.faces


def per_minute_at(footage, threshold, keep):
    forwarded = sum(
        min(keep, np.count_nonzero(footage.score[footage.track == track] >= threshold))
        for track in np.unique(footage.track)
    )
    return forwarded / footage.minutes


@pytest.mark.parametrize(
    ("near", "threshold"), [(30.0, 30.0), (20.5, 20.5), (10.0, 20.0), (None, 100.0)]
)
def test_of_thresholds_that_send_everybody_once_the_one_in_effect_is_kept(near, threshold):
    footage = footage_of(range(100), np.arange(100) % 10, minutes=1.0)

    def forwarded(limit):  # whoever shows no face above the threshold is sent as a person
        return np.arange(20 if limit < 20 else 10) % 10

    goal = Goal("per_minute", 5.0, near)
    footage = replace(footage, forwarded=by_each(forwarded))
    assert suggestion(footage, goal).threshold == threshold


@settings(max_examples=30)
@given(recordings(), RATE)
def test_no_other_threshold_comes_closer_to_the_forward_rate(footage, wanted):
    found = suggestion(footage, Goal("forward_rate", wanted))
    achieved = rate_at(footage, found.threshold)
    assert found.achieved == pytest.approx(achieved)
    every = [rate_at(footage, other) for other in [*footage.score, 0.0, 100.0]]
    assert abs(achieved - wanted) == pytest.approx(min(abs(rate - wanted) for rate in every))


@settings(max_examples=30)
@given(recordings(), st.floats(0.1, 30), st.integers(1, 3))
def test_no_other_threshold_comes_closer_to_the_faces_per_minute(footage, wanted, keep):
    found = suggestion(kept(footage, keep), Goal("per_minute", wanted))
    achieved = per_minute_at(footage, found.threshold, keep)
    assert found.achieved == pytest.approx(achieved)
    every = [per_minute_at(footage, other, keep) for other in [*footage.score, 0.0, 100.0]]
    assert abs(achieved - wanted) == pytest.approx(min(abs(each - wanted) for each in every))


def test_of_more_scores_than_are_asked_about_the_one_at_the_goal_is_found():
    scores = np.random.default_rng(3).uniform(0, 100, 900)
    asked = []

    def forwarded(threshold):
        asked.append(threshold)
        return np.flatnonzero(scores >= threshold)

    footage = replace(footage_of(scores, minutes=10.0), forwarded=by_each(forwarded))
    found = suggestion(footage, Goal("per_minute", 43.2))
    assert np.count_nonzero(scores >= found.threshold) == 432
    assert len(set(asked)) < 300


def test_a_threshold_between_two_scores_is_not_taken_for_one_that_does_something_else():
    scores = np.linspace(1.5, 60.5, 60)

    def with_hysteresis(threshold):  # the limit itself decides, whatever the scores beside it
        return np.arange(60 if threshold == 30.5 else 0)

    footage = replace(footage_of(scores, minutes=1.0), forwarded=by_each(with_hysteresis))
    assert suggestion(footage, Goal("per_minute", 60)).threshold == 30.5


def test_of_two_equally_close_thresholds_the_stricter_is_suggested():
    footage = footage_of(np.repeat([20.0, 60.0], 30))  # half of the faces, or all of them
    assert suggestion(footage, Goal("forward_rate", 0.75)).achieved == 0.5


def test_equal_scores_change_sides_together():
    footage = footage_of([50.0] * LEAST_FACES)
    assert suggestion(footage, Goal("forward_rate", 0.3)).achieved == 0
    assert suggestion(footage, Goal("forward_rate", 0.7)).achieved == 1


def test_faces_that_no_threshold_can_forward_count_in_the_forward_rate():
    scores = np.linspace(1, 99, LEAST_FACES)
    everything = suggestion(
        footage_of(scores, discarded=[0] * LEAST_FACES), Goal("forward_rate", 0.5)
    )
    assert everything.achieved == 0.5
    assert everything.threshold <= 1


@given(st.lists(SCORE, min_size=1, max_size=20), st.data())
def test_a_neat_threshold_forwards_the_same_faces_and_stays_a_score(scores, data):
    levels = np.unique([*scores, 0.0, 100.0])
    chosen = data.draw(st.integers(0, levels.size - 1))
    neat = neat_threshold(levels, chosen)
    assert 0 <= neat <= 100
    assert np.array_equal(levels >= neat, levels >= levels[chosen])


@pytest.mark.parametrize(
    ("low", "high", "neat"),
    [(41.2, 44.9, 44), (41.21, 41.29, 41.29), (0, 0.52, 0.5), (99.5, 100, 100)],
)
def test_a_neat_threshold_has_no_more_digits_than_it_needs(low, high, neat):
    assert neat_threshold(np.array([low, high]), 1) == pytest.approx(neat)


def test_the_interval_is_wider_when_the_faces_are_of_few_people():
    rng = np.random.default_rng(1)
    people = rng.uniform(0, 100, 10)
    scores = np.clip(people.repeat(20) + rng.normal(0, 2, 200), 0, 100)
    goal = Goal("forward_rate", 0.5)
    strangers = suggestion(footage_of(scores), goal).interval
    walkers = suggestion(footage_of(scores, np.arange(10).repeat(20)), goal).interval
    assert walkers.high - walkers.low > 2 * (strangers.high - strangers.low)


def test_the_interval_covers_the_true_threshold_as_often_as_it_says():
    rng = np.random.default_rng(2)
    truth, covered = 70.0, 0  # 30 % of uniform scores reach 70
    for _ in range(60):
        found = suggest(footage_of(rng.uniform(0, 100, 100)), Goal("forward_rate", 0.3), rng)
        covered += found.interval.low <= truth <= found.interval.high
    assert 51 <= covered <= 60  # 95 % of 60 is 57; fewer than 51 happens once in 300 times


def test_the_best_of_each_track_are_its_highest_scores():
    footage = footage_of([1, 9, 5, 7, 3, 3], [0, 1, 0, 1, 1, 0])
    assert best_of_tracks(footage, 1).tolist() == [2, 1]
    assert best_of_tracks(footage, 2).tolist() == [2, 5, 1, 3]


def test_the_curve_never_rises():
    footage = footage_of(np.random.default_rng(0).uniform(0, 100, 60), discarded=[0, 1])
    steps = steps_of(footage, Goal("forward_rate", 0.3))
    assert (np.diff(steps.achieved) <= 0).all()
    assert steps.achieved[0] == 60 / 62
    assert closest(steps, 2.0) == 1  # of all faces, the stricter of the two ways to have them


@pytest.mark.parametrize(
    ("footage", "goal", "message"),
    [
        (
            footage_of([50.0] * 49, minutes=1.0),
            Goal("forward_rate", 0.3),
            "only 49 faces .* at least 50: record longer, or",
        ),
        (
            footage_of([50.0]),
            Goal("forward_rate", 0.3),
            "only 1 face could .* at least 50: give more photographs, or video, or",
        ),
        (
            footage_of(range(60), np.arange(60) % 4),
            Goal("forward_rate", 0.3),
            "4 people .* needs at least 5",
        ),
        (footage_of(range(60)), Goal("per_minute", 6), "still images have no length"),
        (footage_of([]), Goal("per_minute", 6), "only 0 faces .* at least 50"),
    ],
)
def test_too_little_footage_is_refused_with_what_to_do(footage, goal, message):
    with pytest.raises(TuningError, match=message):
        suggestion(footage, goal)


@pytest.mark.parametrize("value", [0.0, 1.0, -0.3])
def test_a_forward_rate_is_a_share(value):
    with pytest.raises(ValueError, match="between 0 and 1"):
        suggestion(footage_of(range(60)), Goal("forward_rate", value))
