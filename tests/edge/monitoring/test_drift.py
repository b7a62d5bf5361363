import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import ConfigError
from edge.monitoring.baseline import read_baseline, write_baseline
from edge.monitoring.drift import (
    BINS,
    HINTS,
    LEAST_TRACKS,
    SHIFTED,
    Baseline,
    RecentScores,
    baseline_of,
    psi,
)

COUNTS = st.lists(st.integers(0, 500), min_size=5, max_size=5)


ENOUGH = 95.0


def tuned(mean=50.0, tracks=400):
    best = np.random.default_rng(0).normal(mean, 10, tracks)
    baseline = baseline_of(best, ENOUGH, "pair")
    assert baseline is not None
    return baseline


def hour_of(scores, baseline=None):
    """One score for each track."""
    recent = RecentScores(baseline or tuned())
    for number, score in enumerate(scores):
        recent.add(float(score), number, number * 3000 / len(scores))
    return recent


@given(COUNTS, COUNTS)
def test_psi_is_the_sum_of_both_relative_entropies(expected, actual):
    p = [(count + 0.5) / (sum(expected) + 2.5) for count in expected]
    q = [(count + 0.5) / (sum(actual) + 2.5) for count in actual]
    entropies = [
        sum(x * math.log(x / y) for x, y in zip(a, b, strict=True)) for a, b in ((p, q), (q, p))
    ]
    assert psi(expected, actual) == pytest.approx(sum(entropies), abs=1e-12)
    assert psi(expected, actual) == pytest.approx(psi(actual, expected), abs=1e-12)
    assert psi(expected, actual) >= 0


@given(COUNTS)
def test_what_has_not_changed_has_no_psi(counts):
    assert psi(counts, counts) == 0


def test_a_baseline_has_as_many_tracks_in_each_bin():
    baseline = tuned()
    assert len(baseline.counts) == BINS
    assert max(baseline.counts) - min(baseline.counts) <= 1


@pytest.mark.parametrize("scores", [[], [50.0] * 60])
def test_equal_scores_are_no_baseline(scores):
    assert baseline_of(np.array(scores), ENOUGH, "pair") is None


@given(st.lists(st.sampled_from([10.0, 20.0, 30.0]), min_size=3, max_size=50))
def test_tied_scores_share_a_bin_and_no_bin_is_empty(scores):
    baseline = baseline_of(np.array(scores), ENOUGH, "pair")
    if len(set(scores)) == 1:
        assert baseline is None
    else:
        assert baseline is not None
        assert sum(baseline.counts) == len(scores)
        assert min(baseline.counts) > 0


def test_the_same_camera_an_hour_later_raises_no_alarm():
    scores = np.random.default_rng(1).normal(50, 10, 1000)
    drift = hour_of(scores).drift(3000)
    assert drift.psi < SHIFTED
    assert not drift.alarm


@pytest.mark.parametrize(
    ("mean", "spread", "direction"), [(38, 10, "lower"), (62, 10, "higher"), (50, 30, "different")]
)
def test_a_changed_camera_raises_an_alarm_with_a_hint(mean, spread, direction):
    scores = np.random.default_rng(1).normal(mean, spread, 1000)
    drift = hour_of(scores).drift(3000)
    assert drift.alarm
    assert drift.direction == direction
    assert drift.direction in HINTS


def test_few_people_need_a_larger_shift():
    scores = np.linspace(20, 64, LEAST_TRACKS)  # a mean of 42, spread evenly
    many, few = (hour_of(np.repeat(scores, times)).drift(3000) for times in (20, 1))
    assert min(many.psi, few.psi) > SHIFTED
    assert (many.alarm, few.alarm) == (True, False)


def test_a_night_without_people_says_nothing():
    assert hour_of([10.0] * (LEAST_TRACKS - 1)).drift(3000) is None
    assert RecentScores(tuned()).drift(0) is None


