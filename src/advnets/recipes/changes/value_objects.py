"""Values of a recipe as Python has them: numbers, rows, and what a row of a table stands for."""

from collections.abc import Mapping
from dataclasses import is_dataclass
from inspect import isclass
from typing import Any, get_args, get_origin

import numpy as np

from advnets.errors import BadInput, unknown
from advnets.optimizers import OptimizerRow, OwnOptimizer
from advnets.recipes.changes.value_text import parse_text
from advnets.recipes.changes.values import PAIRS, TABLES, RecipeValue
from advnets.recipes.recipe import ROWS, to_json
from advnets.records import parse_value


def plain_value(value: Any, found: RecipeValue, what: str) -> Any:
    """Return the JSON that a Python value stands for.

    Args:
        value: A number, a truth value, a sequence, a row, None, a member of a table such as `advnets.hinge`, or a text
            as it is typed.
        found: The value that it replaces.
        what: What the value is called, such as "objective".

    Returns:
        The JSON, of the value's type.

    Raises:
        BadInput: If it is no such value.
    """
    if isinstance(value, str) and found.path[-1] not in TABLES:
        return parse_text(value, found, what)
    plain = _plain(value, found, what)
    parse_value(plain, found.hint, rows=ROWS, what=what)
    return plain


def plain_pairs(value: Any, found: RecipeValue, what: str) -> dict[str, Any]:
    """Return the JSON of numbers by name, such as {advnets.r1: 10}.

    Args:
        value: {row or its name: number}, or {player: {row or its name: number}}.
        found: The value that it replaces.
        what: What the value is called, such as "penalty".

    Returns:
        The JSON; None stands for a number that is taken out.

    Raises:
        BadInput: If it is something else.
    """
    field = found.path[-1]
    if not isinstance(value, Mapping):
        form = "{row: number}" if field == "penalties" else "{player: {row: number}}"
        raise BadInput(f"{what} is {_name(value)}; expected a dict {form}, such as {EXAMPLES[field]}")
    if field == "penalties":
        return _plain_numbers(value, field)
    return {str(player): plain_pairs_of(rows, field, what) for player, rows in value.items()}


def plain_pairs_of(value: Any, field: str, what: str) -> dict[str, Any]:
    """Return the numbers of one player, as `plain_pairs` does."""
    if not isinstance(value, Mapping):
        raise BadInput(f"{what} is {_name(value)} for a player; expected a dict {{row: number}}")
    return _plain_numbers(value, field)


EXAMPLES = {
    "penalties": "{advnets.r1: 10}",
    "ties": "{'generator': {'l1': 100}}",
    "constraints": "{'discriminator': {'clip_weights': 0.01}}",
}


def _plain_numbers(value: Mapping[Any, Any], field: str) -> dict[str, Any]:
    return {_row_name(key, field, PAIRS[field]): to_json(_number(item)) for key, item in value.items()}


def _plain(value: Any, found: RecipeValue, what: str) -> Any:
    field = found.path[-1]
    value = None if value == "none" and type(None) in get_args(found.hint) else _number(value)
    if field in TABLES and value is not None:
        if isinstance(value, list | tuple):
            return [_row_name(item, field, what) for item in value]
        if get_origin(found.hint) is tuple:
            return [_row_name(name, field, what) for name in _split(value)]
        return _row_name(value, field, what)
    if isclass(value) and value in ROWS.values():
        return {"row": next(name for name, kind in ROWS.items() if kind is value)}
    if found.is_row and OptimizerRow in (get_args(found.hint) or (found.hint,)):
        return to_json(_optimizer(value, found, what))
    if is_dataclass(value) and not isclass(value) and type(value) not in ROWS.values():
        raise BadInput(f"{what} is {_name(value)}; expected {_names_of(found)}. {OWN}")
    if isinstance(value, list | tuple):
        return [to_json(_number(item)) for item in value]
    if callable(value) and not is_dataclass(value):
        raise BadInput(f"{what} is {_name(value)}; expected {_names_of(found)}. {OWN}")
    if found.is_row and not (is_dataclass(value) or value is None):
        raise BadInput(f"{what} is {_name(value)}; expected {_names_of(found)}, or such a row")
    return to_json(value)


OWN = "What is your own is played as a game of your own: advnets.Game(generator, discriminator, objective)."


def is_own_optimizer(value: Any) -> bool:
    """Return whether a value builds an optimizer of one's own: a row of one, or a function that is no row."""
    return isinstance(value, OwnOptimizer) or (callable(value) and value not in ROWS.values())


def _optimizer(value: Any, found: RecipeValue, what: str) -> OptimizerRow:
    if isinstance(value, OptimizerRow):
        return value
    if callable(value):
        if found.path[0] != "descents":
            raise BadInput(f"{what} is {_name(value)}; expected {_names_of(found)}, as a baseline has no other")
        return OwnOptimizer.of(value)
    raise BadInput(f"{what} is {_name(value)}; expected {_names_of(found)}, or a function: parameters -> optimizer")


def _split(value: Any) -> list[Any]:
    return [] if value == "none" else value.split(",") if isinstance(value, str) else [value]


def _row_name(value: Any, field: str, what: str) -> str:
    """The name of a row, given by it or by what it stands for."""
    table = TABLES[field]
    if isinstance(value, str):
        if value in table:
            return value
        raise unknown(PAIRS.get(field, field), value, table)
    for name, row in table.items():
        if row is value:
            return name
    raise BadInput(f"{what} is {_name(value)}; expected {', '.join(table)}, by name or as advnets has it. {OWN}")


def _names_of(found: RecipeValue) -> str:
    return f"one of {', '.join(found.names)}" if found.names else "a value such as the recipe has"


def _number(value: Any) -> Any:
    """A Python number for one of NumPy's."""
    return value.item() if isinstance(value, np.generic) else value


def _name(value: Any) -> str:
    """A short name of what was found."""
    named = getattr(value, "__qualname__", None)
    return str(named) if named else repr(value) if isinstance(value, int | float | str) else type(value).__name__
