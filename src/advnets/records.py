"""Records: frozen dataclasses read from JSON, each value checked against the type of its field."""

import inspect
import math
import reprlib
import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from advnets.errors import BadInput, unknown

Kind = TypeVar("Kind")
Rows = Mapping[str, type]


def parse_record(kind: type[Kind], value: Any, *, rows: Rows | None = None, what: str = "") -> Kind:
    """Build a dataclass from a JSON object.

    Lists become tuples, whole numbers fit fields of floats, and truth values are no numbers. Where a field holds a
    dataclass, the object names it by its `row`, and the row must be of a kind that the field admits.

    Args:
        kind: The dataclass.
        value: The JSON object.
        rows: Dataclasses that may be named, by row.
        what: How errors name the whole, such as "recipe".

    Returns:
        The dataclass with the object's values.

    Raises:
        BadInput: If a field is unknown or missing, a value is of another type, or `kind` refuses it.
    """
    what = what or kind.__name__
    if not isinstance(value, Mapping):
        raise _mismatch(what, value, "an object")
    hints = get_type_hints(kind)
    for name in value:
        if name not in hints:
            raise unknown(f"field of {what}", reprlib.repr(name).strip("'"), hints)
    needed = [spec.name for spec in fields(kind) if spec.default is MISSING and spec.default_factory is MISSING]  # type: ignore[arg-type]
    missing = [name for name in needed if name not in value]
    if missing:
        raise BadInput(f"{what}: {', '.join(missing)} missing; expected {', '.join(hints)}")
    given = {
        name: parse_value(item, hints[name], rows=rows or {}, what=f"{what}: {name}") for name, item in value.items()
    }
    return kind(**given)


def parse_value(value: Any, hint: Any, *, rows: Rows, what: str) -> Any:
    """Convert a JSON value to the type of a field.

    Args:
        value: The JSON value.
        hint: The field's type.
        rows: Dataclasses that may be named, by row.
        what: How errors name the value.

    Returns:
        The value of that type.

    Raises:
        BadInput: If the value is of another type.

    Example:
        >>> parse_value([3, 4], tuple[int, ...], rows={}, what="units")
        (3, 4)
    """
    origin, inner = get_origin(hint), get_args(hint)
    if hint is Any:
        return value
    if origin in (Union, types.UnionType):
        return _fit_union(value, inner, rows=rows, what=what)
    if is_dataclass(hint) or inspect.isabstract(hint):
        return _fit_dataclass(value, (hint,), rows=rows, what=what)
    if origin is tuple:
        return _fit_tuple(value, inner, rows=rows, what=what)
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
            raise _mismatch(what, value, "an object")
        return {key: parse_value(item, inner[1], rows=rows, what=f"{what}.{key}") for key, item in value.items()}
    return _fit_scalar(value, hint, what=what)


def _fit_union(value: Any, options: tuple[Any, ...], *, rows: Rows, what: str) -> Any:
    if value is None and types.NoneType in options:
        return None
    kinds = tuple(option for option in options if is_dataclass(option) or inspect.isabstract(option))
    others = [option for option in options if option not in (types.NoneType, *kinds)]
    if kinds and (isinstance(value, Mapping) or not others):
        return _fit_dataclass(value, kinds, rows=rows, what=what)
    for option in others[:-1]:
        try:
            return parse_value(value, option, rows=rows, what=what)
        except BadInput:
            continue
    return parse_value(value, others[-1], rows=rows, what=what)


def _fit_dataclass(value: Any, kinds: tuple[Any, ...], *, rows: Rows, what: str) -> Any:
    known = {name: kind for name, kind in rows.items() if issubclass(kind, kinds)}
    if not known and len(kinds) == 1:
        return parse_record(kinds[0], value, rows=rows, what=what)
    if not isinstance(value, Mapping) or "row" not in value:
        raise _mismatch(what, value, f"an object with a `row`, one of {', '.join(known)}")
    row = value["row"]
    if not isinstance(row, str) or row not in known:
        raise unknown(f"row of {what}", row if isinstance(row, str) and len(row) < 100 else reprlib.repr(row), known)
    numbers = {name: item for name, item in value.items() if name != "row"}
    return parse_record(known[row], numbers, rows=rows, what=f"{what} ({row})")


def _fit_tuple(value: Any, inner: tuple[Any, ...], *, rows: Rows, what: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise _mismatch(what, value, "a list")
    hints = (inner[0],) * len(value) if inner[1:] == (...,) else inner
    if len(hints) != len(value):
        raise _mismatch(what, value, f"a list of {len(hints)}")
    pairs = enumerate(zip(value, hints, strict=True))
    return tuple(parse_value(item, each, rows=rows, what=f"{what}, item {place}") for place, (item, each) in pairs)


def _fit_scalar(value: Any, hint: Any, *, what: str) -> Any:
    named = {int: "a whole number", float: "a number", str: "a text", bool: "true or false", types.NoneType: "null"}
    if hint is float and type(value) in (int, float):
        # 2^1024 is a whole number that no float holds.
        if not abs(value) < 2**1023 or not math.isfinite(value):
            raise _mismatch(what, value, "a finite number")
        return float(value)
    if type(value) is not hint:
        raise _mismatch(what, value, named[hint])
    if hint is str and ("\0" in value or not _encodes(value)):
        raise _mismatch(what, value, "a text without NUL and halves of pairs")
    return value


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _mismatch(what: str, value: Any, expected: str) -> BadInput:
    return BadInput(f"{what} is {reprlib.repr(value)}; expected {expected}")
