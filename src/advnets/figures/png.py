"""Small images as PNG files, a block at a time."""

import io
import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIGNATURE = b"\x89PNG\r\n\x1a\n"
COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
"""PNG's number of grey, grey with alpha, RGB and RGBA, by channels."""
NO_FILTER, UP = 0, 2
"""Filters of a row: its bytes as they are, or what they add to those of the row above."""
LEVEL = 1
"""Level of deflate. Small images become hardly smaller at a higher one, and take longer."""


def encode_pngs(images: NDArray[np.uint8]) -> list[bytes]:
    """Encode images as PNG, without loss (ISO/IEC 15948).

    For images of some pixels a side, Pillow takes longer to begin and to end a file than to compress it. Here a block
    is filtered at once, and zlib compresses. Grey images are written unfiltered, and those in colour as differences of
    rows, which makes photos smaller and drawings larger.

    Args:
        images: (n, h, w, c) uint8 with c from 1 to 4; of two or four channels the last is alpha.

    Returns:
        The bytes of a file for each image.
    """
    n, height, width, channels = images.shape
    head = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, COLOUR_TYPES[channels], 0, 0, 0))
    rows = np.empty((n, height, 1 + width * channels), np.uint8)
    rows[:, :, 0] = NO_FILTER if channels == 1 else UP
    levels = images.reshape(n, height, width * channels)
    rows[:, :, 1:] = levels
    if channels > 1:
        rows[:, 1:, 1:] -= levels[:, :-1]
    begin, end = SIGNATURE + head, _chunk(b"IEND", b"")
    return [begin + _chunk(b"IDAT", zlib.compress(image.data, LEVEL)) + end for image in rows]


def encode_figure(figure: Any, dpi: int = 100) -> bytes:
    """Encode a figure of matplotlib as PNG, as a notebook shows it.

    Args:
        figure: The figure.
        dpi: Pixels an inch.

    Returns:
        The bytes of a file.
    """
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi)
    return buffer.getvalue()


def encode_picture(picture: Image.Image) -> bytes:
    """Encode a picture as PNG.

    Args:
        picture: The picture.

    Returns:
        The bytes of a file.
    """
    buffer = io.BytesIO()
    picture.save(buffer, "png")
    return buffer.getvalue()


def _chunk(kind: bytes, content: bytes) -> bytes:
    """A chunk of a PNG file: length, kind, content, and the checksum of both."""
    body = kind + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))
