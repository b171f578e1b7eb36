"""A small ONNX model whose one weight lies in another file, written as bytes: no framework is needed to make it.

images (n, 1, 8, 8) -> Flatten -> Mul by W (64,), which lies in `location` -> y (n, 64)
"""

import numpy as np

FLOAT = 1
EXTERNAL = 1


def model(location: str) -> bytes:
    """The model, whose weight lies in a file of that name."""
    entries = [("location", location), ("offset", "0"), ("length", "256")]
    external = b"".join(field(13, field(1, key) + field(2, value)) for key, value in entries)
    weight = field(1, 64) + field(2, FLOAT) + field(8, "W") + external + field(14, EXTERNAL)
    flatten = field(1, "x") + field(2, "h") + field(4, "Flatten")
    product = field(1, "h") + field(1, "W") + field(2, "y") + field(4, "Mul")
    graph = field(1, flatten) + field(1, product) + field(2, "g") + field(5, weight)
    graph += field(11, value_info("x", ["n", 1, 8, 8])) + field(12, value_info("y", ["n", 64]))
    return field(1, 8) + field(7, graph) + field(8, field(1, "") + field(2, 17))


def weights(scale: float) -> bytes:
    """The content of the other file: every feature is a pixel times `scale`."""
    return (np.ones(64) * scale).astype("<f4").tobytes()


def field(number: int, data: int | str | bytes) -> bytes:
    """A field of Protocol Buffers: its number and type, and its value."""
    if isinstance(data, int):
        return varint(number << 3) + varint(data)
    content = data.encode() if isinstance(data, str) else data
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(value: int) -> bytes:
    """A whole number, seven bits a byte, the lowest first."""
    return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + varint(value >> 7)


def value_info(name: str, shape: list[int | str]) -> bytes:
    """Name, type and shape of an input or output."""
    sides = b"".join(field(1, field(1, side) if isinstance(side, int) else field(2, side)) for side in shape)
    return field(1, name) + field(2, field(1, field(1, FLOAT) + field(2, sides)))
