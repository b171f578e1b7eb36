"""Images side by side, enlarged so that they can be seen."""

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from advnets.errors import BadInput

ImageArray = NDArray[np.uint8]

CELL = 48
"""Least side of a drawn image, in pixels."""

PAPER = 255
"""Grey of the space between images."""


def draw_grid(images: ImageArray, columns: int | None = None, scale: int | None = None, *, gap: int = 2) -> Image.Image:
    """Draw images in rows from the top left, each pixel as a square of scale x scale.

    Args:
        images: (n, h, w, c) uint8 with c = 1 or 3; images of 2 or 4 channels have alpha and are drawn on white.
        columns: Images in a row; None takes the square root of n, rounded up.
        scale: Pixels of a square's side; None takes the least that makes the longer side CELL pixels.
        gap: White pixels between and around images.

    Returns:
        The picture.

    Raises:
        BadInput: If the shape or the type is another, or a count is below 1.
    """
    images = remove_alpha(images)
    expect_image_array(images)
    columns = math.ceil(math.sqrt(len(images))) if columns is None else columns
    drawn = enlarge_images(images, scale)
    if columns < 1 or gap < 0:
        raise BadInput(f"columns and gap: found {columns} and {gap}, expected at least 1 and 0. Give larger ones.")
    rows, (height, width, channels) = math.ceil(len(drawn) / columns), drawn.shape[1:]
    size = (rows * (height + gap) + gap, columns * (width + gap) + gap, channels)
    canvas = np.full(size, PAPER, np.uint8)
    for number, image in enumerate(drawn):
        top, left = cell_corner(number, columns, (height, width), gap)
        canvas[top : top + height, left : left + width] = image
    return to_picture(canvas)


def cell_corner(number: int, columns: int, cell: tuple[int, int], gap: int) -> tuple[int, int]:
    """Compute where an image of a grid begins.

    Args:
        number: Number of the image, from 0.
        columns: Images in a row.
        cell: (height, width) of an image as drawn.
        gap: Pixels between images.

    Returns:
        Top and left, in pixels.
    """
    row, column = divmod(number, columns)
    return gap + row * (cell[0] + gap), gap + column * (cell[1] + gap)


def enlarge_images(images: ImageArray, scale: int | None = None) -> ImageArray:
    """Repeat each pixel scale x scale times.

    Args:
        images: (n, h, w, c).
        scale: Repetitions; None takes the least that makes the longer side CELL pixels.

    Returns:
        The images, (n, scale h, scale w, c).

    Raises:
        BadInput: If the scale is below 1.
    """
    scale = math.ceil(CELL / max(images.shape[1:3])) if scale is None else scale
    if scale < 1:
        raise BadInput(f"scale: found {scale}, expected a whole number from 1. Leave it out, and the package chooses.")
    return images.repeat(scale, axis=1).repeat(scale, axis=2)


def to_picture(canvas: ImageArray) -> Image.Image:
    """Return a canvas as a grey or an RGB picture.

    Args:
        canvas: (h, w, 1 or 3) uint8.

    Returns:
        The picture.
    """
    return Image.fromarray(canvas[..., 0] if canvas.shape[-1] == 1 else canvas)


def remove_alpha(images: ImageArray) -> ImageArray:
    """Draw images with alpha on white; return others as they are.

    Args:
        images: (n, h, w, c) uint8. Of two or four channels the last is alpha.

    Returns:
        The images without alpha.
    """
    if images.ndim != 4 or images.dtype != np.uint8 or images.shape[-1] not in (2, 4):
        return images
    share = images[..., -1:].astype(np.uint16)
    return ((images[..., :-1] * share + PAPER * (255 - share) + 127) // 255).astype(np.uint8)


def expect_image_array(images: ImageArray) -> None:
    """Raise BadInput unless images are (n, h, w, c) uint8 with n, h, w > 0 and c = 1 or 3.

    Args:
        images: The images.

    Raises:
        BadInput: If the shape or the type is another.
    """
    if images.ndim != 4 or images.dtype != np.uint8 or images.shape[-1] not in (1, 3) or images.size == 0:
        found = f"{images.shape} of {images.dtype}"
        raise BadInput(f"images: found {found}, expected (n, h, w, 1 or 3) of uint8. Put the channels last.")
