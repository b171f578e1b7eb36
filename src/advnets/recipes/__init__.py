"""Recipes: published experiments, one file a paper."""

from advnets.errors import unknown
from advnets.recipes.goodfellow2014 import paper, paper_adam, paper_released
from advnets.recipes.recipe import Recipe, from_json, generator_from_json, to_json

own = Recipe()
RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in (paper, paper_released, paper_adam)}


def find(name: str) -> Recipe:
    """The recipe of that name; raises BadInput with the nearest name if there is none."""
    if name not in RECIPES:
        raise unknown("recipe", name, RECIPES)
    return RECIPES[name]


__all__ = [
    "RECIPES", "Recipe", "find", "from_json", "generator_from_json", "own", "paper", "paper_adam", "paper_released",
    "to_json",
]  # fmt: skip
