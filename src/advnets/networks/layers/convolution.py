"""Convolutional layers of the 2014 nets: maxout over maps, and a bias for each pixel."""

import functools

import torch
from torch import Tensor, nn

from advnets.networks.layers.per_sample import samplewise


@samplewise
class MaxoutConv(nn.Module):
    """h_c = max_p (W_pc * x + b_pc), over `pieces` convolutions a map; one bias a convolution.

    Goodfellow et al. 2013, "Maxout Networks", section 2; pylearn2's MaxoutConvC01B with `tied_b`, without its pooling.
    All maps of the first piece come first, as in `Maxout`.

    Args:
        in_channels: Maps of x, (batch, in_channels, h, w).
        channels: Maps of the result, (batch, channels, h', w').
        pieces: Convolutions a map, 1 or more.
        kernel: Side of the square kernel, in pixels.
        padding: Width of the zeros around x, in pixels: h' = h + 2 padding - kernel + 1.
    """

    def __init__(self, in_channels: int, channels: int, pieces: int, *, kernel: int, padding: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(in_channels, channels * pieces, kernel, padding=padding)
        self.pieces = pieces

    def forward(self, x: Tensor) -> Tensor:
        """Take the largest of the pieces of each map.

        Args:
            x: (batch, in_channels, h, w).

        Returns:
            (batch, channels, h', w').
        """
        pieces: tuple[Tensor, ...] = self.convolution(x).chunk(self.pieces, dim=1)
        return functools.reduce(torch.maximum, pieces)


@samplewise
class UntiedBias(nn.Module):
    """x + b, one number for each place of each map, from 0: pylearn2's `tied_b: 0`.

    Not the bias of a convolution, which is one number a map.

    Args:
        shape: Shape of b, (c, h, w); x is (batch, c, h, w).
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(shape))

    def forward(self, x: Tensor) -> Tensor:
        """Add the bias to each sample.

        Args:
            x: (batch, c, h, w).

        Returns:
            x + b, of the same shape.
        """
        return x + self.bias
