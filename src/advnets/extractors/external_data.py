"""The other files that an ONNX model keeps its tensors in: which they are, and what is in them.

A model is a message of Protocol Buffers: fields, each a number, a wire type and a value. A tensor whose values lie in
another file has entries of the field `external_data`; "location" is the file's path, relative to the model's folder
(ONNX, docs/ExternalData.md). Here only the fields that lead to tensors are followed, by the numbers in onnx.proto.
"""

import stat
from collections.abc import Iterator
from pathlib import Path

from advnets.errors import Missing, Unsupported

FIELDS: dict[str, dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "entry"},
}
"""By the kind of a message, the fields that lead to tensors, and what they hold."""

DEEPEST = 100
"""How deep messages may be nested, as Protocol Buffers have it."""


def external_names(content: bytes) -> list[str]:
    """Return the names of the files that a model keeps tensors in.

    Args:
        content: Bytes of the model.

    Returns:
        Their names, each once, in order.

    Raises:
        ValueError: If the bytes are no such message.
    """
    return list(dict.fromkeys(_locations(memoryview(content), "model", 0)))


def read_external(model: Path, name: str) -> bytes:
    """Return the bytes of a file that a model keeps tensors in.

    Args:
        model: Path of the model.
        name: Name of the file, as the model gives it.

    Returns:
        The bytes.

    Raises:
        Unsupported: If it lies outside of the model's folder, also by a link, or is no regular file.
        Missing: If it is not there, or cannot be read.
    """
    folder, found = model.parent, f"{model}: found tensors in the file {name!r}"
    try:
        path = (folder / name).resolve(strict=True)
        inside = not Path(name).is_absolute() and path.is_relative_to(folder.resolve())
        if not inside or not stat.S_ISREG(path.stat().st_mode):
            raise Unsupported(
                f"{found}, expected a regular file in {folder}, and no link that leaves it. Bring it there, or export "
                "the model as one file."
            )
        return path.read_bytes()
    except (OSError, ValueError) as error:
        if isinstance(error, Unsupported):
            raise
        reason = getattr(error, "strerror", None) or error
        raise Missing(f"{found}, which cannot be read ({reason}). Put it beside the model.") from error


def _locations(message: memoryview, kind: str, depth: int) -> Iterator[str]:
    if depth > DEEPEST:
        raise ValueError("nested too deep")
    for number, value in message_fields(message):
        inner = FIELDS[kind].get(number)
        if inner is None:
            continue
        if value is None:
            raise ValueError(f"field {number} of a {kind} is no message")
        if inner != "entry":
            yield from _locations(value, inner, depth + 1)
            continue
        pair = dict(message_fields(value))
        if bytes(pair.get(1) or b"") == b"location":
            yield bytes(pair.get(2) or b"").decode()


def message_fields(message: memoryview) -> Iterator[tuple[int, memoryview | None]]:
    """Read the fields of a message of Protocol Buffers.

    Args:
        message: Its bytes.

    Yields:
        Each field's number, and its bytes where it has a length.

    Raises:
        ValueError: If the bytes are no such message.
    """
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, wire = key >> 3, key & 7
        if wire == 2:
            length, at = _varint(message, at)
            yield number, message[at : at + length]
        elif wire in (1, 5):
            length = 8 if wire == 1 else 4
            yield number, None
        elif wire == 0:
            length, at = 0, _varint(message, at)[1]
            yield number, None
        else:
            raise ValueError(f"wire type {wire}")
        at += length
        if number == 0 or at > len(message):
            raise ValueError("a field that runs beyond its message")


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """The whole number at a place, and the place behind it."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            raise ValueError("a number that runs beyond its message")
        byte, at = message[at], at + 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise ValueError("a number of more than 64 bits")
