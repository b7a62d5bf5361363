from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from engines.biometrics.degrade import with_margin, without_margin
from engines.calibration import bench
from engines.calibration.faces import calibration_faces, degraded, together
from engines.calibration.sweep import Signals, choose, race, sweep
from engines.errors import CalibrationError
from engines.graph.batch_norm import fold_batch_norm
from engines.graph.cost import multiply_adds
from engines.onnxruntime.backend import open_network
from engines.pruning.candidates import Candidate, _families, candidates
from engines.pruning.fuse import fuse
from engines.pruning.prune import prunable_weights, prune
from engines.pruning.recipe import Recipe
from engines.quality.preprocess import prepare
from engines.quality.shift import embedding_shift
from tests.networks import TinyNetwork, loaded, specification
from tests.pairs import synthetic_faces


@pytest.fixture
def network(tmp_path):
    return fold_batch_norm(loaded(tmp_path))


def framed(subjects=12, each=3):
    return synthetic_faces(with_margin(specification()), subjects, each).images


def known():
    found = synthetic_faces(with_margin(specification()))
    return calibration_faces(found.images, specification(), subjects=found.subjects)


def test_each_face_comes_as_it_is_and_six_times_degraded():
    faces = calibration_faces(framed(), specification())
    assert faces.images.shape == (252, 20, 16, 3)
    assert faces.clean.tolist() == [True, *[False] * 6] * 36
    assert set(faces.strength[~faces.clean]) == {1, 2, 3, 4, 5}
    assert np.array_equal(faces.images[faces.clean], without_margin(framed(), specification()))
    assert faces.photograph.tolist() == [n for n in range(36) for _ in range(7)]
    assert faces.subject.tolist() == faces.photograph.tolist()
    assert not faces.known.any()


def test_known_subjects_keep_their_photographs_together():
    faces = known()
    assert np.unique(faces.subject).size == 12
    assert all(np.unique(faces.subject[faces.photograph == n]).size == 1 for n in range(36))
    assert faces.known.all()


def test_nobody_of_one_set_is_somebody_of_the_other():
    strange = calibration_faces(framed(), specification(), seed=1)
    both = together(known(), strange)
    assert np.unique(both.photograph).size == 72
    assert np.unique(both.subject).size == 12 + 36
    assert both.known.tolist() == [True] * 252 + [False] * 252
    assert np.array_equal(both.images[252:], strange.images)


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
    costs = {each.recipe.layers: each.cost for each in candidates(network, 3)}
    # 6 filters of 27 weights on 10 x 8, 6 of 9 on 5 x 4, then 120 x 8.
    stem, depthwise, last = 12960, 1080, 960
    alone = stem + depthwise + last
    names = [each.layer for each in prunable_weights(network.model)]
    assert costs == pytest.approx(
        {
            (names[2],): 1 + last / alone,
            (names[1],): 1 + (depthwise + last) / alone,
            (names[0],): 2,
            (names[1], names[2]): 1 + (depthwise + last) / alone,
            tuple(names): 2,
        }
    )
    assert {each.recipe.layers for each in candidates(network, 1.1)} == {(names[2],)}


def test_no_recipe_is_tried_twice_and_the_paper_s_alternatives_are_among_them(network):
    recipes = [each.recipe for each in candidates(network, 3)]
    assert len(set(recipes)) == len(recipes)
    assert {each.structure for each in recipes} == {"weights", "channels", "2:4"}
    assert {each.importance for each in recipes} == {
        "channel",
        "magnitude",
        "unfolded",
        "random",
    }
    assert {each.scope for each in recipes} == {"layer", "global"}


def test_a_network_that_came_without_batch_norm_is_not_pruned_as_before_folding(tmp_path):
    plain = loaded(tmp_path, TinyNetwork(batch_norm=False))
    assert "unfolded" not in {each.recipe.importance for each in candidates(plain, 3)}


