from functools import lru_cache

import numpy as np
import pytest

from engines.biometrics.bootstrap import compare_measures
from engines.biometrics.comparisons import Comparisons
from engines.biometrics.edc import Question, error_versus_discard, partial_area
from engines.errors import EvaluationError


def noisy_pairs(seed=0, pairs=400):
    """Mated and non-mated pairs whose score falls when their (known) utility is low."""
    rng = np.random.default_rng(seed)
    mated = np.arange(pairs) % 2 == 0
    utility = rng.uniform(size=pairs)
    score = mated * (0.2 + 0.6 * utility) + rng.normal(0, 0.1, pairs)
    return Comparisons(score, mated), utility, rng


@lru_cache
def compared(seed=1):
    comparisons, utility, rng = noisy_pairs()
    qualities = {
        "noise": rng.uniform(size=utility.size),
        "utility": utility,
        "twin": utility * 2,
    }
    generator = np.random.default_rng(seed)
    return (
        comparisons,
        qualities,
        compare_measures(comparisons, qualities, Question(0.05), "noise", generator),
    )


def test_the_estimate_is_the_area_of_the_pairs_themselves_and_lies_inside_its_interval():
    comparisons, qualities, result = compared()
    curve = error_versus_discard(comparisons, qualities["utility"], Question(0.05))
    area = result["utility"].area
    assert area.value == partial_area(curve, 0.3)
    assert area.low < area.value < area.high


def test_a_measure_better_than_the_reference_has_a_difference_below_zero():
    _, _, result = compared()
    assert result["utility"].difference.high < 0


def test_draws_are_paired_so_that_equal_orders_never_differ():
    _, _, result = compared()
    assert result["twin"].area == result["utility"].area
    assert result["twin"].difference == result["utility"].difference


def test_the_reference_differs_from_itself_by_nothing():
    _, _, result = compared()
    difference = result["noise"].difference
    assert (difference.low, difference.value, difference.high) == (0, 0, 0)


def test_the_seed_decides_the_interval():
    assert compared(seed=1)[2] == compared.__wrapped__(seed=1)[2]
    assert compared(seed=1)[2] != compared(seed=2)[2]


def test_the_interval_covers_the_truth_about_as_often_as_it_promises():
    """The area of a large population lies in most intervals of small samples of it."""
    population, utility, _ = noisy_pairs(seed=5, pairs=40_000)
    truth = partial_area(error_versus_discard(population, utility, Question(0.05)), 0.3)
    covered = 0
    for seed in range(10):
        comparisons, quality, rng = noisy_pairs(seed=100 + seed)
        area = compare_measures(comparisons, {"utility": quality}, Question(0.05), "utility", rng)[
            "utility"
        ].area
        covered += area.low <= truth <= area.high
    assert covered >= 7  # of ten; fewer than 8 happen in about one per cent of such tens


def interval(comparisons, quality):
    rng = np.random.default_rng(3)
    areas = compare_measures(comparisons, {"utility": quality}, Question(0.05), "utility", rng)
    return areas["utility"].area


def test_comparisons_of_one_pair_are_drawn_together_so_that_repetition_narrows_nothing():
    """Pairs of every order, each compared four times with the same outcome."""
    once, utility, _ = noisy_pairs()
    four = np.random.default_rng(4).permutation(np.repeat(np.arange(utility.size), 4))
    alike = Comparisons(once.score[four], once.mated[four], four)
    apart = Comparisons(once.score[four], once.mated[four])
    assert interval(alike, utility[four]) == interval(once, utility)
    assert width(interval(apart, utility[four])) < 0.7 * width(interval(once, utility))


def width(estimate):
    return estimate.high - estimate.low


def test_pairs_of_which_most_draws_hold_no_error_have_no_interval():
    score = np.array([0.0] + [1.0] * 9 + [0.6, 0.5] * 5)  # one error: absent from a third of draws
    comparisons = Comparisons(score, np.arange(20) < 10)
    with pytest.raises(EvaluationError, match="draws"):
        compare_measures(
            comparisons,
            {"any": np.arange(20.0)},
            Question(0.5),
            "any",
            np.random.default_rng(0),
        )
