"""Pass over frames that were waiting before a camera was read."""

from collections.abc import Callable

LONGEST_S = 2.0
"""The longest time spent on it; measured on RTSP: about 1 s of frames wait in the server."""
USUAL_FPS = 25.0
"""For cameras that do not say, or say something absurd."""


def drain(grab: Callable[[], bool], fps: float, clock: Callable[[], float]) -> int:
    """
    Grab until a frame had to be waited for: those that waited for us come at once.

    Args:
        grab: Takes the next frame and forgets it; False when there is none any more.
        fps: Frames per second the camera promises; anything when it does not.
        clock: Monotonic seconds.

    Returns:
        How many frames were passed over; the last of them was fresh, unless the time ran out.
    """
    half_interval_s = 0.5 / (fps if 1 <= fps <= 240 else USUAL_FPS)
    start_s = before_s = clock()
    passed = 0
    while grab():
        passed += 1
        now_s = clock()
        if now_s - before_s > half_interval_s or now_s - start_s > LONGEST_S:
            break
        before_s = now_s
    return passed
