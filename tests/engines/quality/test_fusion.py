"""Two opinions in shares of reference faces, and one score of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.quality.fusion import Ranking, fit_ranking, fused_share

VALUES = st.lists(st.integers(-1000, 1000), min_size=30, max_size=80, unique=True)


@given(VALUES)
def test_a_share_is_how_many_reference_faces_are_worse(values):
    found = np.array(values, np.float64)
    shares = fit_ranking(found).share(found)
    worse = np.array([(found < each).mean() for each in found])
    assert shares == pytest.approx(worse, abs=0.06)  # straight between knots; a face is 1/30


@given(VALUES)
def test_a_better_value_never_has_a_lower_share(values):
    found = np.sort(np.array(values, np.float64))
    assert (np.diff(fit_ranking(found).share(found)) >= 0).all()


def test_two_equal_opinions_are_as_one():
    values = np.random.default_rng(0).normal(size=500)
    ranking = fit_ranking(values)
    share = ranking.share(values)
    again = fit_ranking(share, ends=(0.0, 1.0))
    assert fused_share(share, share, again) == pytest.approx(share, abs=0.02)


def test_both_opinions_count_alike_and_the_result_is_a_share_again():
    random = np.random.default_rng(1)
    first, second = random.random(4000), random.random(4000)
    ranking = fit_ranking((first + second) / 2, ends=(0.0, 1.0))
    fused = fused_share(first, second, ranking)
    assert fused == pytest.approx(fused_share(second, first, ranking))
    assert np.quantile(fused, [0.1, 0.5, 0.9]) == pytest.approx([0.1, 0.5, 0.9], abs=0.02)


def test_faces_better_than_all_of_the_reference_are_still_told_apart():
    ranking = fit_ranking(np.linspace(0.3, 0.6, 50), ends=(0.0, 1.0))
    best = ranking.share(np.array([0.7, 0.8, 1.0]))
    assert (np.diff(best) > 0).all()
    assert best[-1] == 1


@pytest.mark.parametrize("knots", [((0.0, 0.5),), ((0.0, 0.5), (0.0, 0.6)), ((0.0, 0.5), (1, 1.5))])
def test_knots_that_do_not_rise_are_refused(knots):
    with pytest.raises(ValueError, match="knots"):
        Ranking(knots)


def test_a_value_that_is_no_number_has_no_share():
    with pytest.raises(ValueError, match="not finite"):
        Ranking(((0.0, 0.0), (1.0, 1.0))).share(np.array([np.nan]))


def test_reference_faces_that_are_all_alike_make_no_ranking():
    with pytest.raises(ValueError, match="knots"):
        fit_ranking(np.ones(20))
