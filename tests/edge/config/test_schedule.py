from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.config.schedule import DAYS, Hours, is_scheduled
from tests.edge.configurations import SMALLEST, loaded

MONDAY = datetime(2026, 1, 5)  # noqa: DTZ001 -- local time
WORKDAYS = Hours(days=("mon", "tue", "wed", "thu", "fri"), start="08:00", end="18:30")
NIGHT = Hours(days=("sat",), start="22:00", end="06:00")


@pytest.mark.parametrize(
    ("days", "hour", "minute", "scheduled"),
    [
        (0, 7, 59, False),
        (0, 8, 0, True),
        (0, 18, 29, True),
        (0, 18, 30, False),
        (5, 12, 0, False),
    ],
)
def test_hours_hold_their_first_minute_but_not_their_last(days, hour, minute, scheduled):
    moment = MONDAY + timedelta(days=days, hours=hour, minutes=minute)
    assert is_scheduled([WORKDAYS], moment) is scheduled


@pytest.mark.parametrize(
    ("days", "hour", "scheduled"),
    [(5, 21, False), (5, 22, True), (6, 5, True), (6, 6, False), (5, 3, False)],
)
def test_hours_over_midnight_belong_to_the_day_on_which_they_start(days, hour, scheduled):
    assert is_scheduled([NIGHT], MONDAY + timedelta(days=days, hours=hour)) is scheduled


def test_without_a_schedule_a_source_is_always_looked_at():
    assert is_scheduled([], MONDAY)


@given(st.integers(0, 7 * 24 * 60 - 1), st.sampled_from(DAYS), st.integers(0, 23))
def test_a_window_and_its_complement_share_no_minute_and_miss_none(minute, day, hour):
    moment = MONDAY + timedelta(minutes=minute)
    start = f"{hour:02}:00"
    window = Hours(days=(day,), start=start, end=start)
    others = Hours(days=tuple(each for each in DAYS if each != day), start=start, end=start)
    assert is_scheduled([window], moment) is not is_scheduled([others], moment)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("{start: '8:00'}", "allowed a time of day from 00:00 to 24:00"),
        ("{end: '24:01'}", "allowed a time of day from 00:00 to 24:00"),
        ("{days: [monday]}", "allowed mon, tue, wed, thu, fri, sat, sun"),
        ("{days: []}", "leave it out for every day"),
    ],
)
def test_wrong_hours_are_named(written, message):
    text = SMALLEST.replace("uri: photographs", f"uri: photographs\n    schedule: [{written}]")
    with pytest.raises(ValueError, match=message):
        loaded(text)
