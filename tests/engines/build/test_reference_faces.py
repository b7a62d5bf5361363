"""Reference faces: who they are."""

import numpy as np
import pytest

from engines.build.golden_faces import read_golden
from engines.build.reference_faces import UNPOSED, reference_faces
from engines.build.request import known_faces
from engines.calibration.faces import COPIES
from engines.catalogue.entry import ARCFACE_TEMPLATE
from tests.networks import specification


def test_the_unposed_faces_are_nobody_of_the_golden_ones():
    unposed = read_golden(UNPOSED)
    subjects = {face.subject for face in unposed}
    assert len(subjects) == len(unposed) > 15
    assert not subjects & {face.subject for face in read_golden()}


@pytest.mark.registry
def test_they_begin_with_the_faces_a_pair_is_judged_on_and_the_unposed_ones_follow():
    wanted = specification(width=112, height=112, template=ARCFACE_TEMPLATE)
    judged_on, found = known_faces(wanted).images, reference_faces(wanted)
    assert np.array_equal(found[: len(judged_on)], judged_on)
    assert len(found) - len(judged_on) == len(read_golden(UNPOSED)) * (1 + COPIES)
