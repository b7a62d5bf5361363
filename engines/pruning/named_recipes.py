"""Recipes by name for networks that were measured; `recipes.yaml` says how each was found."""

from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from engines.catalogue.strict_yaml import read_yaml
from engines.errors import RecipeError
from engines.pruning.recipe import Recipe

RECIPES = Path(__file__).with_name("recipes.yaml")

EVERY_NETWORK = "every network"
"""Key of the recipes that hold whatever the network."""


class NamedRecipe(BaseModel):
    """A recipe and the measurement that speaks for it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipe: Recipe
    found: Annotated[str, Field(min_length=1)]
    """Figures for people, with the pairs they come from."""


_FILE = TypeAdapter(dict[str, dict[str, NamedRecipe]])


@cache
def _known() -> dict[str, dict[str, NamedRecipe]]:
    return _FILE.validate_python(read_yaml(RECIPES))


def named_recipes(network: str) -> dict[str, NamedRecipe]:
    """Return the recipes that are known for a network, by name."""
    return {**_known().get(network, {}), **_known()[EVERY_NETWORK]}


def default_recipe(network: str) -> Recipe | None:
    """Return the recipe that stands first for a network; None where it was not measured."""
    own = _known().get(network, {})
    return next((each.recipe for each in own.values()), None)


def asked_name(network: str, recipe: Recipe) -> str:
    """Return the name that a recipe is asked for by; empty for one without."""
    known = named_recipes(network)
    return next((name for name, each in known.items() if each.recipe == recipe), "")


def find_recipe(network: str, name: str = "fast") -> Recipe:
    """
    Return one named recipe of a network.

    Raises:
        RecipeError: The network has no recipe of that name.
    """
    known = named_recipes(network)
    if name not in known:
        raise RecipeError(
            f"{network} has no recipe {name!r}, only {', '.join(sorted(known))}: "
            "let 'edge-gate pair calibrate' find one, or give --sparsity"
        )
    return known[name].recipe
