"""Whether values fit the annotations of their fields: a file may hold anything."""

from collections.abc import Mapping
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from advnets.errors import BadInput


def expect_fields(kind: type, values: Mapping[str, Any]) -> None:
    """Raise BadInput for the first value that does not fit the field of that name; names of none are passed over."""
    hints = get_type_hints(kind)
    for name, value in values.items():
        if name in hints and not fits(value, hints[name]):
            found = repr(value)
            found = found if len(found) <= 60 else f"{found[:57]}..."
            raise BadInput(f"{name} is {found}; expected {_told(hints[name])}")


def fits(value: Any, hint: Any) -> bool:
    """Whether a value is of an annotation: a whole number serves as a float, a truth value as neither."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return any(fits(value, one) for one in inner)
    if origin is tuple:
        kinds = inner[:1] * len(value) if isinstance(value, tuple) and inner[-1] is Ellipsis else inner
        return isinstance(value, tuple) and len(value) == len(kinds) and all(map(fits, value, kinds))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return isinstance(value, Mapping) and all(fits(k, inner[0]) and fits(v, inner[1]) for k, v in value.items())
    if hint is float:
        return type(value) in (int, float) and -1e300 < value < 1e300
    if hint is str:
        return type(value) is str and "\0" not in value and value.isascii() | _encodes(value)
    return type(value) is hint if hint in (int, bool) else isinstance(value, hint)


def _encodes(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _told(hint: Any) -> str:
    if get_origin(hint) in (Union, UnionType):
        return " or ".join(_told(one) for one in get_args(hint))
    plain = {int: "a whole number", float: "a finite number", str: "a text", bool: "true or false", type(None): "none"}
    return plain.get(hint) or (str(hint) if get_origin(hint) else hint.__name__)
