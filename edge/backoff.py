"""How long to wait after failures: exponential, with a ceiling and equal jitter."""

import random

# Of its own: threads that wait must not change what others draw from the generator that all share.
jitter = random.Random().random  # noqa: S311 -- no secret
"""Return a random number in [0, 1)."""


def backoff_delay(failures: int, first: float, at_most: float, chance: float) -> float:
    """
    Return the seconds to wait after a number of failures in a row.

    The wait doubles with each failure up to `at_most`. Half of it is certain, so a receiver in
    trouble gets its rest; the other half is random, so that a hundred devices that lost the same
    server do not come back in the same second.

    Args:
        failures: In a row, at least 1.
        first: Seconds, the longest wait after one failure.
        at_most: Seconds, the longest wait after any number.
        chance: Random number in [0, 1).

    Returns:
        Seconds in [half, whole] of min(at_most, first * 2 ** (failures - 1)).
    """
    # Beyond 2 ** 63 the doubling would leave the range of floats before min() sees it.
    longest = min(at_most, first * 2.0 ** min(failures - 1, 63))
    return longest * (1 + chance) / 2
