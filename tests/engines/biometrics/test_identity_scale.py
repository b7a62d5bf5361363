import numpy as np
import pytest

from engines.biometrics.comparisons import Comparisons
from engines.biometrics.identity_scale import IdentityScale, identity_scale

WIDE = IdentityScale(86.3, 6.3, 0.55)
NARROW = IdentityScale(30.8, 3.3, 0.94)
"""Of `mobilefacenet512` and of `dlib-resnet`, whose different people are at cosine 0.86."""


def cosines(mean, spread, count=500, seed=0):
    angles = np.random.default_rng(seed).normal(mean, spread, count)
    return np.cos(np.radians(angles))


def comparisons(others, own=()):
    mated = [True] * len(own) + [False] * len(others)
    return Comparisons(np.array([*own, *others], np.float64), np.array(mated))


def test_the_scale_is_that_of_the_angles_between_different_people():
    found = identity_scale(comparisons(cosines(80, 5), cosines(30, 5)))
    assert found.non_mated_angle == pytest.approx(80, abs=1)
    assert found.non_mated_spread == pytest.approx(5, abs=1)
    assert found.mated_low == pytest.approx(np.cos(np.radians(42)), abs=0.04)


def test_different_people_alone_tell_a_scale_too():
    assert identity_scale(comparisons(cosines(80, 5))).mated_low is None


def test_one_comparison_tells_nothing():
    with pytest.raises(ValueError, match="two comparisons of different people"):
        identity_scale(comparisons([0.1]))


@pytest.mark.parametrize("scale", [WIDE, NARROW, IdentityScale(86.3, 6.3)])
def test_less_likeness_is_asked_of_poor_faces_than_of_good_ones_than_to_be_sure(scale):
    assert scale.unlike_below < scale.doubtful_below < scale.same_above < 1


def test_each_network_has_a_scale_of_its_own():
    assert WIDE.same_above < NARROW.unlike_below


def test_nobody_is_unlike_himself_where_one_persons_faces_are_as_far_apart_as_two_peoples():
    poor = IdentityScale(60.0, 12.0, 0.3)
    assert poor.unlike_below == poor.doubtful_below == 0.3
    assert IdentityScale(30.0, 20.0, 0.9).same_above == 1.0
