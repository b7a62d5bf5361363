import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.biometrics.degrade import with_margin, without_margin
from engines.calibration import sweep as sweep_module
from engines.calibration.faces import calibration_faces, degraded
from engines.calibration.sweep import Signals, choose, separation, sweep
from engines.errors import CalibrationError
from engines.graph.batch_norm import fold_batch_norm
from engines.graph.cost import multiply_adds
from engines.onnxruntime.backend import open_network
from engines.pruning.candidates import Candidate, candidates
from engines.pruning.fuse import fuse
from engines.pruning.prune import prune
from engines.pruning.recipe import Recipe
from engines.quality.preprocess import prepare
from engines.quality.shift import embedding_shift
from tests.networks import loaded, specification
from tests.pairs import synthetic_faces


@pytest.fixture
def network(tmp_path):
    return fold_batch_norm(loaded(tmp_path))


def framed(subjects=12, each=3):
    return synthetic_faces(with_margin(specification()), subjects, each).images


def test_each_face_comes_as_it_is_and_twice_degraded():
    faces = calibration_faces(framed(), specification())
    assert faces.images.shape == (108, 20, 16, 3)
    assert faces.clean.tolist() == [True, False, False] * 36
    assert set(faces.strength[~faces.clean]) == {1, 2, 3, 4, 5}
    assert np.array_equal(faces.images[faces.clean], without_margin(framed(), specification()))


def test_the_seed_decides_the_degradations():
    first, again, other = (calibration_faces(framed(), specification(), seed) for seed in (1, 1, 2))
    assert np.array_equal(first.images, again.images)
    assert not np.array_equal(first.images, other.images)


def test_too_few_faces_to_calibrate_on_are_refused():
    with pytest.raises(CalibrationError, match=r"29 faces are too few .* give 30 or more"):
        calibration_faces(framed(29, 1), specification())


def test_a_share_of_named_images_is_degraded():
    (image,) = framed(1, 1)
    strengths = [degraded(image, f"{n}", specification(), 0, 0.4)[1] for n in range(500)]
    assert 150 < np.count_nonzero(strengths) < 250


def test_the_cost_of_a_candidate_is_that_of_its_fused_graph(network):
    for each in candidates(network, 3):
        pruned, _ = prune(network, replace(each.recipe, sparsity=0.5))
        fused = multiply_adds(fuse(network, pruned), network.specification)
        assert each.cost == pytest.approx(fused / multiply_adds(network.model, specification()))


def test_candidates_share_what_comes_before_them_and_cost_no_more_than_allowed(network):
    families = {each.family: each.cost for each in candidates(network, 3)}
    # 6 filters of 27 weights on 10 x 8, 6 of 9 on 5 x 4, then 120 x 8.
    stem, depthwise, last = 12960, 1080, 960
    alone = stem + depthwise + last
    assert families == pytest.approx(
        {
            "last layer": 1 + last / alone,
            "layer 2 from the end": 1 + (depthwise + last) / alone,
            "layer 3 from the end": 2,
            "last 2 layers": 1 + (depthwise + last) / alone,
            "all layers": 2,
        }
    )
    assert {each.family for each in candidates(network, 1.1)} == {"last layer"}


@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=8),
    st.lists(st.integers(0, 4), min_size=1, max_size=8),
)
def test_separation_is_the_share_of_pairs_in_order_ties_counting_half(clean, faulty):
    expected = np.mean([(b > a) + (b == a) / 2 for a, b in itertools.product(clean, faulty)])
    mask = np.array([True] * len(clean) + [False] * len(faulty))
    assert separation(np.array(clean + faulty, float), mask) == pytest.approx(expected)


def test_a_sweep_finds_the_shift_that_each_pair_alone_would_have(network):
    faces = calibration_faces(framed(), specification())
    tried = candidates(network, 3)
    found = sweep(network, tried, faces)
    inputs = prepare(faces.images, network.specification)
    dense = open_network(network.model.SerializeToString()).run(inputs)[0]
    for each in (found.signals[0], found.signals[-1]):
        pruned, _ = prune(network, each.candidate.recipe)
        rows = open_network(pruned.model.SerializeToString()).run(inputs)[0]
        np.testing.assert_allclose(each.shift, embedding_shift(dense, rows), atol=1e-5)
        assert each.median_shift == pytest.approx(np.median(each.shift[faces.clean]))
    assert found.norms == pytest.approx(np.linalg.norm(dense, axis=1), rel=1e-5)


def test_a_sweep_in_several_graphs_finds_what_one_graph_finds(network, monkeypatch):
    faces = calibration_faces(framed(), specification())
    tried = candidates(network, 3)
    assert len(sweep_module.groups(network, [each.recipe for each in tried])) == 1
    together = sweep(network, tried, faces)
    monkeypatch.setattr(sweep_module, "GROUP_BYTES", 0)
    assert len(sweep_module.groups(network, [each.recipe for each in tried])) > 2
    apart = sweep(network, tried, faces)
    assert [each.candidate for each in apart.signals] == list(tried)
    for one, other in zip(together.signals, apart.signals, strict=True):
        np.testing.assert_allclose(one.shift, other.shift, atol=1e-5)


def test_nothing_cheap_enough_is_an_error_that_names_the_option(network):
    with pytest.raises(CalibrationError, match=r"pair calibrate --cost 2.*--sparsity"):
        sweep(network, (), calibration_faces(framed(), specification()))


def signals(separation=0.8, cost=1.0, median_shift=0.1, agreement=1.0):
    candidate = Candidate("one", "one", Recipe(), cost)
    return Signals(candidate, separation, agreement, np.zeros(1, np.float32), median_shift)


@pytest.mark.parametrize(
    ("best", "other"),
    [
        (signals(separation=0.80), signals(separation=0.78)),
        (signals(separation=0.80), signals(separation=0.90, agreement=0.8)),  # collapsed
        (signals(separation=0.80), signals(separation=0.90, median_shift=1e-4)),  # did not move
        (signals(separation=0.80), signals(separation=0.805, cost=1.1)),  # alike and dearer
        (signals(median_shift=0.1), signals(median_shift=0.05)),  # further from rounding
    ],
)
def test_the_choice_is_fit_separates_best_and_among_the_alike_costs_least(best, other):
    assert choose([other, best]) is best
    assert choose([best, other]) is best


def test_no_fit_candidate_is_an_error_with_the_ways_out():
    with pytest.raises(CalibrationError, match=r"--cost 2\.1"):
        choose([replace(signals(), agreement=0.1)])
