"""From 4 x 4 maps to images and back: how many times the sides are doubled, and what is cropped or padded."""

import math
from dataclasses import dataclass

from torch import nn

from advnets.errors import Unsupported
from advnets.networks.rows import Sizes

SMALLEST, LARGEST = 8, 256
"""The longer side of the images that convolutional nets are built for."""


@dataclass(frozen=True)
class Frame:
    """The maps between which a convolutional net doubles or halves its sides.

    The longer side starts at 4 and is doubled until it reaches the image's; the shorter side starts at as few pixels as
    reach it too. What is too much is cropped off the generator's images, and padded with zeros, mid-grey of images in
    [-1, 1], around those that the discriminator sees: 28 x 28 lies within 32 x 32, 64 x 48 begins with 4 x 3.

    Attributes:
        channels: c of the images.
        height: Height of the images, in pixels.
        width: Width of the images, in pixels.
        doublings: From the first maps to the frame, 1 or more.
        start: Height and width of the first maps.
    """

    channels: int
    height: int
    width: int
    doublings: int
    start: tuple[int, int]

    @staticmethod
    def of(sizes: Sizes, row: str, doublings: int | None = None) -> "Frame":
        """Return the frame of images of these sizes.

        Args:
            sizes: Of the data.
            row: The network, for the error.
            doublings: From the first maps to the frame; None for as many as let the longer side start at 4.

        Returns:
            The frame.

        Raises:
            Unsupported: For points, and for images whose longer side is below 8 or above 256.
        """
        channels, height, width = expect_sides(sizes, row)
        doublings = math.ceil(math.log2(max(height, width) / 4)) if doublings is None else doublings
        start = math.ceil(height / 2**doublings), math.ceil(width / 2**doublings)
        return Frame(channels, height, width, doublings, start)

    @property
    def margins(self) -> tuple[int, int, int, int]:
        """Left, right, top and bottom pixels that the frame has more than the image."""
        down, across = (
            side * 2**self.doublings - length
            for side, length in zip(self.start, (self.height, self.width), strict=True)
        )
        return across // 2, across - across // 2, down // 2, down - down // 2

    def crop(self) -> list[nn.Module]:
        """Return the layer that cuts the image out of the frame.

        Returns:
            The layer in a list; an empty list where the image fills the frame.
        """
        left, right, top, bottom = self.margins
        return [nn.ZeroPad2d((-left, -right, -top, -bottom))] if any(self.margins) else []

    def pad(self) -> list[nn.Module]:
        """Return the layer that puts zeros around the image, so that it fills the frame.

        Returns:
            The layer in a list; an empty list where the image fills the frame.
        """
        return [nn.ZeroPad2d(self.margins)] if any(self.margins) else []


def expect_sides(sizes: Sizes, row: str) -> tuple[int, int, int]:
    """Return channels, height and width of images that convolutional nets are built for.

    Args:
        sizes: Of the data.
        row: The network, for the error.

    Returns:
        (c, h, w).

    Raises:
        Unsupported: For points, and for images whose longer side is below 8 or above 256.
    """
    channels, height, width = sizes.expect_image(row)
    if not SMALLEST <= max(height, width) <= LARGEST:
        raise Unsupported(
            f"{row}: found images of {height} x {width}, expected a longer side from {SMALLEST} to {LARGEST}. Give "
            f"--image-size, such as 64, or take a dense recipe for less."
        )
    return channels, height, width
