"""The filter against the textbook's matrices, one number of the box at a time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.gate.kalman import Motion, box_of, corrected, first_motion, predicted
from edge.samples import Box

MEASURED, ACCELERATED, FIRST = 0.05, 2.0, 2.0
"""Standard deviations in mean sides: of a measurement, of the acceleration, of a new speed."""
OBSERVED = np.array([[1.0, 0.0]])

boxes = st.builds(
    lambda x, y, width, height: Box(x, y, x + width, y + height),
    st.floats(0, 1000), st.floats(0, 1000), st.floats(8, 300), st.floats(8, 300),
)  # fmt: skip
steps = st.lists(st.tuples(st.floats(0, 2), boxes), min_size=1, max_size=5)


def numbers(box):
    return [
        (box.left + box.right) / 2,
        (box.top + box.bottom) / 2,
        box.right - box.left,
        box.bottom - box.top,
    ]


class Textbook:
    """Kalman's equations for position and velocity of one number."""

    def __init__(self, number):
        self.state = np.array([number, 0.0])
        self.covariance = np.diag([MEASURED**2, FIRST**2])

    def predict(self, seconds, least):
        transition = np.array([[1.0, seconds], [0.0, 1.0]])
        push = np.array([[seconds**2 / 2], [seconds]])
        self.state = transition @ self.state
        self.state[0] = max(self.state[0], least)
        noise = push @ push.T * ACCELERATED**2
        self.covariance = transition @ self.covariance @ transition.T + noise

    def correct(self, number):
        innovation = OBSERVED @ self.covariance @ OBSERVED.T + MEASURED**2
        gain = self.covariance @ OBSERVED.T / innovation
        self.state = self.state + gain[:, 0] * (number - self.state[0])
        self.covariance = (np.eye(2) - gain @ OBSERVED) @ self.covariance


@given(boxes, steps)
def test_every_number_of_a_box_is_filtered_as_the_textbook_says(first, seen):
    motion: Motion = first_motion(first)
    oracle = [Textbook(number) for number in numbers(first)]
    for seconds, box in seen:
        motion = predicted(motion, seconds)
        for place, (filtered, number) in enumerate(zip(oracle, numbers(box), strict=True)):
            filtered.predict(seconds, -np.inf if place < 2 else 1.0)
            assert motion.position[place] == pytest.approx(filtered.state[0], abs=1e-6)
            filtered.correct(number)
        motion = corrected(motion, box)
        assert motion.position == pytest.approx([each.state[0] for each in oracle], abs=1e-6)
        assert motion.velocity == pytest.approx([each.state[1] for each in oracle], abs=1e-6)
        (place, both), (_, speed) = oracle[0].covariance
        assert motion.covariance == pytest.approx((place, both, speed), abs=1e-9)


@given(boxes)
def test_a_box_seen_once_is_where_it_was_seen(box):
    where = box_of(first_motion(box))
    expected = (box.left, box.top, box.right, box.bottom)
    assert (where.left, where.top, where.right, where.bottom) == pytest.approx(expected)


def test_a_shrinking_box_keeps_one_pixel_while_it_is_hidden():
    shrinking = Motion((50.0, 50.0, 20.0, 30.0), (0.0, 0.0, -50.0, -50.0), (1.0, 0.0, 1.0))
    assert predicted(shrinking, 10.0).position == (50, 50, 1, 1)
