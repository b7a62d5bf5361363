import numpy as np
import pytest

from engines.biometrics.decidability import RESAMPLES, decidabilities

SUBJECTS = ("a", "a", "b", "b", "b", "c")


def unit(rows):
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def people(spread, number=12, each=4, seed=0):
    """Unit embeddings of people, each around a direction of its own."""
    random = np.random.default_rng(seed)
    directions = random.normal(size=(number, 16)).repeat(each, axis=0)
    rows = unit(directions + spread * random.normal(size=directions.shape))
    return rows, tuple(f"person {n}" for n in range(number) for _ in range(each))


def test_it_is_the_distance_of_the_means_over_the_root_of_the_mean_variance():
    rows = unit(np.random.default_rng(1).normal(size=(6, 5)))
    pairs = [(i, j) for i in range(6) for j in range(i)]
    mated = np.array([rows[i] @ rows[j] for i, j in pairs if SUBJECTS[i] == SUBJECTS[j]])
    other = np.array([rows[i] @ rows[j] for i, j in pairs if SUBJECTS[i] != SUBJECTS[j]])
    expected = (mated.mean() - other.mean()) / np.sqrt((mated.var() + other.var()) / 2)
    assert decidabilities(rows[None], SUBJECTS)[0] == pytest.approx([expected])


def test_a_network_that_separates_worse_does_so_in_nearly_all_resampled_people():
    good, subjects = people(spread=0.5)
    bad, _ = people(spread=1.0)
    found, resampled = decidabilities(np.stack([good, bad]), subjects)
    assert found[0] > found[1]
    assert resampled.shape == (2, RESAMPLES)
    assert (resampled[0] > resampled[1]).mean() > 0.99


def test_two_networks_that_separate_alike_are_not_told_apart():
    rows, subjects = people(spread=0.7)
    turned = rows[:, ::-1]  # the same angles
    _, resampled = decidabilities(np.stack([rows, turned]), subjects)
    assert resampled[0] == pytest.approx(resampled[1])


def test_a_person_drawn_twice_is_nobody_else():
    """Of two people, one drawn twice has no non-mated comparison: nothing can be said."""
    rows = unit(np.random.default_rng(2).normal(size=(4, 3)))
    found, resampled = decidabilities(rows[None], ("a", "a", "b", "b"))
    assert set(resampled[0].round(9)) == {0.0, round(float(found[0]), 9)}


def test_embeddings_that_are_all_zero_separate_nobody():
    assert decidabilities(np.zeros((1, 6, 5)), SUBJECTS)[0] == [0]
