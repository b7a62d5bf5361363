from dataclasses import replace
from pathlib import Path

import pytest

from engines.build.build import build_pair
from engines.build.judge import Judge
from engines.build.request import unscaled_request
from engines.catalogue.catalogue import entries, fetch, find_entry
from engines.errors import RecipeError
from engines.graph.batch_norm import fold_batch_norm
from engines.graph.network import load_network
from engines.pruning.form import form_pair
from engines.pruning.named_recipes import default_recipe, find_recipe, named_recipes
from engines.pruning.prune import prune
from tests.few_faces import a_quarter, few_golden
from tests.gate_data import gate_data

ENTRIES = Path(__file__).parents[3] / "configs" / "networks"
RETAIL = "face-reidentification-retail-0095"
NETWORKS = [each for each in entries() if each.kind == "network"]


@pytest.mark.parametrize("entry", NETWORKS, ids=lambda entry: entry.name)
def test_every_network_of_the_catalogue_has_a_recipe_for_each_purpose(entry):
    assert set(named_recipes(entry.name)) == {"fast", "best", "paper"}


def test_any_other_network_has_the_published_recipe_only():
    paper = named_recipes("mine")
    assert set(paper) == {"paper"}
    assert paper["paper"].recipe == find_recipe("mobilefacenet512", "paper")


def test_a_missing_recipe_is_refused_with_those_there_are_and_the_next_step():
    with pytest.raises(RecipeError, match=r"mine has no recipe 'fast', only paper: .*calibrate"):
        find_recipe("mine")


def test_the_first_recipe_of_a_network_is_its_default():
    assert default_recipe("mobilefacenet512") == find_recipe("mobilefacenet512", "fast")
    assert default_recipe(RETAIL) == find_recipe(RETAIL, "best")
    assert default_recipe("mine") is None


@pytest.mark.registry
@pytest.mark.parametrize("entry", NETWORKS, ids=lambda entry: entry.name)
def test_named_layers_exist_and_fast_costs_at_most_a_seventh_more(entry):
    assert entry.specification is not None
    network = load_network(fetch(entry)[0], entry.specification, entry.embedding_length)
    for each in named_recipes(entry.name).values():
        prune(fold_batch_norm(network), each.recipe)
    cost = form_pair(network, find_recipe(entry.name), "fused").cost
    assert cost.pair <= 1.15 * cost.dense


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """An entry of the user's own, and a quarter of the faces to prove and judge its pairs on."""
    folder = tmp_path_factory.mktemp("own")
    (folder / f"{RETAIL}.yaml").write_bytes((ENTRIES / f"{RETAIL}.yaml").read_bytes())
    model = gate_data("..", "models", f"{RETAIL}.onnx")
    (folder / f"{RETAIL}.onnx").symlink_to(model)
    entry = find_entry(str(folder / f"{RETAIL}.yaml"))
    assert entry.specification is not None
    return entry, few_golden(entry.specification), a_quarter(entry.specification)


@pytest.mark.data
@pytest.mark.registry
@pytest.mark.parametrize("name", ["fast", "best"])
def test_the_measured_network_of_the_own_builds_with_its_recipes(tmp_path, own, name):
    entry, golden, faces = own
    request = unscaled_request(entry, find_recipe(RETAIL, name))
    request = replace(request, golden=golden, judge=Judge(lambda: faces))
    cost = build_pair(request, tmp_path / "pair").cost
    assert cost.pair < (1.01 if name == "fast" else 1.4) * cost.dense
