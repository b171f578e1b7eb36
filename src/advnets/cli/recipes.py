"""advnets recipes [NAME]: what can be trained."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from advnets.cli.flags.arguments import parse, print_result, split_words
from advnets.errors import BadInput
from advnets.recipes import RECIPES, Recipe, find, to_json

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
        recipe = find(names[0])
        print_result(to_json(recipe), as_json=asked.json, text="\n".join(_lines_of(recipe)))
        return 0
    text = "\n".join(f"{name:<18} {recipe.about}" for name, recipe in RECIPES.items())
    print_result({name: to_json(recipe) for name, recipe in RECIPES.items()}, as_json=asked.json, text=text)
    return 0


def _lines_of(recipe: Recipe) -> list[str]:
    """One value a line, by its place in the record."""
    values = dict(_values_of(to_json(recipe)))
    if recipe.budget.steps is not None:
        values["budget.minutes"] += "  (not read: the recipe ends by steps)"
    width = max(map(len, values))
    return [f"{name:<{width}}  {text}" for name, text in values.items()]


def _values_of(part: Mapping[str, Any], place: str = "") -> Iterator[tuple[str, str]]:
    for name, value in part.items():
        if isinstance(value, dict) and value:
            yield from _values_of(value, f"{place}{name}.")
        else:
            yield f"{place}{name}", value if isinstance(value, str) else json.dumps(value)
