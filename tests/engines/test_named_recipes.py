import pytest

from engines.batch_norm import fold_batch_norm
from engines.catalogue import entries, fetch
from engines.errors import RecipeError
from engines.form import form_pair
from engines.named_recipes import DEFAULT, find_recipe, named_recipes
from engines.network import load_network
from engines.prune import prune

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


@pytest.mark.registry
@pytest.mark.parametrize("entry", NETWORKS, ids=lambda entry: entry.name)
def test_named_layers_exist_and_the_default_costs_at_most_a_seventh_more(entry):
    assert entry.specification is not None
    network = load_network(fetch(entry)[0], entry.specification, entry.embedding_length)
    for each in named_recipes(entry.name).values():
        prune(fold_batch_norm(network), each.recipe)
    cost = form_pair(network, find_recipe(entry.name, DEFAULT), "fused").cost
    assert cost.pair <= 1.15 * cost.dense
