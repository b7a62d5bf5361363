import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.biometrics.ranks import ranks, spearman
from engines.errors import EvaluationError

VALUES = st.lists(st.integers(-3, 3).map(float), min_size=2, max_size=20).map(np.array)


@given(VALUES)
def test_a_rank_counts_the_smaller_values_and_half_of_the_equal_ones(values):
    counted = [np.sum(values < v) + (np.sum(values == v) + 1) / 2 for v in values]
    assert ranks(values).tolist() == counted


def test_any_rising_relation_correlates_fully_and_any_falling_one_negatively():
    x = np.array([1.0, 2.0, 5.0, 9.0])
    assert spearman(x, np.exp(x)) == pytest.approx(1)
    assert spearman(x, -x) == pytest.approx(-1)


def test_ties_share_their_mean_rank():
    # By hand: ranks (1, 2.5, 2.5, 4) and (1, 2, 3, 4) give 4.5 / sqrt(4.5 * 5).
    rho = spearman(np.array([0.0, 1, 1, 2]), np.array([0.0, 1, 2, 3]))
    assert rho == pytest.approx(4.5 / np.sqrt(4.5 * 5))


@pytest.mark.parametrize("count", [0, 1, 3])
def test_values_that_do_not_differ_have_no_correlation(count):
    with pytest.raises(EvaluationError, match="differ"):
        spearman(np.ones(count), np.arange(count, dtype=float))