def test_neighbours_lie_where_they_are_said_to():
    names = tuple(f"layer {n}" for n in range(1, 21))
    families = list(_families(names, folded=False))
    windows = [each for each in families if each.kind == "neighbours"]
    assert {len(each.layers) for each in windows} == {3, 8}
    for each in windows:
        first, last = each.layers[0].split()[1], each.layers[-1].split()[1]
        assert each.name == f"layers {first} to {last}"
    middle = next(each for each in families if each.kind == "middle")
    assert middle.layers == names[8:15]


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


def test_a_race_judges_all_and_keeps_the_better_half_of_each_lap_to_the_end(network):
    tried = candidates(network, 3)
    found = race(network, tried, known())
    assert [each.candidate for each in found.signals] == list(tried)
    ends = sorted({each.shift.size for each in found.signals})
    assert ends == [63, 126, 252]  # of 3, 6 and 12 people
    laps = [sum(each.shift.size >= end for each in found.signals) for end in ends]
    assert laps[0] == len(tried)
    assert all(after <= -(-before // 2) + 1 for before, after in pairwise(laps))
    assert {each.shift.size for each in found.finished()} == {252}


def test_who_finishes_a_race_is_judged_as_in_a_sweep(network):
    tried = candidates(network, 3)
    found = race(network, tried, known())
    winner = min(found.finished(), key=lambda each: each.ratio or 0)
    alone = sweep(network, [winner.candidate], found.faces)
    np.testing.assert_allclose(alone.signals[0].shift, winner.shift, atol=1e-5)
    merit = found.merit(winner)
    assert merit.ratio.value == pytest.approx(winner.ratio)
    assert merit.ratio.low <= merit.ratio.value <= merit.ratio.high
    assert winner.between is not None


def test_people_join_a_race_whole_and_in_a_seeded_order(network):
    found = race(network, candidates(network, 1.1), known())
    order = found.faces.subject
    assert np.flatnonzero(np.diff(order)).size == 11
    assert order.tolist() != sorted(order)


def test_a_sweep_in_several_graphs_finds_what_one_graph_finds(network, monkeypatch):
    faces = calibration_faces(framed(), specification())
    tried = candidates(network, 3)
    assert len(bench.groups(network, [each.recipe for each in tried])) == 1
    together = sweep(network, tried, faces)
    monkeypatch.setattr(bench, "GROUP_BYTES", 0)
    assert len(bench.groups(network, [each.recipe for each in tried])) > 2
    apart = sweep(network, tried, faces)
    assert [each.candidate for each in apart.signals] == list(tried)
    for one, other in zip(together.signals, apart.signals, strict=True):
        np.testing.assert_allclose(one.shift, other.shift, atol=1e-5)


def test_nothing_cheap_enough_is_an_error_that_names_the_option(network):
    with pytest.raises(CalibrationError, match=r"pair calibrate --cost 2.*--sparsity"):
        sweep(network, (), calibration_faces(framed(), specification()))


def signals(ratio=0.8, cost=1.0, median_shift=0.1, agreement=1.0, between=0.5):
    candidate = Candidate("one", "one", Recipe(), cost)
    return Signals(candidate, agreement, np.zeros(1, np.float32), median_shift, ratio, between)


@pytest.mark.parametrize(
    ("best", "other"),
    [
        (signals(ratio=0.80), signals(ratio=0.83)),
        (signals(ratio=0.80), signals(ratio=0.70, agreement=0.8)),  # collapsed
        (signals(ratio=0.80), signals(ratio=0.70, median_shift=1e-4)),  # did not move
        (signals(ratio=0.80), signals(ratio=0.79, cost=1.2)),  # alike and dearer
        (signals(ratio=0.80, between=0.4), signals(ratio=0.79)),  # alike, and people differ less
        (signals(ratio=0.80), signals(ratio=0.79, between=None)),
    ],
)
def test_the_choice_is_fit_and_best_and_among_the_alike_cheap_and_fair(best, other):
    assert choose([other, best]) is best
    assert choose([best, other]) is best


def test_no_fit_candidate_is_an_error_with_the_ways_out():
    with pytest.raises(CalibrationError, match=r"--cost 2\.1"):
        choose([replace(signals(), agreement=0.1)])
