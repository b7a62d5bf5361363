import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.backoff import backoff_delay, jitter

FAILURES = st.integers(1, 10**6)
CHANCE = st.floats(0, 1, exclude_max=True)


@pytest.mark.parametrize(("failures", "longest"), [(1, 1), (2, 2), (3, 4), (9, 256), (10, 300)])
def test_longest_wait_doubles_up_to_the_ceiling(failures, longest):
    assert backoff_delay(failures, 1.0, 300.0, chance=0.0) == longest / 2
    assert backoff_delay(failures, 1.0, 300.0, chance=1.0) == longest


@given(FAILURES, CHANCE)
def test_wait_is_never_under_half_the_first_nor_over_the_ceiling(failures, chance):
    assert 0.5 <= backoff_delay(failures, 1.0, 300.0, chance) <= 300


@given(FAILURES, CHANCE)
def test_wait_never_shrinks_with_more_failures(failures, chance):
    first, second = (backoff_delay(n, 1.0, 300.0, chance) for n in (failures, failures + 1))
    assert first <= second


def test_two_devices_do_not_come_back_together():
    assert backoff_delay(5, 1.0, 300.0, 0.1) != backoff_delay(5, 1.0, 300.0, 0.9)


def test_jitter_takes_nothing_from_the_generator_that_all_share():
    before = random.getstate()
    assert 0 <= jitter() < 1
    assert random.getstate() == before
