import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.biometrics.comparisons import (
    Comparisons,
    accuracy,
    best_threshold,
    false_non_match_rate,
    refuse_repetition,
    threshold_at_fmr,
)
from engines.errors import EvaluationError

SCORES = st.lists(st.integers(-4, 4).map(lambda n: n / 4), min_size=1, max_size=40).map(np.array)


@given(SCORES, st.sampled_from([0.05, 0.1, 0.25, 0.5, 0.9]))
def test_no_lower_threshold_keeps_the_false_match_rate(scores, fmr):
    try:
        threshold = threshold_at_fmr(scores, fmr)
    except EvaluationError:
        assert int(fmr * scores.size) == 0
        return
    assert np.mean(scores >= threshold) <= fmr
    assert np.mean(scores >= np.nextafter(threshold, -np.inf)) > fmr


def test_the_rate_allows_as_many_matches_as_it_says_despite_rounding():
    scores = np.arange(3000.0)  # 1e-3 * 3000 allows three
    assert np.sum(scores >= threshold_at_fmr(scores, 1e-3)) == 3


def test_a_rate_below_one_pair_is_refused_with_the_number_needed():
    with pytest.raises(EvaluationError, match="at least 10000"):
        threshold_at_fmr(np.zeros(1500), 1e-4)


PAIRS_AND_SCORES = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), min_size=1)


@given(PAIRS_AND_SCORES)
def test_comparisons_alike_of_one_pair_count_once(drawn):
    pair, score = np.array(drawn).T
    comparisons = Comparisons(score.astype(float), np.zeros(len(drawn), bool), pair)
    assert comparisons.non_mated_different() == len(set(drawn))


def test_comparisons_without_pairs_are_all_different():
    assert Comparisons(np.zeros(7), np.zeros(7, bool)).non_mated_different() == 7


def test_a_rate_that_only_repetition_reaches_is_refused():
    often = Comparisons(np.zeros(200), np.zeros(200, bool), np.repeat(np.arange(50), 4))
    refuse_repetition(often, 0.02)  # 50 suffice
    with pytest.raises(EvaluationError, match=r"50 different .* at least 100, with more pairs"):
        refuse_repetition(often, 0.01)


def test_as_many_pairs_as_comparisons_are_needed():
    with pytest.raises(ValueError, match="pairs"):
        Comparisons(np.zeros(3), np.zeros(3, bool), np.arange(2))


@pytest.mark.parametrize("fmr", [0.0, 1.0, -0.1])
def test_a_rate_outside_zero_and_one_is_refused(fmr):
    with pytest.raises(ValueError, match="not between"):
        threshold_at_fmr(np.zeros(10), fmr)


def test_a_pair_at_the_threshold_matches():
    assert false_non_match_rate(np.array([0.1, 0.2, 0.3, 0.4]), 0.2) == 0.25


def test_no_mated_pairs_have_no_false_non_match_rate():
    with pytest.raises(EvaluationError, match="mated pairs"):
        false_non_match_rate(np.empty(0), 0.5)


@given(SCORES, st.randoms(use_true_random=False))
def test_no_other_threshold_decides_more_pairs_rightly(scores, random):
    mated = np.array([random.random() < 0.5 for _ in scores])
    found = np.sum((scores >= best_threshold(Comparisons(scores, mated))) == mated)
    assert found == max(np.sum((scores >= t) == mated) for t in [*scores, 2.0])


def test_each_fold_is_decided_by_the_threshold_of_the_others():
    # The best threshold of fold 0 is 0.9 and of fold 1 is 0.5: swapped, each misses its mated pair
    # or matches its non-mated one.
    comparisons = Comparisons(np.array([0.9, 0.8, 0.5, 0.4]), np.array([True, False, True, False]))
    result = accuracy(comparisons, np.array([0, 0, 1, 1]))
    assert (result.mean, result.deviation, result.folds) == (0.5, 0.0, 2)


def test_one_fold_has_no_accuracy():
    with pytest.raises(EvaluationError, match="two folds"):
        accuracy(Comparisons(np.zeros(2), np.array([True, False])), np.zeros(2, np.intp))


def test_a_score_that_is_not_a_number_is_refused():
    with pytest.raises(EvaluationError, match="not finite"):
        Comparisons(np.array([np.nan]), np.array([True]))
