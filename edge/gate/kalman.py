"""
A constant-velocity Kalman filter over a box's centre and size.

The four numbers (centre x, centre y, width, height) are filtered independently, each with its own
velocity; noise is a share of the box's size, so that near and far faces are treated alike.

Source: Kalman, "A New Approach to Linear Filtering and Prediction Problems" (1960); the state is
the one of SORT (Bewley et al., arXiv 1602.00763) with height in the place of the aspect ratio. The
2 x 2 matrices are written out: arrays so small cost ten times as much as their arithmetic.
"""

from dataclasses import dataclass
from typing import TypeAlias

from edge.samples import Box

MEASUREMENT_NOISE = 0.05
"""Standard deviation of a detected centre or size, as a share of the box's mean side."""
ACCELERATION_NOISE = 2.0
"""Standard deviation of the unmodelled acceleration, mean sides per second squared."""
FIRST_SPEED = 2.0
"""Standard deviation of the velocity of a new box, mean sides per second."""

Numbers: TypeAlias = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """Where a box is and how it moves."""

    position: Numbers
    """Centre x, centre y, width, height in pixels."""
    velocity: Numbers
    """Pixels per second."""
    covariance: tuple[float, float, float]
    """Of position, of both, of velocity, in squared mean sides: the same for all four numbers."""


def first_motion(box: Box) -> Motion:
    """Return the motion of a box seen once: where it is, at rest, speed unknown."""
    variance = (MEASUREMENT_NOISE**2, 0.0, FIRST_SPEED**2)
    return Motion(_measured(box), (0.0, 0.0, 0.0, 0.0), variance)


def predicted(motion: Motion, seconds: float) -> Motion:
    """Return the motion after a time without measurement; `seconds` is not negative."""
    place, both, speed = motion.covariance
    push = ACCELERATION_NOISE**2
    covariance = (
        place + seconds * (2 * both + seconds * speed) + push * seconds**4 / 4,
        both + seconds * speed + push * seconds**3 / 2,
        speed + push * seconds**2,
    )
    x, y, width, height = motion.position
    right, down, wider, higher = motion.velocity
    position = (
        x + seconds * right,
        y + seconds * down,
        # A shrinking box must not turn inside out while it is hidden.
        max(width + seconds * wider, 1.0),
        max(height + seconds * higher, 1.0),
    )
    return Motion(position, motion.velocity, covariance)


def corrected(motion: Motion, box: Box) -> Motion:
    """Return the predicted motion moved towards what was measured."""
    place, both, speed = motion.covariance
    certainty = 1 / (place + MEASUREMENT_NOISE**2)
    of_place, of_speed = place * certainty, both * certainty
    seen = _measured(box)
    return Motion(
        _moved(motion.position, of_place, seen, motion.position),
        _moved(motion.velocity, of_speed, seen, motion.position),
        (place - of_place * place, both - of_place * both, speed - of_speed * both),
    )


def box_of(motion: Motion) -> Box:
    """Return the box at the motion's position."""
    x, y, width, height = motion.position
    return Box(x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def _moved(numbers: Numbers, gain: float, seen: Numbers, expected: Numbers) -> Numbers:
    """Return numbers moved by the gain times the surprise."""
    a, b, c, d = numbers
    return (
        a + gain * (seen[0] - expected[0]),
        b + gain * (seen[1] - expected[1]),
        c + gain * (seen[2] - expected[2]),
        d + gain * (seen[3] - expected[3]),
    )


def _measured(box: Box) -> Numbers:
    return (box.left + box.right) / 2, (box.top + box.bottom) / 2, box.width, box.height
