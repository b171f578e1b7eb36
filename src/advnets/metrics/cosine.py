"""Copies by direction: how near samples lie to real points by cosine, the memorisation term of MiFID."""

import math

import torch
from torch import Tensor

from advnets.errors import BadInput
from advnets.metrics.vendi import directions
from advnets.statistics.arrays import Array, expect_same_width, flatten
from advnets.statistics.estimate import Estimate, Note

BLOCK = 1024
"""Samples whose cosines are held at once."""


def mean_min_cosine(samples: Array, real: Array, *, block: int = BLOCK) -> Estimate:
    """Mean over samples of the cosine distance to the nearest real point: 0 if all are copies, up to scale and sign.

        1/n sum_j min_i (1 - |y_j.x_i| / (|y_j| |x_i|))

    C. Bai et al., On training sample memorization: lessons from benchmarking generative modeling with a large-scale
    competition, 2021, section 3.2: MiFID divides the Frechet distance by it where it is below .1. A line through the
    origin has two ends: y and -y are one.
    samples: y_j, (n, ...) features; real: x_i, (m, ...), training points as a rule. block: samples of one product;
    changes the speed, not the result.
    Its error is sd / sqrt(n), over samples; the floor is the mean over real points of the distance to the nearest other
    one: what a real point held out would have, with m - 1 for m. Copies within real lower the floor.
    Notes: n, m, zero_samples and zero_real (rows without a direction, left out). In float64.
    Raises BadInput for a bad shape or value, and where all rows of a side are 0.
    """
    y, x = flatten(samples, "samples"), flatten(real, "real")
    expect_same_width(y, x, "samples and real")
    if block < 1:
        raise BadInput(f"block: found {block}, expected 1 or more. Leave it out.")
    y, zero_samples = directions(y, "samples")
    x, zero_real = directions(x.to(y.device), "real")
    nearest = torch.cat([_distances(part, x).amin(1) for part in torch.split(y, block)])
    error = float(nearest.std()) / math.sqrt(len(y)) if len(y) > 1 else None
    notes: dict[str, Note] = {"n": len(y), "m": len(x), "zero_samples": zero_samples, "zero_real": zero_real}
    return Estimate(float(nearest.mean()), error, _floor(x, block), notes)


def _distances(y: Tensor, x: Tensor) -> Tensor:
    """1 - |y.x| of unit rows, (b, m)."""
    return (1 - (y @ x.T).abs()).clamp_(min=0)


def _floor(x: Tensor, block: int) -> float | None:
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
