import numpy as np
import pytest

from engines.biometrics.variance import share_between


def test_people_of_whom_all_pictures_are_alike_have_all_of_the_variance():
    assert share_between(np.array([1.0, 1, 5, 5, 9, 9]), np.array([0, 0, 1, 1, 2, 2])) == 1


@pytest.mark.parametrize("pictures", [2, 3, 9])
def test_chance_gives_nothing_whatever_the_number_of_pictures(pictures):
    random = np.random.default_rng(0)
    person = np.arange(300).repeat(pictures)
    shares = share_between(random.normal(size=person.size), person)
    assert shares == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize("planted", [0.2, 0.5, 0.8])
def test_a_planted_share_is_found_though_some_have_more_pictures(planted):
    random = np.random.default_rng(1)
    person = np.repeat(np.arange(2000), random.integers(1, 6, 2000))
    values = np.sqrt(planted) * random.normal(size=2000)[person]
    values += np.sqrt(1 - planted) * random.normal(size=person.size)
    assert share_between(values, person) == pytest.approx(planted, abs=0.04)


@pytest.mark.parametrize("person", [[0, 0, 0], [0, 1, 2], [0, 0, 1]])
def test_what_is_not_defined_is_none(person):
    values = np.ones(3) if person == [0, 0, 1] else np.arange(3.0)
    assert share_between(values, np.array(person)) is None