def test_what_was_seen_an_hour_ago_is_forgotten():
    recent = hour_of([10.0] * 500)
    assert recent.drift(3000).alarm
    assert recent.drift(3000 + 3600) is None


def test_chance_alone_seldom_raises_an_alarm():
    rng = np.random.default_rng(3)
    baseline = baseline_of(rng.normal(50, 10, 60), ENOUGH, "pair")
    alarms = [hour_of(rng.normal(50, 10, 60), baseline).drift(3000).alarm for _ in range(200)]
    assert sum(alarms) <= 3


def walk_by(rng):
    """Return the scores of a person in each frame: good ones are at 100 for a while."""
    length = rng.integers(10, 60)
    wander = np.cumsum(rng.normal(0, 1.5, length)) + rng.normal(0, 4, length)
    return np.clip(rng.normal(75, 15) + wander, 0, 100)


def scored_in_best_shot(scores):
    """Return the scores up to the first that is good enough: no face is scored after it."""
    enough = np.flatnonzero(scores >= ENOUGH)
    return scores[: enough[0] + 1] if enough.size else scores


def test_a_mode_that_scores_fewer_faces_than_tuning_did_raises_no_alarm():
    rng = np.random.default_rng(4)
    baseline = baseline_of(np.array([walk_by(rng).max() for _ in range(300)]), ENOUGH, "pair")
    assert baseline is not None
    alarms = []
    for _ in range(30):
        recent = RecentScores(baseline)
        for track in range(150):
            for score in scored_in_best_shot(walk_by(rng)):
                recent.add(float(score), track, 0.0)
        drift = recent.drift(0.0)
        assert drift is not None
        alarms.append(drift.alarm)
    assert sum(alarms) == 0


def test_a_track_counts_once_with_its_best_score():
    recent = RecentScores(tuned())
    for number in range(LEAST_TRACKS):
        for score in (10.0, 50.0, 20.0):
            recent.add(score, number, 0.0)
    once = RecentScores(tuned())
    for number in range(LEAST_TRACKS):
        once.add(50.0, number, 0.0)
    assert recent.drift(0.0) == once.drift(0.0)


def test_a_track_that_goes_on_is_not_forgotten():
    recent = hour_of([10.0] * LEAST_TRACKS)
    for number in range(LEAST_TRACKS):
        recent.add(5.0, number, 5000.0)
    assert recent.drift(6600.0).alarm
    assert recent.drift(8600.0) is None


def test_a_score_that_is_no_number_is_refused():
    with pytest.raises(ValueError, match="not finite"):
        RecentScores(tuned()).add(math.nan, 1, 0.0)


def test_a_baseline_survives_its_file(tmp_path):
    path = tmp_path / "door.baseline.json"
    baseline = tuned()
    write_baseline(baseline, path)
    again = read_baseline(path, "pair")
    assert again == baseline


def test_a_baseline_of_another_pair_is_refused(tmp_path):
    path = tmp_path / "door.baseline.json"
    write_baseline(tuned(), path)
    with pytest.raises(ConfigError, match="was made with engine pair pair, and scores of other"):
        read_baseline(path, "other")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        '{"schema_version": 2, "pair_id": "p", "enough": 95, "edges": [2, 1], "counts": [1, 1, 1]}',
        '{"schema_version": 2, "pair_id": "p", "enough": 95, "edges": [1], "counts": [0, 0]}',
        '{"schema_version": 2, "pair_id": "p", "enough": 95, "edges": [1], "counts": [1]}',
        '{"schema_version": 1, "pair_id": "p", "tracks": 9, "edges": [1], "counts": [1, 1]}',
    ],
)
def test_a_damaged_baseline_says_what_to_do(tmp_path, text):
    path = tmp_path / "door.baseline.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match="write it anew with edge-gate tune") as refused:
        read_baseline(path, "p")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("edges", [(), (1.0, 2.0)])
def test_edges_and_bins_belong_together(edges):
    with pytest.raises(ValueError, match="edges for 2 bins"):
        Baseline(edges, (1, 1), ENOUGH, "pair")
