import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.pipeline.pace import LOOKS, MOST_STRETCH, Load, Turn, in_order, seconds_until_due

ASKED = st.lists(
    st.tuples(st.floats(0, 100), st.floats(0, 10), st.floats(0, 100)),
    max_size=200,
)
"""Looks asked for, seconds of each, seconds passed."""


def after(looks, load=None):
    for look in looks:
        load = (load or Load()).looked(*look)
    return load or Load()


@given(ASKED)
def test_the_stretch_stays_within_its_bounds(looks):
    assert 1 <= after(looks).stretch <= MOST_STRETCH


def test_more_than_there_is_time_for_slows_every_camera_down_and_less_speeds_them_up_again():
    slowed = after([(2.0, 0.1, 0.1)] * 40)
    assert slowed.is_over
    assert slowed.stretch == pytest.approx(2 / 0.9, rel=0.01)
    assert not after([(1.0, 0.05, 0.1)] * 400, slowed).is_over


def test_one_long_look_is_no_overload():
    assert not after([(1.0, 0.01, 0.1)] * 40 + [(1.0, 2.0, 2.0)]).is_over


def test_between_the_limits_an_overload_stays_what_it_is():
    fits, over = after([(1.0, 0.05, 0.1)] * 90), after([(2.0, 0.1, 0.1)] * 90)
    nearly = [(1.0, 0.095, 0.1)] * 400
    assert [after(nearly, load).is_over for load in (fits, over)] == [False, True]


def test_a_camera_asks_for_its_rate_and_for_no_more_than_it_has_frames():
    turn = Turn("door", 0.1, looked_s=5.0)
    assert turn.asked(5.4, frames=8) == pytest.approx(4)
    assert [turn.asked(5.4, frames=count) for count in (0, 1, 2)] == [1, 1, 2]


def test_a_file_asks_for_nothing_and_a_new_camera_for_one_look():
    assert Turn("clip", 0.0, looked_s=5.0).asked(6.0, frames=1) == 0
    assert Turn("door", 0.1).asked(6.0, frames=30) == 1


def test_a_camera_that_waited_most_of_its_intervals_comes_first():
    often, seldom = Turn("often", 0.1, looked_s=9.5), Turn("seldom", 1.0, looked_s=8.5)
    assert in_order([seldom, often], Load(), 10.0) == [often, seldom]
    assert in_order([seldom, often], Load(), 9.55) == [seldom]


def test_a_file_is_always_due_and_never_late():
    file = Turn("clip", 0.0, looked_s=5.0)
    assert in_order([file], Load(), 5.0) == [file]
    assert not file.is_late(1000.0)
    assert file.is_worth(-100.0, 5.0, Load(look_s=1.0))


def test_a_look_that_comes_after_one_and_a_half_intervals_is_late():
    assert [Turn("door", 0.1, 5.0).is_late(now_s) for now_s in (5.1, 5.2)] == [False, True]


def test_a_frame_that_would_be_too_old_is_left_while_the_next_one_may_come():
    turn, load = Turn("door", 1.0, looked_s=-1.0), Load(look_s=1.2)
    ages = (0.0, 0.8, 0.81, 1.5, 90.0)
    assert [turn.is_worth(-age_s, 0.0, load) for age_s in ages] == [True, True, False, False, False]


def test_where_none_has_come_for_ten_intervals_since_one_was_due_it_is_as_good_as_any():
    turn, load = Turn("door", 1.0, looked_s=-11.0), Load(look_s=1.2)
    assert turn.is_worth(-90.0, 0.0, load)
    assert not turn.is_worth(-90.0, -0.1, load)


def test_a_camera_that_was_never_looked_at_does_not_wait_for_another_frame():
    assert Turn("door", 1.0).is_worth(-90.0, 0.0, Load(look_s=1.2))


@pytest.mark.parametrize("look_s", [0.1, 0.5, 2.0, 9.0])
def test_a_frame_of_half_an_interval_is_looked_at_however_long_looks_take(look_s):
    turn, load = Turn("door", 1.0, looked_s=-1.0), Load(look_s=look_s)
    assert all(turn.is_worth(-age_s, 0.0, load) for age_s in (0.0, 0.5))
    assert not turn.is_worth(-2.0, 0.0, load)


def test_the_next_look_is_waited_for():
    turns = [Turn("door", 0.5, looked_s=5.0), Turn("yard", 1.0, looked_s=5.0)]
    assert seconds_until_due(turns, Load(), 5.1) == pytest.approx(0.4)
    assert seconds_until_due(turns, Load(), 6.0) is None


def test_the_longest_look_but_one_counts_while_it_is_among_the_newest():
    usual, long = (1.0, 0.1, 0.1), (1.0, 0.5, 0.5)
    assert after([usual] * 9 + [long]).look_s == 0.1
    assert after([usual] * 9 + [long, usual, long]).look_s == 0.5
    assert after([long, long] + [usual] * (LOOKS - 2)).look_s == 0.5
    assert after([long, long] + [usual] * (LOOKS - 1)).look_s == 0.1


def test_while_nobody_asks_the_load_falls_and_what_looks_took_is_remembered():
    busy = after([(2.0, 0.1, 0.1)] * 60)
    later = busy.rested(30.0)
    assert (busy.is_over, later.is_over) == (True, False)
    assert later.look_s == busy.look_s
