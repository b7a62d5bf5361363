from collections.abc import Sequence
from itertools import islice, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import SourceError
from edge.samples import Frame
from edge.sources.playback import LONGEST_GAP_S, Pacing, Replay
from tests.edge.watching import Scripted

PIXELS = np.zeros((4, 4, 3), np.uint8)


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def pacing(self) -> Pacing:
        return Pacing(lambda: self.now_s, self.wait)

    def wait(self, seconds: float) -> None:
        assert seconds > 0
        self.now_s += seconds


def recording(times: Sequence[float | None]) -> Scripted:
    frames = [Frame(PIXELS, "clip", index, time_s) for index, time_s in enumerate(times)]
    return Scripted(*[lambda: frames] * 9)


def test_files_are_played_once_in_order():
    replay = Replay(lambda: [recording([0, 1]), recording([0])])
    assert [(frame.index, frame.time_s) for frame in replay.frames()] == [(0, 0), (1, 1), (0, 0)]


def test_a_loop_starts_again():
    replay = Replay(lambda: [recording([0, 1])], loop=True)
    assert [frame.time_s for frame in islice(replay.frames(), 5)] == [0, 1, 0, 1, 0]


@pytest.mark.parametrize("loop", [False, True])
def test_a_source_without_a_frame_is_an_error_and_no_endless_loop(loop):
    with pytest.raises(SourceError, match="no file of the source holds a frame"):
        list(Replay(lambda: [recording([])], loop=loop).frames())


def moments(times: Sequence[float | None], busy_s: Sequence[float] = ()) -> list[float]:
    """Return when each frame came, for a consumer that is busy for some seconds after each."""
    clock, came = Clock(), []
    replay = Replay(lambda: [recording(times)], pacing=clock.pacing())
    for index, _ in enumerate(replay.frames()):
        came.append(clock.now_s - 100)
        clock.now_s += busy_s[index] if index < len(busy_s) else 0
    return came


def test_frames_come_at_their_time():
    assert moments([0, 0.5, 0.75, 1.5]) == pytest.approx([0, 0.5, 0.75, 1.5])


def test_a_slow_consumer_is_not_flooded_afterwards():
    assert moments([0, 0.5, 1, 1.5], busy_s=[10]) == pytest.approx([0, 10, 10.5, 11])


def test_a_gap_in_the_recording_is_shortened():
    assert moments([0, 3600, 3600.5]) == pytest.approx([0, LONGEST_GAP_S, LONGEST_GAP_S + 0.5])


def test_still_images_are_not_waited_for():
    assert moments([None, None]) == [0, 0]


@given(
    st.lists(st.floats(0, 100), min_size=1, max_size=20).map(sorted),
    st.lists(st.floats(0, 5), max_size=20),
)
def test_frames_never_come_faster_than_recorded_nor_wait_longer_than_a_gap(times, busy_s):
    came = moments(times, busy_s)
    busy_s = [*busy_s, *[0.0] * len(times)]
    for index, (before, now) in enumerate(pairwise(came)):
        recorded_s = times[index + 1] - times[index]
        assert now - before >= min(recorded_s, LONGEST_GAP_S) - 1e-6
        assert now - before <= max(recorded_s, busy_s[index]) + 1e-6
        assert now - before <= LONGEST_GAP_S + busy_s[index] + 1e-6
