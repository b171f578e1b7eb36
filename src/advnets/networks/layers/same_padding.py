"""Convolutions with the padding that TensorFlow calls SAME, which puts an odd zero at the end and not at the beginning.

A stride of s takes n pixels to ceil(n / s); the zeros around them are max((ceil(n / s) - 1) s + k - n, 0), half of them
before, rounded down. A kernel of 5 with stride 2 has 1 before and 2 behind an even number of pixels. torch pads both
ends alike, which is another network with as many parameters.
"""

import math

from torch import nn

from advnets.networks.layers.twice_differentiable import Conv2d

Sides = tuple[int, int]
"""Height and width."""


def same_convolution(maps: Sides, sides: Sides, *, kernel: int = 5, stride: int = 2) -> list[nn.Module]:
    """Return the layers of a convolution that is padded as SAME, with biases.

    Args:
        maps: Those read and those made.
        sides: Of the maps that are read.
        kernel: Side of the kernel.
        stride: Of both sides.

    Returns:
        Layers of (batch, maps[0], h, w) -> (batch, maps[1], ceil(h / stride), ceil(w / stride)).
    """
    (top, bottom), (left, right) = (_zeros(side, kernel, stride) for side in sides)
    if top == bottom == left == right:
        return [Conv2d(*maps, kernel, stride, top)]
    return [nn.ZeroPad2d((left, right, top, bottom)), Conv2d(*maps, kernel, stride)]


def same_transposed_convolution(maps: Sides, sides: Sides, *, kernel: int = 5, stride: int = 2) -> list[nn.Module]:
    """Return the layers of the transpose of `same_convolution`, with biases, cropped at the end where it makes more.

    Args:
        maps: Those read and those made.
        sides: Of the maps that are made; those read have ceil(side / stride).
        kernel: Side of the kernel.
        stride: Of both sides.

    Returns:
        Layers of (batch, maps[0], ceil(h / stride), ceil(w / stride)) -> (batch, maps[1], h, w).
    """
    before, after = _zeros(stride * math.ceil(sides[0] / stride), kernel, stride)
    crops = [after - before + stride * math.ceil(side / stride) - side for side in sides]
    crop = [nn.ZeroPad2d((0, -crops[1], 0, -crops[0]))] if any(crops) else []
    return [nn.ConvTranspose2d(*maps, kernel, stride, before), *crop]


def half_of(sides: Sides) -> Sides:
    """Return what a stride of 2 leaves of both sides, rounded up."""
    return math.ceil(sides[0] / 2), math.ceil(sides[1] / 2)


def _zeros(side: int, kernel: int, stride: int) -> Sides:
    """Zeros before and behind a side."""
    zeros = max((math.ceil(side / stride) - 1) * stride + kernel - side, 0)
    return zeros // 2, zeros - zeros // 2
