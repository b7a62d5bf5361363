"""Made data with a planted difference, and intervals held to a bootstrap written out."""

import numpy as np
import pytest

from engines.biometrics.differentials import (
    Outcomes,
    People,
    quantiles,
    ratio_of_shares,
    variance_between,
)
from engines.biometrics.variance import share_between

EACH, PICTURES = 300, 4
PERSON = np.repeat(np.arange(2 * EACH), PICTURES)
PEOPLE = People(np.repeat([0, 1], EACH))
DRAWS = PEOPLE.draws(np.random.default_rng(0))


def outcomes(first, second, alike=False):
    """Outcomes that happen to just this share of two groups; alike: to a person always or never."""
    rng = np.random.default_rng(1)
    each = EACH if alike else EACH * PICTURES
    parts = [rng.permutation(each) < round(rate * each) for rate in (first, second)]
    happened = np.concatenate(parts)
    return Outcomes(np.repeat(happened, PICTURES) if alike else happened, PERSON)


def known(found):
    """Return an estimate that there is."""
    assert found is not None
    return found


def test_a_planted_difference_is_found_and_its_interval_leaves_out_no_difference():
    found = outcomes(0.79, 0.60)
    shares = [found.share(PEOPLE, group, DRAWS) for group in (0, 1)]
    assert [share.value for share in shares] == pytest.approx([0.79, 0.60])
    ratio = known(ratio_of_shares(found, PEOPLE, 1, 0, DRAWS))
    assert ratio.low < 0.60 / 0.79 < ratio.high < 1


def test_groups_alike_have_a_ratio_whose_interval_holds_one():
    ratio = known(ratio_of_shares(outcomes(0.7, 0.7), PEOPLE, 0, 1, DRAWS))
    assert ratio.low < 1 < ratio.high


def test_pictures_of_one_person_count_as_one_witness():
    apart, together = (outcomes(0.7, 0.7, alike).share(PEOPLE, 0, DRAWS) for alike in (False, True))
    widths = [each.high - each.low for each in (apart, together)]
    assert widths[1] == pytest.approx(2 * widths[0], rel=0.25)  # the root of four pictures


def test_each_draw_has_as_many_people_of_each_group_as_there_are():
    assert (DRAWS[:, :EACH].sum(axis=1) == EACH).all()
    assert (DRAWS[:, EACH:].sum(axis=1) == EACH).all()


def test_a_group_of_which_nothing_was_tried_has_no_share():
    only_first = Outcomes(np.ones(3, bool), np.array([0, 1, 2]))
    assert only_first.share(PEOPLE, 1, DRAWS) is None


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_a_planted_share_of_variance_between_people_lies_in_the_interval(share):
    rng = np.random.default_rng(2)
    of_person = rng.normal(scale=np.sqrt(share), size=2 * EACH)
    values = of_person[PERSON] + rng.normal(scale=np.sqrt(1 - share), size=PERSON.size)
    found = known(variance_between(values, PERSON, DRAWS))
    assert found.value == share_between(values, PERSON)
    assert found.low < share < found.high


def test_a_draw_of_everybody_once_gives_the_share_itself():
    rng = np.random.default_rng(3)
    person = rng.integers(0, 40, 100)
    values = rng.normal(size=100) + person / 20
    found = known(variance_between(values, person, np.ones((1, 40))))
    assert (found.low, found.high) == pytest.approx((found.value, found.value))


def test_a_person_drawn_twice_counts_as_two():
    rng = np.random.default_rng(4)
    person = np.repeat(np.arange(6), [1, 2, 3, 4, 2, 1])
    values = rng.normal(size=person.size)
    drawn = np.array([2, 0, 1, 1, 0, 2])
    written_out = [(values[person == p], k) for p in range(6) for k in range(drawn[p])]
    names = np.concatenate([np.full(len(v), n) for n, (v, _) in enumerate(written_out)])
    expected = share_between(np.concatenate([v for v, _ in written_out]), names)
    found = known(variance_between(values, person, drawn[None].astype(float)))
    assert found.low == pytest.approx(expected)


def test_values_all_alike_have_no_share_of_variance():
    assert variance_between(np.ones(PERSON.size), PERSON, DRAWS) is None


def test_quantiles_are_those_of_the_values():
    assert quantiles(np.arange(101.0)) == [5, 25, 50, 75, 95]
