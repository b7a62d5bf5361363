"""A pair with a quality network beside it: a tiny one whose quality is the brightness."""

from dataclasses import replace

import numpy as np
import pytest
import yaml

from engines.build.build import build_pair
from engines.build.verify import verify_pair
from engines.catalogue.catalogue import find_entry
from engines.catalogue.entry import ARCFACE_TEMPLATE
from engines.errors import PairError, PairIntegrityError, PairRefusedError
from engines.pair.execution import Execution
from engines.pair.manifest import identified, read_manifest, write_manifest
from engines.pair.pair import known_pair, open_pair
from engines.pair.second_opinion import moved
from tests.networks import loaded, specification
from tests.pairs import request, synthetic_faces
from tests.quality_networks import write_brightness

ALONE = Execution(second_opinion=False)


def lit(seed=3, count=60):
    """Faces of every brightness."""
    images = synthetic_faces(subjects=count, each=1, seed=seed).images
    light = np.linspace(0.1, 1.0, count)[:, None, None, None]
    return np.random.default_rng(seed).permutation((images * light).astype(np.uint8))


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    folder = tmp_path_factory.mktemp("asked")
    images = lit()
    plain = request(loaded(folder), form="fused")
    return replace(plain, reference=images)


@pytest.fixture(scope="module")
def pairs(asked, tmp_path_factory):
    """One pair with the brightness beside it, and the same without."""
    folder = tmp_path_factory.mktemp("pairs")
    second = find_entry(str(write_brightness(folder)))
    build_pair(replace(asked, second_opinion=second), folder / "both")
    build_pair(asked, folder / "alone")
    return folder


def record_of(folder):
    record = read_manifest(folder).second_opinion
    assert record is not None
    return record


def scores(folder, images, execution=None):
    with open_pair(folder, execution=execution) as pair:
        return pair.mapping.score(pair.assess(images).shift)


def test_the_score_is_the_rank_of_the_mean_of_both_ranks(pairs, asked):
    images = asked.reference
    alone, both = scores(pairs / "alone", images), scores(pairs / "both", images)
    views = moved(images, asked.network.specification, record_of(pairs / "both").specification)
    light = views.mean(axis=(1, 2, 3)).argsort().argsort() / len(images)
    mean = alone / 100 + light
    rank = 100 * mean.argsort().argsort() / len(images)
    assert both == pytest.approx(rank, abs=6)  # straight between knots, of 60 faces


def test_one_key_away_the_shift_decides_alone_as_in_the_pair_without(pairs):
    images = lit(seed=8, count=10)
    assert scores(pairs / "both", images, ALONE) == pytest.approx(scores(pairs / "alone", images))
    plain, alone = known_pair(pairs / "alone"), known_pair(pairs / "both", ALONE)
    assert alone.pair_id == plain.pair_id != known_pair(pairs / "both").pair_id
    with open_pair(pairs / "both", execution=ALONE) as pair:
        assert pair.pair_id == plain.pair_id


def test_embeddings_are_those_of_the_pair_alone(pairs):
    images = lit(seed=8, count=4)
    with open_pair(pairs / "both") as both, open_pair(pairs / "alone") as alone:
        assert np.array_equal(both.assess(images).embeddings, alone.assess(images).embeddings)


def test_a_pair_without_one_says_nothing_of_it(pairs):
    assert "second_opinion" not in yaml.safe_load((pairs / "alone" / "pair.yaml").read_text())


def test_a_changed_network_is_refused(asked, tmp_path):
    second = find_entry(str(write_brightness(tmp_path)))
    build_pair(replace(asked, second_opinion=second), tmp_path / "pair")
    (tmp_path / "pair" / "second-opinion.onnx").write_bytes(b"another")
    with pytest.raises(PairIntegrityError, match=r"second-opinion\.onnx: has 7 bytes"):
        open_pair(tmp_path / "pair")
    with open_pair(tmp_path / "pair", execution=ALONE) as pair:  # it needs the file no more
        assert pair.manifest.second_opinion is None


def test_a_network_that_says_something_else_here_is_refused(asked, tmp_path):
    second = find_entry(str(write_brightness(tmp_path)))
    manifest = build_pair(replace(asked, second_opinion=second), tmp_path / "pair")
    record = record_of(tmp_path / "pair")
    golden = tuple(each + 0.1 for each in record.golden)
    other = record.model_copy(update={"golden": golden})
    write_manifest(
        tmp_path / "pair", identified(manifest.model_copy(update={"second_opinion": other}))
    )
    with pytest.raises(PairIntegrityError, match="brightness is off by"):
        open_pair(tmp_path / "pair")
    (fault,) = verify_pair(tmp_path / "pair").faults
    assert "second opinion brightness is off by" in fault


def test_a_network_that_tells_no_faces_apart_is_refused(asked, tmp_path):
    second = find_entry(str(write_brightness(tmp_path, ending="Ceil")))  # 1 for each that is lit
    with pytest.raises(PairRefusedError, match="brightness tells no reference faces apart"):
        build_pair(replace(asked, second_opinion=second), tmp_path / "pair")


def test_the_manifest_names_the_network_its_licence_and_its_hash(pairs):
    record = record_of(pairs / "both")
    assert (record.name, record.licence) == ("brightness", "none needed")
    assert len(record.golden) == 8


def test_a_face_image_is_moved_so_that_landmarks_meet_the_other_template():
    seen = specification(width=112, height=112, template=ARCFACE_TEMPLATE)
    twice = tuple((2 * x + 10, 2 * y + 4) for x, y in ARCFACE_TEMPLATE)
    wanted = specification(width=240, height=232, template=twice)
    image = np.zeros((1, 112, 112, 3), np.uint8)
    for x, y in ARCFACE_TEMPLATE:
        image[0, round(y), round(x)] = 255
    view = moved(image, seen, wanted)[0, ..., 0]
    for x, y in twice:
        assert view[round(y) - 2 : round(y) + 3, round(x) - 2 : round(x) + 3].max() > 100


def test_five_points_cannot_be_met_from_three():
    three = specification(template=((5, 8), (11, 8), (8, 15)))
    with pytest.raises(PairError, match="write three into its entry"):
        moved(np.zeros((1, 20, 16, 3), np.uint8), three, specification())
