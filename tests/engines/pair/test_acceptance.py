import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.biometrics.comparisons import Comparisons
from engines.errors import PairRefusedError
from engines.pair.acceptance import (
    Acceptance,
    assess_pair,
    compare_all,
    equal_error_rate,
    estimated_match_score,
    require_fit,
)

COMPARED = st.lists(
    st.tuples(st.sampled_from([-0.5, 0.0, 0.25, 0.5, 1.0]), st.booleans()), min_size=2, max_size=15
).filter(lambda pairs: len({mated for _, mated in pairs}) == 2)


def brute_force_error(pairs):
    """Try every threshold, count pair by pair."""
    mated = [score for score, same in pairs if same]
    others = [score for score, same in pairs if not same]
    rates = []
    for threshold in [*(score for score, _ in pairs), 2.0]:
        missed = sum(score < threshold for score in mated) / len(mated)
        matched = sum(score >= threshold for score in others) / len(others)
        rates.append(max(missed, matched))
    return min(rates)


@given(COMPARED)
def test_equal_error_rate_is_the_best_of_all_thresholds(pairs):
    score, mated = (np.array(column) for column in zip(*pairs, strict=True))
    assert equal_error_rate(Comparisons(score, mated)) == pytest.approx(brute_force_error(pairs))


def test_every_pair_of_faces_is_compared_once():
    compared = compare_all(np.eye(4, dtype=np.float32), ["a", "a", "b", "a"])
    assert compared.mated.tolist() == [True, False, True, False, True, False]
    assert compared.score == pytest.approx(0)


def test_one_subject_alone_has_no_error_rate():
    with pytest.raises(ValueError, match="second subject"):
        assess_pair(np.eye(2, dtype=np.float32), np.eye(2, dtype=np.float32), ["a", "a"])


def test_one_in_a_hundred_comparisons_of_two_subjects_reaches_the_match_score():
    rows = np.random.default_rng(0).normal(size=(60, 16)).astype(np.float32)
    subjects = [str(row // 2) for row in range(60)]
    compared = compare_all(rows, subjects)
    score = assess_pair(rows, rows + 0.01, subjects).match_score
    assert score is not None
    reached = (compared.score[~compared.mated] >= score).mean()
    assert 0.009 < reached <= 0.011


def test_a_few_strangers_give_about_the_match_score_of_many():
    rows = np.random.default_rng(1).normal(size=(200, 64)).astype(np.float32)
    scores = compare_all(rows, [str(row) for row in range(200)]).score
    assert estimated_match_score(rows[:8]) == pytest.approx(np.quantile(scores, 0.99), abs=0.1)


def found(**changes):
    usual = {"dense_error": 0.01, "pruned_error": 0.01, "median_shift": 0.1}
    return Acceptance(faces=124, mated=123, non_mated=7503, **{**usual, **changes})


def test_a_sound_pair_is_accepted_up_to_the_limits():
    require_fit(found(pruned_error=0.03, median_shift=1e-3))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pruned_error": 0.0301}, r"collapsed: equal error rate 3.0% .* dense 1.0%"),
        ({"median_shift": 9e-4}, r"did not move: median shift 9.0e-04"),
        ({"dense_error": 0.2, "pruned_error": 0.2}, r"dense network does not tell .* 20.0%"),
    ],
)
def test_an_unfit_pair_is_refused_with_its_figures(changes, message):
    with pytest.raises(PairRefusedError, match=message):
        require_fit(found(**changes))
