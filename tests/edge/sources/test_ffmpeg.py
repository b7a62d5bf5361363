import pytest

from edge.sources.ffmpeg import drain


class Camera:
    """Each grab takes given seconds of a clock; then there is none any more."""

    def __init__(self, seconds: list[float]) -> None:
        self.now_s, self._seconds = 0.0, iter(seconds)

    def clock(self) -> float:
        return self.now_s

    def grab(self) -> bool:
        seconds = next(self._seconds, None)
        self.now_s += seconds or 0
        return seconds is not None


@pytest.mark.parametrize(
    ("fps", "seconds", "passed"),
    [
        (25, [0.002] * 28 + [0.03] + [0.04] * 9, 29),
        (25, [0.04] * 9, 1),
        (25, [1 / 64] * 999, 129),
        (0, [0.002] * 5 + [0.04] * 9, 6),
        (90000, [0.002] * 5 + [0.04] * 9, 6),
        (5, [0.002] * 5 + [0.08] * 3 + [0.2] * 9, 9),
        (25, [0.002] * 3, 3),
    ],
    ids=["backlog", "none", "too slow to catch up", "rate unknown", "absurd rate", "5 fps", "dies"],
)
def test_frames_that_waited_are_passed_over(fps, seconds, passed):
    camera = Camera(seconds)
    assert drain(camera.grab, fps, camera.clock) == passed
