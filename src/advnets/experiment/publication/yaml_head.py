"""The head of a model card: YAML between two lines of dashes, which no text of a user's can leave."""

import math
import re
from collections.abc import Mapping, Sequence

from advnets.text import escape

Value = str | int | float | bool | Sequence["Value"] | Mapping[str, "Value"]

KEY = re.compile(r"[a-z][a-z0-9_-]*")


def format_head(fields: Mapping[str, Value]) -> str:
    r"""Return the head of a page.

    A text is always in double quotes and on one line: what does not print is escaped first, and backslashes and quotes
    after that. So it is never a number, a date, a tag or the end of the head, whatever it holds.

    Args:
        fields: Names, which are the program's own, and values, which may be anybody's.

    Returns:
        Lines from "---" to "---".

    Raises:
        ValueError: For a number that is not finite, which YAML writes in several ways.

    Example:
        >>> print(format_head({"license": 'a "b"\n---', "tags": ["gan"], "n": 1e-07}))
        ---
        license: "a \"b\"\\n---"
        tags:
          - "gan"
        n: 1.0e-07
        ---
    """
    return "\n".join(["---", *_mapping_lines(fields), "---"])


def _mapping_lines(fields: Mapping[str, Value]) -> list[str]:
    lines: list[str] = []
    for name, value in fields.items():
        assert KEY.fullmatch(name), name
        if isinstance(value, str | int | float):
            lines.append(f"{name}: {_scalar(value)}")
        elif isinstance(value, Mapping):
            lines += [f"{name}:", *(f"  {line}" for line in _mapping_lines(value))]
        else:
            lines += [f"{name}:", *(f"  {line}" for line in _list_lines(value))]
    return lines


def _list_lines(values: Sequence[Value]) -> list[str]:
    lines: list[str] = []
    for value in values:
        inner = _mapping_lines(value) if isinstance(value, Mapping) else [_scalar(value)]
        lines += [f"{'  ' if number else '- '}{line}" for number, line in enumerate(inner)]
    return lines


def _scalar(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} is not finite")
        mantissa, e, exponent = repr(value).partition("e")  # YAML 1.1 reads 1e-07 as a text, and 1.0e-07 as a number
        return f"{mantissa if '.' in mantissa else f'{mantissa}.0'}{e}{exponent}"
    assert isinstance(value, str)
    shown = escape(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{shown}"'
