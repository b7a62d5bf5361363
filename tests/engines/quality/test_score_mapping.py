import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engines.quality.score_mapping import ScoreMapping, fit_score_mapping

RISING = st.lists(
    st.integers(0, 20_000).map(lambda step: step / 10_000), min_size=2, max_size=6, unique=True
).map(sorted)
SHIFTS = st.lists(st.floats(0, 2, width=32), min_size=1, max_size=20)


@st.composite
def mappings(draw):
    shifts = draw(RISING)
    scores = st.lists(st.floats(0, 100), min_size=len(shifts), max_size=len(shifts), unique=True)
    return ScoreMapping(tuple(zip(shifts, sorted(draw(scores), reverse=True), strict=True)))


@example(ScoreMapping(((0.0, 1.5e-323), (2.0, 0.0))), [1.75])  # was below 0
@given(mappings(), SHIFTS)
def test_a_higher_shift_never_scores_higher_and_scores_stay_within_the_range(mapping, shifts):
    scores = mapping.score(np.sort(np.array(shifts, np.float32)))
    assert (np.diff(scores) <= 0).all()
    assert ((scores >= 0) & (scores <= 100)).all()


def test_scores_lie_on_straight_lines_between_knots_and_stay_level_beyond():
    mapping = ScoreMapping(((0.1, 80.0), (0.3, 40.0)))
    scores = mapping.score(np.array([0.0, 0.1, 0.15, 0.3, 2.0], np.float32))
    assert scores == pytest.approx([80, 80, 70, 40, 40], abs=1e-4)


@pytest.mark.parametrize("shift", [np.nan, np.inf])
def test_a_shift_that_is_no_number_gets_no_score(shift):
    with pytest.raises(ValueError, match="has no score"):
        ScoreMapping(((0.0, 100.0), (2.0, 0.0))).score(np.array([0.1, shift], np.float32))


@pytest.mark.parametrize(
    "knots",
    [
        ((0.1, 50.0),),
        ((0.1, 50.0), (0.1, 40.0)),
        ((0.1, 50.0), (0.2, 60.0)),
        ((0.1, 50.0), (2.5, 40.0)),
        ((0.1, 101.0), (0.2, 40.0)),
        ((0.1, 50.0), (float("nan"), 40.0)),
    ],
    ids=["one knot", "same shift", "rising score", "shift above 2", "score above 100", "NaN"],
)
def test_knots_that_are_no_falling_curve_are_refused(knots):
    with pytest.raises(ValueError, match="knots"):
        ScoreMapping(knots)


@given(st.floats(1e-3, 0.6), st.floats(1.05, 1.6), st.integers(0, 1000))
def test_the_score_is_the_share_of_reference_faces_that_are_worse(scale, spread, seed):
    shift = scale * spread ** np.random.default_rng(seed).normal(0, 0.5, 400)
    shift = shift.clip(0, 1.9).astype(np.float32)
    scores = fit_score_mapping(shift).score(shift)
    worse = np.array([(shift > each).mean() for each in shift])
    assert scores == pytest.approx(100 * worse, abs=3)  # straight between knots


def test_half_of_the_reference_faces_score_50_or_more_and_half_less():
    mapping = fit_score_mapping(np.geomspace(0.1, 0.5, 60).astype(np.float32))
    assert mapping.shift(50) == pytest.approx(np.sqrt(0.05), rel=0.01)


def test_beyond_the_reference_scores_go_on_to_the_ends():
    mapping = fit_score_mapping(np.linspace(0.1, 0.5, 200).astype(np.float32))
    best, good, bad, worst = mapping.score(np.array([0, 0.05, 0.6, 2], np.float32))
    assert 100 == best > good > 98
    assert 2 > bad > worst == 0


def test_few_faces_make_a_mapping_with_fewer_knots():
    mapping = fit_score_mapping(np.array([0.1, 0.1, 0.1, 0.2], np.float32))
    assert mapping.score(np.array([0.1, 0.2], np.float32))[0] > 50
    assert mapping.version == 3


def test_shifts_without_any_spread_make_no_mapping():
    with pytest.raises(ValueError, match="must rise"):
        fit_score_mapping(np.full(10, 2.0, np.float32))


@given(mappings(), st.floats(0, 100))
def test_the_shift_of_a_score_has_this_score_or_the_nearest_there_is(mapping, score):
    shift = mapping.shift(score)
    worst, best = mapping.knots[-1][1], mapping.knots[0][1]
    found = mapping.score(np.array([shift], np.float64))[0]
    assert found == pytest.approx(min(max(score, worst), best), abs=1e-6)
