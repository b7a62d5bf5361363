"""Reference faces: who they are, and what each counts."""

import numpy as np
import pytest

from engines.build.golden_faces import read_golden
from engines.build.reference_faces import UNPOSED, reference_faces, weighted
from engines.build.request import known_faces
from engines.calibration.faces import COPIES, CalibrationFaces
from engines.catalogue.entry import ARCFACE_TEMPLATE
from tests.networks import specification


def faces_of(strength):
    each = np.arange(len(strength))
    images = np.zeros((len(strength), 4, 4, 3), np.uint8)
    known = np.zeros(len(strength), bool)
    return CalibrationFaces(images, np.array(strength), each, each, known)


def test_clean_and_degraded_faces_count_alike_in_each_kind():
    kind = np.array([0, 0, 0, 0, 1, 1])
    found = weighted(faces_of([0, 1, 2, 3, 0, 5]), kind).weight
    assert found == pytest.approx([1, 1 / 3, 1 / 3, 1 / 3, 1, 1])


def test_of_faces_of_one_sort_each_counts_alike():
    assert len(set(weighted(faces_of([0, 0, 0])).weight)) == 1


def test_the_unposed_faces_are_nobody_of_the_golden_ones():
    unposed = read_golden(UNPOSED)
    subjects = {face.subject for face in unposed}
    assert len(subjects) == len(unposed) > 15
    assert not subjects & {face.subject for face in read_golden()}


@pytest.mark.registry
def test_they_begin_with_the_faces_a_pair_is_judged_on():
    wanted = specification(width=112, height=112, template=ARCFACE_TEMPLATE)
    judged_on = known_faces(wanted).images
    assert np.array_equal(reference_faces(wanted).images[: len(judged_on)], judged_on)


@pytest.mark.registry
def test_half_of_the_weight_is_on_unposed_faces_and_half_on_degraded_ones():
    found = reference_faces(specification(width=112, height=112, template=ARCFACE_TEMPLATE))
    people = len(read_golden()), len(read_golden(UNPOSED))
    assert len(found.images) == sum(people) * (1 + COPIES)
    posed = people[0] * (1 + COPIES)
    assert found.weight[:posed].sum() == pytest.approx(found.weight[posed:].sum())
    clean = found.weight[:: 1 + COPIES].sum()
    assert clean == pytest.approx(found.weight.sum() / 2)
