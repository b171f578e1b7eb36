"""JSON from strangers: objects of small depth, no key twice, no NaN or Inf, no text that moves a cursor."""

import json
import math
import reprlib
from collections.abc import Mapping
from typing import Any

from advnets.errors import AdvnetsError, BadInput, Damaged, TooBig

LARGEST_DEPTH = 16
LARGEST_TEXT = 10_000
LARGEST_NUMBER = 2**53


def strict_json(text: str, what: str) -> dict[str, Any]:
    """The object of a JSON text; `what` names it in errors. Raises Damaged, or TooBig if it is nested too deep."""
    if _depth(text) > LARGEST_DEPTH:
        raise TooBig(f"{what} is nested more than {LARGEST_DEPTH} deep; expected less")
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
    """Raise BadInput for a text that is very long or not printable, and for a number that floats do not count to."""
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


def _depth(text: str) -> int:
    """How deep brackets are nested, quotation marks respected; once over the limit, that is all it tells."""
    depth = deepest = 0
    quoted = escaped = False
    for letter in text:
        if quoted:
            quoted, escaped = escaped or letter != '"', not escaped and letter == "\\"
        elif letter == '"':
            quoted = True
        elif letter in "[{":
            depth += 1
            deepest = max(deepest, depth)
            if deepest > LARGEST_DEPTH:
                break
        elif letter in "]}":
            depth -= 1
    return deepest


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
