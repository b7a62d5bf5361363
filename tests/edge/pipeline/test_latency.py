import pytest

from edge.pipeline.latency import REMEMBERED, Latency


def test_before_the_first_frame_there_is_no_age():
    assert (Latency().newest_s, Latency().percentiles_ms()) == (None, None)


def test_median_95th_and_99th_percentile_are_told_in_milliseconds():
    ages = Latency()
    for number in range(101):
        ages.add(number / 1000)
    assert ages.newest_s == 0.1
    assert ages.percentiles_ms() == pytest.approx((50.0, 95.0, 99.0))


def test_only_the_newest_frames_count():
    ages = Latency()
    ages.add(1000.0)
    for _ in range(REMEMBERED):
        ages.add(0.25)
    assert ages.percentiles_ms() == (250.0, 250.0, 250.0)
