"""Pairs whose shift is the mean of the shifts by several masks, and how calibration finds them."""

import io
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from engines.biometrics.degrade import with_margin
from engines.build.build import build_pair, judged
from engines.build.judge import Judge
from engines.build.report import manifest_tables
from engines.build.verify import verify_pair
from engines.calibration.faces import calibration_faces
from engines.calibration.files import COLOURS
from engines.calibration.report import recipe_text
from engines.calibration.self_made import SelfMade
from engines.calibration.several_masks import KIND, several_masks, with_several_masks
from engines.calibration.sweep import sweep
from engines.errors import RecipeError
from engines.graph.batch_norm import fold_batch_norm
from engines.onnxruntime.backend import open_network
from engines.pair.manifest import identity, read_manifest
from engines.pair.pair import open_pair
from engines.plans.half_pair import pair_figures
from engines.pruning.candidates import Candidate, _families, candidates
from engines.pruning.form import form_pair
from engines.pruning.prune import prunable_weights, prune
from engines.pruning.recipe import Recipe
from engines.quality.preprocess import prepare
from engines.quality.shift import embedding_shift, mean_shift
from tests.networks import TinyNetwork, loaded, specification
from tests.pairs import request, synthetic_faces


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    return fold_batch_norm(loaded(tmp_path_factory.mktemp("network"), TinyNetwork(seed=3)))


@pytest.fixture(scope="module")
def masks(network):
    first, _, last = (each.layer for each in prunable_weights(network.model))
    return Recipe(sparsity=0.2, layers=(last,)), Recipe(sparsity=0.3, layers=(first,))


@pytest.fixture(scope="module")
def both(masks):
    late, early = masks
    return replace(late, masks=(early,))


@pytest.fixture(scope="module")
def folder(network, both, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pair") / "pair"
    build_pair(request(network, both, "fused"), folder)
    return folder


def test_the_shift_of_a_pair_is_the_geometric_mean_of_both_masks_shifts(network, masks, folder):
    images = synthetic_faces(seed=9).images
    with open_pair(folder) as pair:
        scored = pair.assess(images)
        dense, pruned = pair.embed(images)
    assert pruned.shape == (len(images), 2 * dense.shape[1])
    alone = []
    for mask in masks:
        files = form_pair(network, mask, "fused").files
        rows = open_network(files["fused"]).run(prepare(images, network.specification))
        alone.append(embedding_shift(*rows))
    np.testing.assert_allclose(scored.shift, np.sqrt(alone[0] * alone[1]), rtol=1e-4)


def test_the_pair_is_proved_and_says_what_both_masks_prune(both, folder):
    manifest = read_manifest(folder)
    assert manifest.recipe == both
    assert identity(manifest) == manifest.pair_id
    assert not verify_pair(folder, golden=synthetic_faces()).faults
    assert [row.layer for row in manifest.layers if row.masked] == [
        both.layers[0],
        both.masks[0].layers[0],
    ]
    screen = Console(width=200, file=io.StringIO())
    with screen.capture() as captured:
        screen.print(manifest_tables(manifest))
    text = " ".join(captured.get().split())
    assert "geometric mean of 2 shifts: zero the share 0.2" in text
    assert pair_figures(folder, manifest, synthetic_faces().images).deviation.min_cosine > 0.999


def test_a_pair_of_two_masks_is_judged_as_one_of_a_single_mask_is(network, both, found, tmp_path):
    judge = Judge(lambda: found.faces)
    asked = replace(request(network, both, "fused"), judge=judge, accept_worse=True)
    manifest = build_pair(asked, tmp_path / "two")
    assert manifest.merit is not None
    assert read_manifest(tmp_path / "two") == manifest
    assert judged(asked) == manifest.merit
    assert "better_below" not in (tmp_path / "two" / "pair.yaml").read_text()


def test_a_mask_in_another_layer_costs_what_follows_it(network, masks, both):
    late, early, together = (form_pair(network, each, "fused").cost for each in (*masks, both))
    assert together.dense == late.dense
    assert together.pair == late.pair + early.pair - late.dense


def test_several_masks_are_one_graph_and_one_list(network, masks, both):
    with pytest.raises(RecipeError, match="leave out --form separate"):
        form_pair(network, both, "separate")
    with pytest.raises(RecipeError, match="write all of them into one list"):
        Recipe(masks=(both,))
    with pytest.raises(ValueError, match="pruned by one mask"):
        prune(network, both)
    assert both.single == masks


def test_a_mean_of_equal_shifts_is_that_shift_and_none_counts_more_for_being_large():
    small = np.array([0.01, 0.02, 0], np.float32)
    large = np.array([1, 0.5, 0.1], np.float32)
    np.testing.assert_allclose(mean_shift((small, small)), small, rtol=1e-6, atol=1e-8)
    both = mean_shift((small, large))
    np.testing.assert_allclose(both[:2], [0.1, 0.1], rtol=1e-6)
    assert both.dtype == np.float32
    assert np.isfinite(both).all()


def test_embeddings_of_no_whole_number_of_masks_are_refused():
    dense = np.ones((2, 4), np.float32)
    for wrong in (np.ones((2, 6), np.float32), np.ones((3, 4), np.float32), dense[:, :0]):
        with pytest.raises(ValueError, match="shapes do not fit"):
            embedding_shift(dense, wrong)


@pytest.fixture(scope="module")
def found(network):
    known = synthetic_faces(with_margin(specification()))
    faces = calibration_faces(known.images, specification(), subjects=known.subjects)
    return sweep(network, candidates(network, 3), faces)


def test_masks_are_judged_together_as_each_of_them_and_cost_no_more_than_allowed(network, found):
    more = with_several_masks(found, 2.5)
    assert more.signals[: len(found.signals)] == found.signals
    added = more.signals[len(found.signals) :]
    assert added
    made = SelfMade(found.faces, found.embeddings)
    by_recipe = {each.candidate.recipe: each for each in found.signals}
    assert {len(each.candidate.recipe.single) for each in added} == {2, 3}
    for each in added:
        masks = [by_recipe[mask] for mask in each.candidate.recipe.single]
        layers = [layer for mask in masks for layer in mask.candidate.recipe.layers]
        assert len(layers) == len(set(layers))
        assert "random" not in {mask.importance for mask in each.candidate.recipe.single}
        together = np.prod([mask.shift for mask in masks], axis=0) ** (1 / len(masks))
        np.testing.assert_allclose(each.shift, together, rtol=1e-4)
        assert each.ratio == pytest.approx(made.area(-each.shift) / made.area(found.norms))
        cost = form_pair(network, each.candidate.recipe, "fused").cost
        assert each.candidate.cost == pytest.approx(cost.pair / cost.dense)
    limit = max(each.candidate.cost for each in added) - 0.01
    assert max(each.candidate.cost for each in with_several_masks(found, limit).signals) <= limit


def test_each_kind_of_recipe_has_a_colour_in_the_picture():
    names = tuple(f"layer {n}" for n in range(20))
    kinds = {family.kind for family in _families(names, folded=True)} | {KIND}
    assert len(kinds) <= len(set(COLOURS)) == len(COLOURS)


def test_several_masks_are_named_by_each(masks):
    late, early = (Candidate("x", name, mask, 1.25) for name, mask in zip("ab", masks, strict=True))
    both = several_masks([late, early])
    assert recipe_text(both) == "a magnitude 0.2 and b magnitude 0.3"
    assert both.cost == pytest.approx(1.5)
