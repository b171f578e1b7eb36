"""Copies by direction: the cosine distance of samples to the nearest real point, the memorisation term of MiFID."""

import math

import torch
from torch import Tensor

from advnets.errors import BadInput
from advnets.metrics.vendi import unit_rows
from advnets.statistics.arrays import Array, expect_same_width, flatten
from advnets.statistics.estimate import Estimate, Note

BLOCK = 1024
"""Samples whose cosines are in memory at once."""


def mean_min_cosine(samples: Array, real: Array, *, block: int = BLOCK) -> Estimate:
    """Average over samples the cosine distance to the nearest real point.

        1/n sum_j min_i (1 - |y_j.x_i| / (|y_j| |x_i|))

    It is 0 if all samples are copies, up to scale and sign. C. Bai et al., On training sample memorization: lessons
    from benchmarking generative modeling with a large-scale competition, 2021, section 3.2. MiFID divides the Frechet
    distance by it where it is below .1. A line through the origin has two ends, so y and -y count as one. It is
    computed in float64.

    Args:
        samples: Features y_j of samples, (n, ...).
        real: Features x_i of real points, (m, ...), as a rule training points.
        block: Samples of one product; it changes the speed, not the result.

    Returns:
        The mean distance. Its error is sd / sqrt(n), over samples. Its floor is the mean over real points of the
        distance to the nearest other one: the value of a held-out real point, with m - 1 points for m. Copies among
        the real points lower the floor. Its notes hold `n`, `m`, and `zero_samples` and `zero_real`, the rows that are
        left out because they have no direction.

    Raises:
        BadInput: If a shape or a value is wrong, or all rows of a side are 0.
    """
    y, x = flatten(samples, "samples"), flatten(real, "real")
    expect_same_width(y, x, "samples and real")
    if block < 1:
        raise BadInput(f"block: found {block}, expected 1 or more. Leave it out.")
    y, zero_samples = unit_rows(y, "samples")
    x, zero_real = unit_rows(x.to(y.device), "real")
    nearest = torch.cat([_distances(part, x).amin(1) for part in torch.split(y, block)])
    error = float(nearest.std()) / math.sqrt(len(y)) if len(y) > 1 else None
    notes: dict[str, Note] = {"n": len(y), "m": len(x), "zero_samples": zero_samples, "zero_real": zero_real}
    return Estimate(float(nearest.mean()), error, _mean_between_real(x, block), notes)


def _distances(y: Tensor, x: Tensor) -> Tensor:
    """1 - |y.x| of unit rows, (b, m)."""
    return (1 - (y @ x.T).abs()).clamp_(min=0)


def _mean_between_real(x: Tensor, block: int) -> float | None:
    """Mean distance of real points to their nearest other one; None for a single point."""
    if len(x) < 2:
        return None
    found = []
    for start in range(0, len(x), block):
        part = _distances(x[start : start + block], x)
        rows = torch.arange(len(part))
        part[rows, start + rows] = math.inf
        found.append(part.amin(1))
    return float(torch.cat(found).mean())
