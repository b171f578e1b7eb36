"""The structural similarity of images and their targets."""

import torch
from torch import Tensor
from torch.nn.functional import conv2d

from advnets.errors import BadInput
from advnets.metrics.paired.images import expect_pairs
from advnets.statistics.arrays import Floats

SIDE, DEVIATION = 11, 1.5
"""Of the window, in pixels."""
K1, K2 = 0.01, 0.03
AT_ONCE = 64
"""Images whose moments are in memory at once."""


def structural_similarities(made: Tensor, targets: Tensor) -> Floats:
    """Compute the mean structural similarity of each image; more is better, and 1 is equality.

        (2 mx my + C1) (2 sxy + C2) / ((mx^2 + my^2 + C1) (sx^2 + sy^2 + C2)),    C = (K L)^2, K = .01 and .03, L = 1

    Z. Wang et al., Image quality assessment: from error visibility to structural similarity, 2004, equation 13. Moments
    are weighted by a Gaussian window of 11 x 11 pixels with a deviation of 1.5, at all places where it fits. The mean
    is over these and over channels: the paper has grey images alone.

    Args:
        made: x, uint8 (n, c, h, w), sides of 11 or more.
        targets: y, uint8 (n, c, h, w).

    Returns:
        (n,), each from -1 to 1.

    Raises:
        BadInput: For another type or shape, and for sides below 11.
    """
    x, y = expect_pairs(made, targets)
    if min(x.shape[2:]) < SIDE:
        raise BadInput(
            f"made: found images of {x.shape[2]} x {x.shape[3]}, expected sides of {SIDE} or more, its window"
        )
    pairs = zip(torch.split(x, AT_ONCE), torch.split(y, AT_ONCE), strict=True)
    scores: Floats = torch.cat([_similarities(one, other) for one, other in pairs]).numpy()
    return scores


def _similarities(x: Tensor, y: Tensor) -> Tensor:
    mx, my = _blur(x), _blur(y)
    sx, sy, sxy = _blur(x * x) - mx * mx, _blur(y * y) - my * my, _blur(x * y) - mx * my
    similar = (2 * mx * my + K1**2) * (2 * sxy + K2**2)
    return (similar / ((mx * mx + my * my + K1**2) * (sx + sy + K2**2))).flatten(1).mean(1)


def _blur(x: Tensor) -> Tensor:
    """The weighted mean in the window, as one product along each side."""
    places = torch.arange(SIDE, dtype=x.dtype) - SIDE // 2
    weights = torch.exp(-places.square() / (2 * DEVIATION**2))
    weights /= weights.sum()
    channels = x.shape[1]
    down = conv2d(x, weights.view(1, 1, -1, 1).expand(channels, 1, -1, 1), groups=channels)
    return conv2d(down, weights.view(1, 1, 1, -1).expand(channels, 1, 1, -1), groups=channels)
