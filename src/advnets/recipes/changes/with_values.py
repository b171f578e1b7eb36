"""A recipe with other values, by their names: what flags and keywords do."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from advnets.errors import BadInput, unknown
from advnets.optimizers import OwnOptimizer
from advnets.recipes.changes.names import SHORT, answer_habit, full_names, keyword_of
from advnets.recipes.changes.value_objects import is_own_optimizer, plain_pairs, plain_value
from advnets.recipes.changes.value_text import put_pair
from advnets.recipes.changes.values import RecipeValue, recipe_values
from advnets.recipes.recipe import Recipe, from_json, own_optimizers, to_json, with_own_optimizers


def with_values(recipe: Recipe, asked: Mapping[str, Any], *, typed: bool = False, also: Iterable[str] = ()) -> Recipe:
    """Return a recipe with values in place of its own.

    A row that is named brings its usual numbers, and the others that are asked for go into it.

    Args:
        recipe: The recipe.
        asked: {name: value}, by long or short names. A value is a number, a row or its name, a member of a table such
            as `advnets.hinge`, or a text as it is typed.
        typed: Whether all values are texts of the command, which errors then name by flags.
        also: Other names that may have been meant, for the error of a name that is none.

    Returns:
        The changed recipe.

    Raises:
        BadInput: For a name that the recipe does not have, with the nearest; for a value that does not fit; and for
            values that do not fit together.
    """
    chosen = choose_rows(recipe, asked, typed=typed)
    return _put_values(chosen, _by_full_name(chosen, asked, typed, also), typed)


def choose_rows(recipe: Recipe, asked: Mapping[str, Any], *, typed: bool = False) -> Recipe:
    """Put the rows that are asked for into a recipe, each with its usual numbers, so that these can be changed too.

    Args:
        recipe: The recipe.
        asked: As `with_values` takes it; what is no row is left out.
        typed: As `with_values` takes it.

    Returns:
        The recipe with these rows.

    Raises:
        BadInput: If there is no such row.
    """
    values = recipe_values(recipe)
    rows = {value.name for value in values if value.is_row}
    found = {full: value for name, value in asked.items() for full in full_names(name, values) if full in rows}
    return _put_values(recipe, found, typed)


def _by_full_name(recipe: Recipe, asked: Mapping[str, Any], typed: bool, also: Iterable[str]) -> dict[str, Any]:
    """What is asked by full names; a long name that is asked for goes before a short one that holds it too."""
    values = recipe_values(recipe)
    found = {name: full_names(name, values) for name in asked}
    for name, full in found.items():
        if not full:
            raise _unknown_name(name, recipe, values, [] if typed else also)
    for name, full in found.items():
        twin = next((other for other in found if other != name and found[other] == full), None)
        if twin is not None:
            raise BadInput(f"found {twin} and {name}, which are one value, {', '.join(full)}. Leave one out.")
    ordered = sorted(asked, key=lambda name: len(found[name]), reverse=True)
    return {full: asked[name] for name in ordered for full in found[name]}


def _unknown_name(name: str, recipe: Recipe, values: Sequence[RecipeValue], also: Iterable[str]) -> BadInput:
    answer = answer_habit(name, in_python=True)
    if answer is not None:
        return answer
    known = [value.name for value in values]
    known += [short for short in SHORT if full_names(short, values)]
    if recipe.learner is None and keyword_of(name) in OF_GAMES:
        return BadInput(
            f"{name}= is for recipes, and a game of your own has its own. Give it to the game: "
            f"advnets.Game(..., {name}=...)."
        )
    return unknown("keyword", name, [*also, *map(keyword_of, known)])


OF_GAMES = ("objective", "latent", "latent_size", "penalty", "tie", "constraint", "pack", "precision", "generator",
            "discriminator")  # fmt: skip
"""What a game of one's own says itself."""


def _put_values(recipe: Recipe, asked: Mapping[str, Any], typed: bool) -> Recipe:
    if not asked:
        return recipe
    plain, own = to_json(recipe), own_optimizers(recipe)
    for found in recipe_values(recipe):
        if found.name in asked:
            value = asked[found.name]
            _put(plain, found, value, f"--{found.name}" if typed else keyword_of(found.name))
            if found.path[0] == "descents" and found.path[-1] == "optimizer" and is_own_optimizer(value):
                own[found.path[1]] = value if isinstance(value, OwnOptimizer) else OwnOptimizer.of(value)
    return with_own_optimizers(from_json(plain), own)


def _put(plain: dict[str, Any], found: RecipeValue, value: Any, what: str) -> None:
    """Write a value where its path leads."""
    *way, last = found.path
    for part in way:
        plain = plain[part]
    if found.is_pair:
        _put_pairs(plain[last], found, value, what)
    elif not (found.is_row and plain[last] is not None and plain[last]["row"] == value):
        plain[last] = plain_value(value, found, what)  # a row that stands there already keeps its numbers


def _put_pairs(plain: dict[str, Any], found: RecipeValue, value: Any, what: str) -> None:
    if isinstance(value, str) or (isinstance(value, list | tuple) and all(isinstance(one, str) for one in value)):
        for text in [value] if isinstance(value, str) else value:
            put_pair(plain, found, text, what)
        return
    _merge(plain, plain_pairs(value, found, what))


def _merge(plain: dict[str, Any], more: Mapping[str, Any]) -> None:
    for name, value in more.items():
        if isinstance(value, Mapping) and "row" not in value:
            _merge(plain.setdefault(name, {}), value)
        elif value is None:
            plain.pop(name, None)
        else:
            plain[name] = value
