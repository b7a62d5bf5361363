"""Reference faces: who they are."""

import numpy as np
import pytest

from engines.biometrics.degrade import with_margin
from engines.build.golden_faces import golden_faces, read_golden
from engines.build.reference_faces import LISTS, UNPOSED, reference_copies
from engines.build.request import known_faces
from engines.calibration.faces import calibration_faces
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
    judged_on = known_faces(wanted)
    found = reference_copies(judged_on, wanted)
    framed = [golden_faces(with_margin(wanted), None, path).images for path in LISTS]
    together = calibration_faces(np.concatenate(framed), wanted)
    assert np.array_equal(found.images[: len(judged_on.images)], judged_on.images)
    assert np.array_equal(found.images, together.images)
    assert np.array_equal(found.strength, together.strength)
