import cv2
import numpy as np
import pytest

from edge.evaluation.calibration_images import PhotographReader, labelled_faces, labelled_pairs
from edge.evaluation.pair_list import PairList
from engines.errors import CalibrationError
from tests.edge.canned import CannedDetector, upright_face
from tests.networks import specification

SEEDS = (0, 1, 2)
NAMES = [f"{number}.png" for number in range(12)]


@pytest.fixture
def paths(tmp_path):
    for number, name in enumerate(NAMES):
        noise = np.random.default_rng(number).integers(0, 256, (40, 40, 3), np.uint8)
        cv2.imwrite(str(tmp_path / name), cv2.resize(noise, (300, 320)))
    return [(name, tmp_path / name) for name in NAMES]


def reader(faces):
    return PhotographReader(CannedDetector(faces), specification())


@pytest.fixture
def found(paths):
    return labelled_faces(reader([upright_face(80, 90)]), paths, SEEDS)


def test_each_seed_has_a_face_of_every_photograph(found):
    _, place = found
    assert set(place) == {(name, seed) for name in NAMES for seed in SEEDS}


def test_a_face_that_several_seeds_leave_as_it_is_is_kept_once(found):
    faces, place = found
    for name in NAMES:
        places = {place[name, seed] for seed in SEEDS}
        assert sum(faces.clean[at] for at in places) <= 1
    assert len(faces.images) == len(set(place.values()))


def test_what_a_seed_does_to_a_face_does_not_depend_on_the_other_seeds(found, paths):
    faces, place = found
    alone, where = labelled_faces(reader([upright_face(80, 90)]), paths, SEEDS[1:2])
    for name in NAMES:
        one, other = place[name, SEEDS[1]], where[name, SEEDS[1]]
        assert (faces.images[one] == alone.images[other]).all()
        assert faces.strength[one] == alone.strength[other]


def test_pairs_are_compared_once_for_each_seed_and_keep_their_number(found):
    _, place = found
    del place["2.png", 0], place["2.png", 1], place["2.png", 2]  # no face found
    first, second = ("0.png", "1.png", "3.png"), ("1.png", "2.png", "4.png")
    pairs = PairList(first, second, np.array([True, True, False]), np.zeros(3, np.intp))
    labelled = labelled_pairs(pairs, place, SEEDS)
    assert labelled.pair.tolist() == [0, 2] * 3
    assert labelled.mated.tolist() == [True, False] * 3
    assert labelled.first.tolist() == [place[n, s] for s in SEEDS for n in ("0.png", "3.png")]
    assert labelled.second.tolist() == [place[n, s] for s in SEEDS for n in ("1.png", "4.png")]


def test_photographs_without_a_face_are_named_and_none_left_is_an_error(paths):
    looking = reader([])
    with pytest.raises(CalibrationError, match="no photograph of the pairs shows a face"):
        labelled_faces(looking, paths, SEEDS)
    assert len(looking.skipped) == len(NAMES)
