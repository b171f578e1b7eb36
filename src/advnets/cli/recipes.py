"""advnets recipes [NAME]: what can be trained."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from advnets.cli.flags.arguments import parse, print_result, split_words
from advnets.errors import BadInput
from advnets.recipes import RECIPES, find, to_json

ABOUT = """List the recipes, or show every number of one.

`advnets train` takes a recipe by its name, or a file that holds what `advnets recipes NAME --json` prints."""


@dataclass(frozen=True)
class RecipesFlags:
    """How recipes are printed.

    Attributes:
        json: Print JSON.
    """

    json: bool = False


def main(argv: Sequence[str]) -> int:
    """List the recipes, or show one.

    Args:
        argv: The words after the verb.

    Returns:
        The exit status.
    """
    names, flags = split_words(argv)
    asked = parse(RecipesFlags, flags, verb="recipes [NAME]", about=ABOUT)
    if len(names) > 1:
        raise BadInput(f"found {' '.join(names)!r}; expected one recipe's name, or none")
    if names:
        recipe = to_json(find(names[0]))
        print_result(
            recipe, as_json=asked.json, text="\n".join(f"{key:<20} {json.dumps(recipe[key])}" for key in recipe)
        )
        return 0
    text = "\n".join(f"{name:<18} {recipe.about}" for name, recipe in RECIPES.items())
    print_result({name: to_json(recipe) for name, recipe in RECIPES.items()}, as_json=asked.json, text=text)
    return 0
