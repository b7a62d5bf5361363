"""
How long the hot paths take: `make bench`, or pytest with this file's name.

No test asserts a time. The file's name keeps it out of `make test`.
"""

import numpy as np
import pytest

from edge.gate.decision import features
from engines.biometrics.comparisons import Comparisons
from engines.biometrics.degrade import FAULTS, Degradation, degrade
from engines.biometrics.edc import Question, error_versus_discard, partial_area
from engines.build.build import BuildRequest, build_pair
from engines.build.golden_faces import golden_faces
from engines.catalogue.catalogue import fetch, find_entry
from engines.graph.network import load_network
from engines.pair.pair import open_pair
from engines.quality.align import align
from engines.quality.preprocess import prepare
from engines.quality.shift import embedding_shift
from tests.edge.canned import SPECIFICATION, upright_face

FRAME = np.random.default_rng(0).integers(0, 256, (1080, 1920, 3), np.uint8)
ROWS = np.random.default_rng(1).normal(size=(2, 1, 512)).astype(np.float32)


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pair") / "pair"
    entry = find_entry("mobilefacenet512")
    assert entry.specification is not None
    network = load_network(fetch(entry)[0], entry.specification, entry.embedding_length)
    golden = golden_faces(entry.specification)
    build_pair(BuildRequest(entry.name, entry.licence, network, golden), folder)
    with open_pair(folder) as opened:
        yield opened


def test_align_one_face_of_a_large_frame(benchmark):
    image = benchmark(align, FRAME, upright_face(900, 500).landmarks, SPECIFICATION)
    assert image.shape == (112, 112, 3)


def test_prepare_one_face_image(benchmark):
    inputs = benchmark(prepare, FRAME[None, :112, :112], SPECIFICATION)
    assert inputs.shape == (1, 3, 112, 112)


def test_shift_of_one_face(benchmark):
    assert benchmark(embedding_shift, *ROWS).shape == (1,)


def test_pre_check_features_of_one_face(benchmark):
    assert benchmark(features, upright_face(), 1920, 1080).inter_eye_distance > 0


@pytest.mark.registry
@pytest.mark.parametrize("batch", [1, 4, 16])
def test_assess_face_images(benchmark, pair, batch):
    faces = np.resize(golden_faces(pair.specification).images, (batch, 112, 112, 3))
    assert benchmark(pair.assess, faces).shift.shape == (batch,)


@pytest.mark.parametrize("fault", FAULTS)
def test_degrade_a_portrait(benchmark, fault):
    portrait = np.ascontiguousarray(FRAME[:250, :250])
    rng = np.random.default_rng(0)
    assert benchmark(degrade, portrait, Degradation(fault, 5), rng).shape == portrait.shape


@pytest.mark.parametrize("convention", ["fixed", "pooled"])
def test_area_of_three_thousand_pairs(benchmark, convention):
    rng = np.random.default_rng(0)
    mated = np.arange(3000) % 2 == 0
    comparisons = Comparisons(rng.normal(mated, 0.5), mated)
    quality, question = rng.uniform(size=3000), Question(0.01, 0.3, convention)
    area = benchmark(
        lambda: partial_area(error_versus_discard(comparisons, quality, question), 0.3)
    )
    assert area > 0
