"""Pairs of images, and the mean of a score of theirs."""

import math

import numpy as np
import torch
from torch import Tensor

from advnets.errors import BadInput
from advnets.statistics.arrays import Floats
from advnets.statistics.estimate import Estimate


def expect_pairs(made: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Return stored images and their targets as numbers in [0, 1].

    Args:
        made: uint8 (n, c, h, w), n of 1 or more.
        targets: The same shape.

    Returns:
        Both in float64.

    Raises:
        BadInput: For another type or shape, and for unlike numbers of images.
    """
    for name, images in (("made", made), ("targets", targets)):
        if images.dtype != torch.uint8 or images.ndim != 4 or len(images) < 1:
            raise BadInput(
                f"{name}: found {images.dtype} of shape {tuple(images.shape)}, expected uint8 images (n, c, h, w)"
            )
    if made.shape != targets.shape:
        found = f"{tuple(made.shape)} and targets of {tuple(targets.shape)}"
        raise BadInput(f"made: found images of shape {found}, expected a target of the same shape for each image")
    return made.double() / 255, targets.double() / 255


def mean_score(scores: Floats) -> Estimate:
    """Compute the mean of a score over images.

    Args:
        scores: One an image, (n,).

    Returns:
        The mean. Its error is the standard deviation over the square root of n: it covers the draw of the images, not
        that of the generator. With one image there is none. Its notes hold `n`.
    """
    n = len(scores)
    error = float(np.std(scores, ddof=1)) / math.sqrt(n) if n > 1 else None
    return Estimate(float(np.mean(scores)), error, notes={"n": n})
