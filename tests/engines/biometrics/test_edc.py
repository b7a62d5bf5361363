import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.biometrics.comparisons import Comparisons
from engines.biometrics.edc import (
    Question,
    error_versus_discard,
    fixed_curves,
    levels_of,
    pair_quality,
    partial_area,
)
from engines.errors import EvaluationError

QUARTERS = st.integers(0, 4).map(lambda n: n / 4)  # few levels, so ties are the rule
PAIRS = st.lists(st.tuples(QUARTERS, QUARTERS, st.booleans()), max_size=40)
LIMITS = st.sampled_from([0.05, 0.3, 0.5, 0.95])


def unzip(pairs):
    score, quality, mated = (np.array(column) for column in zip(*pairs, strict=True))
    return Comparisons(score.astype(float), mated.astype(bool)), quality.astype(float)


def fnmr_by_counting(comparisons, fmr, threshold_from=None):
    """The definition: the lowest threshold at which few enough non-mated pairs match."""
    judged = comparisons if threshold_from is None else threshold_from
    non_mated = [s for s, m in zip(judged.score, judged.mated, strict=True) if not m]
    candidates = [np.nextafter(s, 9) for s in non_mated]
    threshold = min(t for t in candidates if sum(s >= t for s in non_mated) <= fmr * len(non_mated))
    mated = [s for s, m in zip(comparisons.score, comparisons.mated, strict=True) if m]
    return sum(s < threshold for s in mated) / len(mated)


def area_by_counting(comparisons, quality, question):
    """Discard pair by pair; equal ones stay until all of them go; add up the rectangles."""
    mated, n = comparisons.mated, int(comparisons.mated.sum())
    area, kept_scores, q = 0.0, comparisons.score[mated], np.sort(quality[mated])
    for k in range(n):
        kept = Comparisons(kept_scores[quality[mated] >= q[k]], np.ones(n, bool)[q >= q[k]])
        width = max(0.0, min((k + 1) / n, question.limit) - k / n)
        area += width * fnmr_by_counting(kept, question.fmr, comparisons)
    return area / (question.limit * fnmr_by_counting(comparisons, question.fmr))


@given(PAIRS, LIMITS, QUARTERS)
def test_area_equals_counting_pair_by_pair(pairs, limit, refused_quality):
    never_matches = (-1.0, refused_quality, True)  # so that there is an error to remove
    comparisons, quality = unzip([*pairs, never_matches, (0.5, 0.5, False), (0.25, 0.5, False)])
    question = Question(0.5, limit)
    curve = error_versus_discard(comparisons, quality, question)
    assert partial_area(curve, limit) == pytest.approx(
        area_by_counting(comparisons, quality, question), abs=1e-12
    )


