"""The peak signal-to-noise ratio of images and their targets."""

from torch import Tensor

from advnets.metrics.paired.images import expect_pairs
from advnets.statistics.arrays import Floats

ROUNDING = 1 / (12 * 255**2)
"""The mean squared error of rounding to one of 256 levels, in units of the range."""


def peak_ratios(made: Tensor, targets: Tensor) -> Floats:
    """Compute the peak signal-to-noise ratio of each image, in decibel; more is better.

        10 log10(1 / max(|y - x|^2 / (c h w), 1 / (12 255^2))),        pixels in [0, 1]

    The squared error counts as no less than that of rounding to 256 levels, so that an image that equals its target has
    58.9 dB and not infinitely many.

    Args:
        made: x, uint8 (n, c, h, w).
        targets: y, uint8 (n, c, h, w).

    Returns:
        (n,), each from 0 to 58.9.

    Raises:
        BadInput: For another type or shape.
    """
    x, y = expect_pairs(made, targets)
    squared = (y - x).square().flatten(1).mean(1)
    scores: Floats = (-10 * squared.clamp(min=ROUNDING).log10()).numpy()
    return scores
