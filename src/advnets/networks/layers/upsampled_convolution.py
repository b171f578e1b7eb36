"""Convolutions of enlarged images, without enlarging them."""

import torch
from torch import Tensor, nn
from torch.nn.functional import conv_transpose2d, pad

from advnets.networks.layers.per_sample import samplewise


@samplewise
class UpsampledConv2d(nn.Conv2d):
    """A 3 x 3 convolution of an image enlarged twice by nearest neighbours, with 4 products in place of 9.

        conv(upsample(x), W) = conv_transpose(x, W * 1, stride 2),        (W * 1)_ij = sum_{a, b in {0, 1}} W_{i-a, j-b}

    Enlarging is a transposed convolution with a 2 x 2 kernel of ones and stride 2; following it by a 3 x 3 kernel makes
    one of 4 x 4. Each output pixel then reads 2 x 2 inputs, not 3 x 3 of which many are copies of each other. The same
    function and parameters as `nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(i, o, 3, padding=1))`; rounding
    differs. Its derivatives of all orders are torch's.

    Args:
        in_channels: Maps of x, (batch, in_channels, h, w).
        out_channels: Maps of the result, (batch, out_channels, 2 h, 2 w).
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve x as if it had been enlarged before.

        Args:
            x: (batch, in_channels, h, w).

        Returns:
            (batch, out_channels, 2 h, 2 w).
        """
        return conv_transpose2d(x, _spread(self.weight), self.bias, stride=2, padding=1)


def _spread(weight: Tensor) -> Tensor:
    """(out, in, 3, 3) -> (in, out, 4, 4): the kernel turned, as transposed convolutions have it, and summed with 1."""
    turned = pad(weight.flip(2, 3).transpose(0, 1), (1, 1, 1, 1))
    rows = turned[:, :, 1:] + turned[:, :, :-1]
    spread: Tensor = torch.add(rows[..., 1:], rows[..., :-1])
    return spread
