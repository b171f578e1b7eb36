"""The mean absolute difference of images from their targets."""

from torch import Tensor

from advnets.metrics.paired.images import expect_pairs
from advnets.statistics.arrays import Floats


def l1_distances(made: Tensor, targets: Tensor) -> Floats:
    """Compute the mean absolute difference of each image from its target; less is better.

        |y - x|_1 / (c h w),        pixels in [0, 1]

    It rewards the median of all targets that are possible, which is blurred. Not the tie `l1` of pix2pix, whose pixels
    are in [-1, 1] and whose numbers are twice as large.

    Args:
        made: x, uint8 (n, c, h, w).
        targets: y, uint8 (n, c, h, w).

    Returns:
        (n,), each from 0 to 1.

    Raises:
        BadInput: For another type or shape.
    """
    x, y = expect_pairs(made, targets)
    scores: Floats = (y - x).abs().flatten(1).mean(1).numpy()
    return scores
