"""JSON out of the server and into it: text that no page takes for a tag, and bodies of small depth."""

import json
import math
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from advnets.errors import BadInput
from advnets.runs.strict_json import parse_strict_json

MARKS = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}
"""Letters that begin a tag or an entity; as escapes they are the same JSON."""


def json_text(value: Any) -> str:
    r"""Return a value as JSON in ASCII, without the letters of which tags are made.

    Args:
        value: A value of JSON. Numbers that are not finite become texts ("nan", "inf"), which JSON can hold.

    Returns:
        The text.

    Example:
        >>> json_text({"name": "<script>"})
        '{"name": "\\u003cscript\\u003e"}'
    """
    text = json.dumps(_finite(value), allow_nan=False)
    for mark, escaped in MARKS.items():
        text = text.replace(mark, escaped)
    return text


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {str(name): _finite(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


def json_response(value: Any, status: int = 200) -> Response:
    """Return a response of JSON.

    Args:
        value: As in `json_text`.
        status: The status of HTTP.

    Returns:
        The response.
    """
    return Response(json_text(value), status, media_type="application/json")


async def read_json_body(request: Request) -> dict[str, Any]:
    """Return the JSON object that a request carries; the guard has bounded its length.

    Args:
        request: The request.

    Returns:
        The object, whose numbers are finite and whose keys are unique.

    Raises:
        BadInput: If it is not JSON, not an object, nested too deep or too long.
    """
    try:
        text = (await request.body()).decode()
    except UnicodeDecodeError as error:
        raise BadInput("the request is not UTF-8; expected a JSON object") from error
    return parse_strict_json(text, "the request")
