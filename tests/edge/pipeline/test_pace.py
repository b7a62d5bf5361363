from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.pipeline.pace import (
    FRESH_S,
    MOST_STRETCH,
    TOO_OLD_S,
    Load,
    Turn,
    in_order,
    seconds_until_due,
)

AGES = st.lists(st.floats(0, 100), max_size=200)


def after(ages, load=None):
    for age in ages:
        load = (load or Load()).looked(age)
    return load or Load()


@given(AGES)
def test_the_stretch_stays_within_its_bounds(ages):
    assert 1 <= after(ages).stretch <= MOST_STRETCH


def test_old_frames_slow_every_camera_down_and_fresh_ones_speed_them_up_again():
    slowed = after([2 * TOO_OLD_S] * 40)
    assert slowed.is_over
    assert not after([FRESH_S / 2] * 400, slowed).is_over


def test_one_late_verdict_is_no_overload():
    assert not after([0.1] * 20 + [2.0]).is_over


@given(AGES, st.floats(FRESH_S, TOO_OLD_S))
def test_between_the_limits_nothing_changes(ages, age):
    load = replace(after(ages), age_s=age)
    assert load.looked(age).stretch == load.stretch


def served(rates, cost_s, seconds):
    """Simulate cameras with a frame always ready and a gate that takes cost_s for each."""
    turns = {str(number): Turn(str(number), 1 / rate) for number, rate in enumerate(rates)}
    looks, load, now_s = dict.fromkeys(turns, 0), Load(), 0.0
    while now_s < seconds:
        ready = in_order(turns.values(), load, now_s)
        if not ready:
            now_s += seconds_until_due(turns.values(), load, now_s) or 0.001
            continue
        name = ready[0].name
        turns[name] = replace(ready[0], looked_s=now_s)
        looks[name] += 1
        now_s += cost_s
        load = load.looked(cost_s)
    return looks


def test_without_overload_each_camera_gets_its_rate():
    assert served([10, 5], cost_s=0.01, seconds=10) == pytest.approx({"0": 100, "1": 50}, abs=1)


@given(st.integers(1, 6), st.sampled_from([0.15, 0.4, 0.9]))
def test_under_overload_all_cameras_get_the_same_share(cameras, cost_s):
    looks = served([10] * cameras, cost_s, seconds=60)
    assert max(looks.values()) - min(looks.values()) <= 1


def test_a_file_is_always_due_and_never_late():
    file = Turn("clip", 0.0, looked_s=5.0)
    assert in_order([file], Load(), 5.0) == [file]
    assert not file.is_late(1000.0)


def test_a_look_that_comes_after_one_and_a_half_intervals_is_late():
    assert [Turn("door", 0.1, 5.0).is_late(now_s) for now_s in (5.1, 5.2)] == [False, True]
