import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import TuningError
from edge.evaluation.pair_list import PairList
from edge.tuning.labels import Errors, Labelled, fnmr_steps, labelled, suggest_for_fnmr
from engines.biometrics.comparisons import Comparisons, threshold_at_fmr
from engines.errors import EvaluationError

ERRORS = Errors(fnmr=0.05, fmr=0.01)


def pairs_where_quality_tells(seed=0, mated=200):
    """Mated pairs fail the more often, the worse their quality; non-mated ones are all alike."""
    rng = np.random.default_rng(seed)
    quality = rng.uniform(0, 100, mated)
    scores = quality / 100 + rng.normal(0, 0.1, mated)
    others = rng.normal(0, 0.1, 300)
    kinds = np.arange(mated + 300) < mated
    comparisons = Comparisons(np.append(scores, others), kinds)
    return Labelled(comparisons, np.append(quality, rng.uniform(0, 100, 300)), 0)


def fnmr_at(pairs, threshold):
    mated = pairs.comparisons.mated
    limit = threshold_at_fmr(pairs.comparisons.score[~mated], ERRORS.fmr)
    kept = mated & (pairs.quality >= threshold)
    return np.mean(pairs.comparisons.score[kept] < limit)


@settings(max_examples=5)
@given(st.integers(0, 1000))
def test_no_lower_threshold_reaches_the_fnmr(seed):
    pairs = pairs_where_quality_tells(seed)
    found = suggest_for_fnmr(pairs, ERRORS, np.random.default_rng(0))
    assert fnmr_at(pairs, found.threshold) == pytest.approx(found.achieved)
    assert found.achieved <= ERRORS.fnmr
    mated = pairs.quality[pairs.comparisons.mated]
    lower = mated[mated < found.threshold]
    assert all(fnmr_at(pairs, level) > ERRORS.fnmr for level in lower)
    assert found.interval.low <= found.threshold <= found.interval.high + 1


def test_every_step_is_the_fnmr_of_what_it_forwards():
    pairs = pairs_where_quality_tells()
    steps = fnmr_steps(pairs, ERRORS.fmr)
    assert steps.discarded is not None
    for index in (0, 50, 199):
        assert steps.achieved[index] == pytest.approx(fnmr_at(pairs, steps.threshold[index]))
        assert steps.discarded[index] == index / 200  # every mated pair has a quality of its own


def test_an_fnmr_out_of_reach_is_refused_with_the_lowest_there_is():
    pairs = pairs_where_quality_tells()
    hopeless = Labelled(pairs.comparisons, np.full(pairs.quality.size, 50.0), 0)
    with pytest.raises(TuningError, match=r"down to 0\.05; the lowest is 0\.\d+"):
        suggest_for_fnmr(hopeless, ERRORS, np.random.default_rng(0))


def test_too_few_pairs_are_refused():
    with pytest.raises(TuningError, match="only 49 mated pairs"):
        suggest_for_fnmr(pairs_where_quality_tells(mated=49), ERRORS, np.random.default_rng(0))
    with pytest.raises(EvaluationError, match="at least 1000"):
        suggest_for_fnmr(pairs_where_quality_tells(), Errors(0.05, 0.001), np.random.default_rng(0))


def test_a_pair_is_as_good_as_its_worse_image_and_left_out_when_one_is_discarded():
    unit = np.array([1, 0], np.float32)
    pairs = PairList(("a", "a"), ("b", "c"), np.array([True, False]), np.zeros(2, np.intp))
    found = labelled(pairs, {"a": (unit, 70.0), "b": (unit, 30.0)})
    assert (found.quality.tolist(), found.left_out) == ([30.0], 1)
    assert found.comparisons.score.tolist() == [1.0]
    with pytest.raises(TuningError, match="of no labelled pair"):
        labelled(pairs, {})
