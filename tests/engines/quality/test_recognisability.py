import numpy as np
import pytest

from engines.quality.recognisability import LENGTH, SMALLEST, fitted, quiet_direction
from engines.quality.shift import embedding_shift


def rows(seed, count, length=8):
    return np.random.default_rng(seed).normal(size=(count, length)).astype(np.float32)


CENTRE = np.array([3, 0, 0, 0, 0, 0, 0, 0], np.float32)
BAD, GOOD = CENTRE + 0.3 * rows(0, 400), 5 * rows(1, 60)


def test_distances_are_from_the_centre_of_unrecognisable_faces():
    found = fitted(BAD, GOOD)
    assert found.distance(BAD.mean(axis=0, keepdims=True)) == pytest.approx([SMALLEST], abs=1e-6)
    assert np.median(found.distance(GOOD)) == pytest.approx(1, abs=0.01)
    assert found.distance(BAD).max() < 1


def test_a_direction_in_which_unrecognisable_faces_differ_counts_less():
    stretched = BAD - CENTRE
    stretched[:, 1] *= 40
    found = fitted(CENTRE + np.concatenate((stretched, -stretched)), GOOD)
    along, across = CENTRE + np.eye(8, dtype=np.float32)[[1, 2]] * 5
    assert found.distance(along[None]) < 0.8 * found.distance(across[None])


def test_a_sphere_about_zero_gives_the_norm():
    sphere = np.concatenate((rows(0, 4000), -rows(0, 4000)))
    found = fitted(sphere, GOOD)
    norms = np.linalg.norm(GOOD, axis=1)
    np.testing.assert_allclose(found.distance(GOOD), norms / np.median(norms), rtol=0.02)


def test_the_shift_is_about_the_length_over_the_distance():
    quiet = GOOD * np.array([1, 1, 1, 1, 1, 1, 1, 0.001], np.float32)
    found = fitted(BAD, quiet)
    shift = embedding_shift(quiet, found.moved(quiet))
    np.testing.assert_allclose(shift, LENGTH / found.distance(quiet), rtol=0.1)


def test_the_quiet_direction_is_the_one_in_which_rows_vary_least():
    few = rows(2, 50, 4).astype(np.float64) * [5, 3, 0.01, 2]
    assert np.abs(quiet_direction(few)) == pytest.approx([0, 0, 1, 0], abs=0.01)