@given(PAIRS)
def test_pooled_curve_equals_judging_what_remains_afresh_at_every_per_cent(pairs):
    always_kept = [(0.5, 1.0, True), (0.5, 1.0, False), (0.25, 1.0, False)]
    comparisons, quality = unzip([*pairs, *always_kept])
    curve = error_versus_discard(comparisons, quality, Question(0.5, 0.3, "pooled"))
    for per_cent, fnmr in enumerate(curve.fnmr):
        kept = quality >= np.sort(quality)[per_cent * quality.size // 100]
        assert fnmr == fnmr_by_counting(comparisons.of(kept), 0.5)


@given(PAIRS, st.data())
def test_levels_give_the_curve_of_their_qualities_in_any_draw(pairs, data):
    whole, quality = unzip([*pairs, (0.5, 0.5, True), (0.5, 0.5, False), (0.25, 0.5, False)])
    places = st.lists(st.integers(0, quality.size - 1), max_size=40)
    chosen = np.array([*data.draw(places), *range(-3, 0)])
    drawn = whole.of(chosen)
    wanted = error_versus_discard(drawn, quality[chosen], Question(0.5))
    found = fixed_curves(drawn, {"a": levels_of(quality)[chosen]}, 0.5)["a"]
    np.testing.assert_array_equal(found.discard, wanted.discard)
    np.testing.assert_array_equal(found.fnmr, wanted.fnmr)


def test_pooled_discards_whole_pairs_despite_rounding():
    """The only error is pair 28 of 100; 0.29 * 100 is 28.999... and must discard 29 of them."""
    score = np.where(np.arange(100) == 28, 0.0, np.where(np.arange(100) < 98, 1.0, 0.5))
    comparisons = Comparisons(score, np.arange(100) < 98)
    curve = error_versus_discard(comparisons, np.arange(100.0), Question(0.5, 0.3, "pooled"))
    assert (curve.fnmr[28] > 0, curve.fnmr[29]) == (True, 0)


@pytest.mark.parametrize(("limit", "steps"), [(0.004, 2), (0.01, 2), (0.3, 31), (0.95, 96)])
def test_pooled_steps_by_one_per_cent_from_nothing_to_the_limit(limit, steps):
    comparisons, quality = mated_pairs([True, False], [0, 0])
    curve = error_versus_discard(comparisons, quality, Question(0.5, limit, "pooled"))
    assert curve.discard == pytest.approx(np.linspace(0, limit, steps))


def mated_pairs(refused, quality):
    """Mated pairs, given ones refused, with two non-mated pairs that put the threshold at 0.5."""
    score = np.where(refused, 0.0, 1.0)
    comparisons = Comparisons(
        np.append(score, [0.6, 0.5]), np.append(np.ones(len(score), bool), [False, False])
    )
    return comparisons, np.append(np.asarray(quality, float), [0.0, 0.0])


def area(refused, quality, limit=0.3):
    comparisons, qualities = mated_pairs(refused, quality)
    return partial_area(error_versus_discard(comparisons, qualities, Question(0.5, limit)), limit)


def test_a_mated_pair_whose_score_is_the_threshold_is_no_error():
    # At this rate one of the two non-mated pairs matches: the threshold is just above the other.
    score = np.array([np.nextafter(0.5, 1), 0.5, 0.6, 0.5])
    comparisons = Comparisons(score, np.arange(4) < 2)
    curve = error_versus_discard(comparisons, np.zeros(4), Question(0.5))
    assert curve.fnmr.tolist() == [0.5]


def test_qualities_that_are_all_equal_discard_nothing_and_are_useless():
    assert area([True, False, False, False], [7, 7, 7, 7]) == pytest.approx(1.0)


def test_the_refused_pair_first_removes_every_error_once_it_may_go():
    # One pair in ten is discarded from x = 0.1 on: a third of the range is left.
    assert area([True] + [False] * 9, range(10)) == pytest.approx(1 / 3)


def test_discarding_good_pairs_is_worse_than_useless():
    assert area([False] * 9 + [True], range(10)) > 1


def test_tied_pairs_are_discarded_together_or_not_at_all():
    # Four tied of ten cannot go within 30 %, though three of them are refused.
    assert area([True] * 3 + [False] * 7, [0, 0, 0, 0, 4, 5, 6, 7, 8, 9]) == pytest.approx(1.0)


def test_the_best_pairs_always_remain_so_that_no_rate_is_of_nothing():
    comparisons, quality = mated_pairs([True, False, True], [1, 2, 3])
    curve = error_versus_discard(comparisons, quality, Question(0.5))
    assert curve.discard.tolist() == pytest.approx([0, 1 / 3, 2 / 3])
    assert curve.fnmr.tolist() == pytest.approx([2 / 3, 1 / 2, 1.0])


@pytest.mark.parametrize("convention", ["fixed", "pooled"])
def test_pairs_without_errors_have_no_area(convention):
    comparisons, quality = mated_pairs([False] * 4, range(4))
    curve = error_versus_discard(comparisons, quality + 1, Question(0.5, 0.3, convention))
    with pytest.raises(EvaluationError, match="lower FMR"):
        partial_area(curve, 0.3)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_quality_that_is_not_finite_is_refused(bad):
    comparisons, quality = mated_pairs([True, False], [1, bad])
    with pytest.raises(EvaluationError, match="not finite"):
        error_versus_discard(comparisons, quality, Question(0.5))


@pytest.mark.parametrize("convention", ["fixed", "pooled"])
def test_no_mated_pairs_have_no_curve(convention):
    comparisons = Comparisons(np.zeros(4), np.zeros(4, bool))
    with pytest.raises(EvaluationError, match="mated"):
        error_versus_discard(comparisons, np.zeros(4), Question(0.5, 0.3, convention))


def test_no_pairs_at_all_are_refused():
    with pytest.raises(EvaluationError):
        error_versus_discard(
            Comparisons(np.empty(0), np.empty(0, bool)), np.empty(0), Question(0.5)
        )


def test_qualities_of_other_pairs_are_refused():
    comparisons, _ = mated_pairs([True, False], [1, 2])
    with pytest.raises(ValueError, match="qualities"):
        error_versus_discard(comparisons, np.zeros(3), Question(0.5))


@pytest.mark.parametrize("limit", [0.0, 1.0])
def test_a_range_without_width_or_of_everything_is_refused(limit):
    with pytest.raises(ValueError, match="limit"):
        Question(0.01, limit)


@pytest.mark.parametrize("fmr", [0, 1, 2, -0.1, float("nan")])
def test_a_false_match_rate_of_nothing_or_everything_is_refused(fmr):
    with pytest.raises(ValueError, match=r"FMR .* is not between 0 and 1"):
        Question(fmr)


@pytest.mark.parametrize("limit", [0, 1, 2, float("nan")])
def test_no_area_is_taken_of_a_range_without_width_or_of_everything(limit):
    comparisons = Comparisons(np.arange(4.0), np.array([True, True, False, False]))
    curve = error_versus_discard(comparisons, np.arange(4.0), Question(0.5))
    with pytest.raises(ValueError, match=r"discard limit .* is not between 0 and 1"):
        partial_area(curve, limit)


def test_pooled_judges_by_a_new_threshold_once_non_mated_pairs_are_discarded():
    # The pair of lowest quality is the non-mated one that set the threshold between 0.3 and 0.6.
    comparisons = Comparisons(np.array([0.3, 0.9, 0.9, 0.9, 0.6, 0.4, 0.1, 0.1]), np.arange(8) < 4)
    quality = np.array([5, 6, 7, 8, 0, 1, 2, 3.0])
    curves = {
        kind: error_versus_discard(comparisons, quality, Question(0.4, 0.2, kind))
        for kind in ("fixed", "pooled")
    }
    assert partial_area(curves["fixed"], 0.2) == pytest.approx(1.0)
    assert (curves["pooled"].fnmr[0], curves["pooled"].fnmr[-1]) == (0.25, 0.0)


def test_a_pair_is_as_good_as_its_worse_image():
    assert pair_quality(np.array([1.0, 5.0]), np.array([3.0, 2.0])).tolist() == [1.0, 2.0]
