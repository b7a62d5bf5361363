"""What stands in for all golden faces is a quarter of them, and no less."""

import numpy as np

from engines.biometrics.degrade import with_margin
from engines.build import request
from engines.build.golden_faces import GoldenFaces
from engines.calibration.faces import LEAST_FACES
from tests import few_faces
from tests.networks import specification

ONE = specification()
ALL = 4 * LEAST_FACES


def made(monkeypatch):
    """Let golden faces be grey, and return how many faces are known of all of them."""
    margin = with_margin(ONE)
    images = np.full((ALL, margin.height, margin.width, 3), 128, np.uint8)
    golden = GoldenFaces(images, tuple(map(str, range(ALL))))
    for module in (few_faces, request):
        monkeypatch.setattr(module, "golden_faces", lambda *_: golden)
    return len(request.known_faces(ONE).images)


def test_a_program_judges_on_a_quarter_of_the_known_faces(monkeypatch):
    whole = made(monkeypatch)
    for name, few in few_faces.OF_A_PROGRAM.items():
        monkeypatch.setattr(request, name, few)
    assert 4 * len(request.known_faces(ONE).images) == whole


def test_a_test_is_given_a_quarter_of_them(monkeypatch):
    whole = made(monkeypatch)
    assert 4 * len(few_faces.a_quarter(ONE).images) == whole


def test_it_is_their_first_quarter(monkeypatch):
    made(monkeypatch)
    few = few_faces.a_quarter(ONE)
    first = request.known_faces(ONE).of(np.arange(len(few.images)))
    for field in ("images", "strength", "photograph"):
        np.testing.assert_array_equal(getattr(few, field), getattr(first, field))
