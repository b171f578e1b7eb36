"""Values of a recipe as they are typed: `16`, `.5`, `true`, `none`, `a,b`, `NAME`, `NAME:number=value`, `r1=10`."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from inspect import isabstract
from typing import Any, get_args, get_origin

from advnets.errors import BadInput, unknown
from advnets.games import Weight
from advnets.optimizers import OwnOptimizer
from advnets.recipes.changes.values import NAMES, PAIRS, RecipeValue
from advnets.recipes.recipe import ROWS, to_json
from advnets.records import parse_value
from advnets.schedules import Constant, Number, Schedule

EXAMPLES = {
    "penalties": "r1=10",
    "ties": "generator:l1=100",
    "constraints": "discriminator:clip_weights=0.01",
}


def format_typed(found: RecipeValue) -> str:
    """Return a value as it would be typed.

    Args:
        found: The value.

    Returns:
        The text, which `parse_text` reads.
    """
    if found.is_pair:
        return ", ".join(_format_pairs(found.value)) or "none"
    return format_value(found.value)


def form_of_pair(found: RecipeValue) -> str:
    """Return how one of several numbers is typed, such as "{r1, r2}=NUMBER"."""
    player = "" if found.path[-1] == "penalties" else "PLAYER:"
    return f"{player}{{{', '.join(found.names)}}}=NUMBER"


def parse_text(text: str, found: RecipeValue, what: str) -> Any:
    """Return the JSON that a text stands for.

    Args:
        text: The text.
        found: The value that it replaces.
        what: What the value is called, such as "--batch-size".

    Returns:
        The JSON, of the value's type.

    Raises:
        BadInput: If the text is no such value.
    """
    return _parse_value(text, found.hint, what)


def put_pair(plain: dict[str, Any], found: RecipeValue, text: str, what: str) -> None:
    """Put `r1=10` or `generator:max_column_norm=1.9` among numbers by name; `none` takes the name out again.

    Args:
        plain: The numbers as JSON, which are changed.
        found: The value that they are.
        text: The text.
        what: What the value is called, such as "--penalty".

    Raises:
        BadInput: If the text says no such number, or there is no such name.
    """
    name, _, number = text.partition("=")
    *player, name = name.split(":")
    if not number or len(player) != (found.path[-1] != "penalties"):
        raise BadInput(f"{what} is {text!r}; expected {form_of_pair(found)}, as in {EXAMPLES[found.path[-1]]}")
    if name not in NAMES[found.path[-1]]:
        raise unknown(PAIRS[found.path[-1]], name, NAMES[found.path[-1]])
    hint = get_args(found.hint)[1]
    if player:
        plain, hint = plain.setdefault(player[0], {}), get_args(hint)[1]
    if number == "none":
        plain.pop(name, None)
    else:
        plain[name] = _parse_value(number, hint, f"{what} {name}")


def _parse_value(text: str, hint: Any, what: str) -> Any:
    """The text as the JSON that a field of this type holds; checked, so that an error names the flag."""
    number, lazy, every = text.partition(",every=")
    if lazy and Weight in get_args(hint):
        weight = parse_value(_as_json(number, Number), Number, rows=ROWS, what=what)
        value = to_json(Weight(weight, _scalar(every)))
    else:
        value = _as_json(text, hint)
    parse_value(value, hint, rows=ROWS, what=what)
    return value


_LIST = re.compile(r",(?!\w+=)")
"""What stands between the items of a list; a comma before `number=` belongs to a schedule within an item."""


def _as_json(text: str, hint: Any) -> Any:
    """Read `16`, `0.5`, `true`, `none`, `a,b`, `NAME`, or `NAME:number=value,number=value`."""
    kinds = tuple(kind for kind in get_args(hint) or (hint,) if kind is not type(None))
    if text == "none" and len(kinds) < len(get_args(hint)):
        return None
    if get_origin(hint) is tuple and text == "none":
        return []
    if get_origin(hint) is tuple:
        inner = [kind for kind in get_args(hint) if kind is not ...]
        return [_as_json(item, inner[min(place, len(inner) - 1)]) for place, item in enumerate(_LIST.split(text))]
    if any(is_dataclass(kind) or isabstract(kind) for kind in kinds):
        number = _scalar(text)
        if isinstance(number, int | float):
            return number if {int, float} & set(kinds) else {"row": "constant", "value": number}
        row, _, numbers = text.partition(":")
        pairs = (item.partition("=") for item in numbers.split(",") if item)
        return {"row": row, **{name: _scalar(value) for name, _, value in pairs}}
    return text if kinds == (str,) else _scalar(text)


def _scalar(text: str) -> Any:
    """A number or a truth value; otherwise the text itself, for the type of its field to judge."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return {"true": True, "false": False}.get(text, text)


def format_value(value: Any) -> str:
    """Return a number, a schedule, a row or a tuple as it would be typed.

    Args:
        value: A value of a recipe.

    Returns:
        The text, such as "0.5", "none", "adam" or "1,2".
    """
    if isinstance(value, Constant):
        return format_value(value.value)
    if is_dataclass(value) and not isinstance(value, type):
        if isinstance(value, OwnOptimizer):
            return value.name
        row = next(name for name, kind in ROWS.items() if kind is type(value))
        numbers = [f"{spec.name}={format_value(getattr(value, spec.name))}" for spec in fields(value)]
        return f"{row}:{','.join(numbers)}" if isinstance(value, Schedule) else row
    if isinstance(value, tuple):
        return ",".join(map(format_value, value)) or "none"
    if isinstance(value, float):
        return repr(value).removesuffix(".0")
    return {"None": "none", "True": "true", "False": "false"}.get(str(value), str(value))


def _format_pairs(pairs: Mapping[str, Any]) -> Iterator[str]:
    for name, value in pairs.items():
        if isinstance(value, Mapping):
            yield from (f"{name}:{pair}" for pair in _format_pairs(value))
        elif isinstance(value, Weight):
            yield f"{name}={format_value(value.value)}" + (f",every={value.every}" if value.every > 1 else "")
        else:
            yield f"{name}={format_value(value)}"
