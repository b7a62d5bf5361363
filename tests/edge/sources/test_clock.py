import math
import time
from dataclasses import replace
from datetime import datetime, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.samples import Captured
from edge.sources.clock import SourceTime, stamped
from tests.edge.canned import frame_of

NOON = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)
PIXELS = np.zeros((1, 1, 3), np.uint8)


@pytest.mark.parametrize("time_s", [None, math.nan, math.inf])
def test_a_picture_of_a_camera_always_has_a_time(time_s):
    since_s = time.monotonic() - 5
    assert 5 <= stamped(time_s, since_s) < math.inf
    assert stamped(1.5, since_s) == 1.5


def captured(time_s=None, monotonic_s=0.0):
    return Captured(frame_of(PIXELS, time_s), monotonic_s, NOON, clock_synced=True)


@given(st.lists(st.none() | st.floats(0, 1000), max_size=30), st.booleans())
def test_time_never_runs_backwards(times, is_live):
    clock = SourceTime(is_live=is_live)
    seen = [clock.seen_s(captured(time_s, monotonic_s=time_s or 0.0)) for time_s in times]
    assert seen == sorted(seen)


def test_a_recording_keeps_its_own_time_and_is_cut_where_its_loop_begins_anew():
    clock = SourceTime(is_live=False)
    cuts, seen = [], []
    for time_s in (0.0, 0.5, 1.0, 0.0, 0.5):
        cuts.append(clock.is_cut(captured(time_s)))
        seen.append(clock.seen_s(captured(time_s)))
    assert cuts == [False, False, False, True, False]
    assert seen == [0.0, 0.5, 1.0, 2.0, 2.5]


def test_a_second_recording_is_another_scene_whatever_its_first_time_stamp():
    clock = SourceTime(is_live=False)
    clock.seen_s(captured(0.0))
    later = captured(5.0)
    other = replace(later, frame=replace(later.frame, source="tuesday.mp4"))
    assert clock.is_cut(other)
    assert clock.seen_s(other) == 1.0
    assert not clock.is_cut(other)


def test_photographs_are_scenes_of_their_own():
    clock = SourceTime(is_live=False)
    clock.seen_s(captured())
    assert clock.is_cut(captured())


def test_a_camera_is_timed_by_arrival_and_never_cut():
    clock = SourceTime(is_live=True)
    assert clock.seen_s(captured(time_s=99.0, monotonic_s=5.0)) == 5.0
    assert not clock.is_cut(captured(time_s=0.0, monotonic_s=6.0))


def test_a_frame_that_was_grabbed_before_time_passed_is_not_earlier():
    clock = SourceTime(is_live=True)
    clock.pass_to(7.0)
    assert clock.seen_s(captured(monotonic_s=6.9)) == 7.0
