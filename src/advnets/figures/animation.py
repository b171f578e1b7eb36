"""Images one after the other, as an animated WebP."""

import math
from typing import IO

from PIL import Image

from advnets.figures.grid import ImageArray, enlarge_images, expect_image_array, remove_alpha

MILLISECONDS = 50
"""Time of a frame: 20 frames a second."""
SIDE = 128
"""Least of the longer side of a frame, in pixels."""


def write_animation(images: ImageArray, file: IO[bytes]) -> None:
    """Write images as the frames of an animated WebP, without loss, 20 a second; it plays for ever.

    Args:
        images: (n, h, w, c) uint8, n > 0; images of 2 or 4 channels have alpha and are drawn on white. Small ones are
            enlarged, each pixel as a square.
        file: The file, open for writing.

    Raises:
        BadInput: If the shape or the type is another.
    """
    images = remove_alpha(images)
    expect_image_array(images)
    scale = math.ceil(SIDE / max(images.shape[1:3]))
    frames = (
        Image.fromarray(one.squeeze(-1) if one.shape[-1] == 1 else one).convert("RGB")
        for image in images
        for one in enlarge_images(image[None], scale)
    )
    first = next(frames)
    first.save(file, "webp", save_all=True, append_images=frames, duration=MILLISECONDS, loop=0, lossless=True)
