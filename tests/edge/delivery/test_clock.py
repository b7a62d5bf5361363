import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.delivery.clock import ClockReading, OutboxClock, resumed
from tests.edge.clocks import DAY, NOW, Hands

WALL = st.floats(0, 4e9)


def test_outbox_seconds_follow_the_monotonic_clock_while_the_wall_clock_jumps():
    hands = Hands()
    clock = OutboxClock(ClockReading(1000.0, NOW), hands.clocks())
    hands.monotonic, hands.wall = 60.0, NOW - 10 * 365 * DAY
    assert clock.now() == ClockReading(1010.0, NOW - 10 * 365 * DAY)


@pytest.mark.parametrize(
    ("gap", "counted"),
    [
        (3 * DAY, 3 * DAY),
        (0.5, 0.5),
        (366 * DAY, 366 * DAY),
        (366 * DAY + 1, 0),
        (-10 * 365 * DAY, 0),
        (56 * 365 * DAY, 0),
    ],
    ids=[
        "switched off",
        "started anew",
        "a year in a drawer",
        "longer than that",
        "started in 1970",
        "was in 1970 before",
    ],
)
def test_time_between_two_processes_counts_only_if_it_is_plausible(gap, counted):
    assert resumed(ClockReading(1000.0, NOW), NOW + gap) == 1000.0 + counted


@given(st.floats(0, 1e9), WALL, st.lists(WALL, max_size=5))
def test_outbox_seconds_never_go_back_over_any_number_of_starts(outbox_s, wall_s, starts):
    last = ClockReading(outbox_s, wall_s)
    for wall in starts:
        now = OutboxClock(last, Hands(wall=wall).clocks()).now()
        assert now.outbox_s >= last.outbox_s - 1e-6  # adding and taking off the monotonic clock
        last = now
