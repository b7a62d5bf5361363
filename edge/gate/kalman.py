"""
A constant-velocity Kalman filter over a box's centre and size.

The four numbers (centre x, centre y, width, height) are filtered independently, each with its own
velocity; noise is a share of the box's size, so that near and far faces are treated alike.

Source: Kalman, "A New Approach to Linear Filtering and Prediction Problems" (1960); the state is
the one of SORT (Bewley et al., arXiv 1602.00763) with height in the place of the aspect ratio.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.samples import Box

MEASUREMENT_NOISE = 0.05
"""Standard deviation of a detected centre or size, as a share of the box's mean side."""
ACCELERATION_NOISE = 2.0
"""Standard deviation of the unmodelled acceleration, mean sides per second squared."""
FIRST_SPEED = 2.0
"""Standard deviation of the velocity of a new box, mean sides per second."""

State = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """Where a box is and how it moves."""

    position: State
    """(4,) centre x, centre y, width, height in pixels."""
    velocity: State
    """(4,) pixels per second."""
    covariance: State
    """(2, 2) of position and velocity, in squared mean sides: the same for all four numbers."""


def first_motion(box: Box) -> Motion:
    """Return the motion of a box seen once: where it is, at rest, speed unknown."""
    variance = np.diag([MEASUREMENT_NOISE**2, FIRST_SPEED**2])
    return Motion(_measured(box), np.zeros(4), variance)


def predicted(motion: Motion, seconds: float) -> Motion:
    """Return the motion after a time without measurement; `seconds` is not negative."""
    step = np.array([[1.0, seconds], [0.0, 1.0]])
    noise = np.array([[seconds**4 / 4, seconds**3 / 2], [seconds**3 / 2, seconds**2]])
    covariance = step @ motion.covariance @ step.T + ACCELERATION_NOISE**2 * noise
    position = motion.position + seconds * motion.velocity
    # A shrinking box must not turn inside out while it is hidden.
    position[2:] = np.maximum(position[2:], 1.0)
    return Motion(position, motion.velocity, covariance)


def corrected(motion: Motion, box: Box) -> Motion:
    """Return the predicted motion moved towards what was measured."""
    gain = motion.covariance[:, 0] / (motion.covariance[0, 0] + MEASUREMENT_NOISE**2)
    surprise = _measured(box) - motion.position
    covariance = motion.covariance - np.outer(gain, motion.covariance[0])
    return Motion(
        motion.position + gain[0] * surprise, motion.velocity + gain[1] * surprise, covariance
    )


def box_of(motion: Motion) -> Box:
    """Return the box at the motion's position."""
    x, y, width, height = (float(number) for number in motion.position)
    return Box(x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def _measured(box: Box) -> State:
    centre = (box.left + box.right) / 2, (box.top + box.bottom) / 2
    return np.array([*centre, box.width, box.height])
