"""JSON from strangers: objects of small depth, no key twice, no NaN or Inf, no text that moves a cursor."""

import json
import math
import re
import reprlib
from collections.abc import Mapping
from typing import Any

from advnets.errors import AdvnetsError, BadInput, Damaged, TooBig

LARGEST_DEPTH = 16
LARGEST_TEXT = 10_000
LARGEST_NUMBER = 2**53
MOST_ITEMS = 10_000

# A text that is not closed runs to the end, so that the pattern never goes back.
_QUOTED = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
_BRACKETS = re.compile(r"[\[\]{}]")


def parse_strict_json(text: str, what: str) -> dict[str, Any]:
    """Return the object of a JSON text that may come from anybody.

    Args:
        text: The text.
        what: What it is, for the errors, such as "the card".

    Returns:
        The object, whose numbers are finite and whose keys are unique.

    Raises:
        Damaged: If it is not JSON, not an object, or holds a key twice or a number that is not finite.
        TooBig: If it has more than MOST_ITEMS items or is nested deeper than LARGEST_DEPTH.
    """
    _refuse_sprawling(text, what)
    try:
        value = json.loads(text, object_pairs_hook=_once, parse_float=_finite, parse_constant=_finite)
    except AdvnetsError as error:
        raise Damaged(f"{what} {error}") from error
    except (ValueError, RecursionError) as error:
        raise Damaged(f"{what} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise Damaged(f"{what} is {reprlib.repr(value)}, expected an object")
    return value


def refuse_extremes(value: Any, what: str) -> None:
    """Refuse texts that are very long or not printable, and numbers that floats do not count to.

    Args:
        value: A value of JSON, which is searched through.
        what: What it is, for the errors, such as "the card".

    Raises:
        BadInput: If one is found.
    """
    if isinstance(value, str) and (len(value) > LARGEST_TEXT or not value.replace("\n", "").isprintable()):
        raise BadInput(
            f"{what} holds {reprlib.repr(value)}; expected printable texts of at most {LARGEST_TEXT} letters"
        )
    if isinstance(value, int | float) and not abs(value) <= LARGEST_NUMBER:
        raise BadInput(f"{what} holds the number {reprlib.repr(value)}; expected at most {LARGEST_NUMBER}")
    if isinstance(value, Mapping):
        value = [*value, *value.values()]
    if isinstance(value, list | tuple):
        for item in value:
            refuse_extremes(item, what)


def _refuse_sprawling(text: str, what: str) -> None:
    """Refuse too many brackets and commas outside of quotation marks, before the text is parsed."""
    bare = _QUOTED.sub("", text)
    items = bare.count(",") + bare.count("[") + bare.count("{")
    if items > MOST_ITEMS:
        raise TooBig(f"{what} has {items:,} items; expected at most {MOST_ITEMS:,}")
    depth = 0
    for bracket in _BRACKETS.findall(bare):
        depth += 1 if bracket in "[{" else -1
        if depth > LARGEST_DEPTH:
            raise TooBig(f"{what} is nested more than {LARGEST_DEPTH} deep; expected less")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise BadInput(f"has the key {reprlib.repr(key)} twice, expected once")
        found[key] = value
    return found


def _finite(number: str) -> float:
    if not math.isfinite(float(number)):
        raise BadInput(f"holds {number[:20]}, expected finite numbers")
    return float(number)
