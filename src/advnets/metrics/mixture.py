"""Modes of a mixture of Gaussians whose centres are known: the ring of 8 and the grid of 25."""

import math

import numpy as np
import scipy
import torch
from torch import Tensor

from advnets.errors import BadInput
from advnets.statistics.arrays import Array, expect_same_width, flatten
from advnets.statistics.estimate import Estimate, Note
from advnets.statistics.mode_counts import expected_occupied, mode_divergence, occupied_modes

QUALITY_DEVIATIONS = 3.0
"""Deviations from a centre within which a point is of high quality."""

BLOCK = 2**20
"""Numbers of points x centres x axes that are in memory at once."""


def mixture_modes(points: Array, centres: Array, *, deviation: float) -> dict[str, Estimate]:
    """Measure how many modes have points of high quality, the share of such points, and how even the modes are.

    A point is of high quality within 3 deviations of its nearest centre. A mode counts if it has one such point.
    A. Srivastava et al., VEEGAN, 2017, section 4.1; Z. Lin et al., PacGAN, 2018, section 4.1: both draw 2,500 points.

    Args:
        points: Samples, (n, d).
        centres: Centres mu_k of the modes, (K, d), all different.
        deviation: Deviation sigma of every mode along every axis, above 0, in the unit of the points.

    Returns:
        Three estimates by name. "modes" is the number of modes; error, interval and floor are those of
        `occupied_modes`. "high_quality" is the share of points; its error is sqrt(p (1 - p) / n), its interval exact
        (C. Clopper and E. Pearson, 1934), and its floor P(chi^2_d <= 9), the share of the mixture itself: .989 in two
        dimensions. Its notes hold `n` and `overlap`, whether centres within 6 deviations of one another share points.
        "kl" is the divergence of the nearest centres of all points from even ones, in nats, as in PacGAN; error, bias
        and floor are those of `mode_divergence`.

    Raises:
        BadInput: If a shape or a value is wrong, two centres are equal, or the deviation is not above 0.
    """
    x, mu = flatten(points, "points").double(), flatten(centres, "centres").double()
    expect_same_width(x, mu, "points and centres")
    if not (math.isfinite(deviation) and deviation > 0):
        raise BadInput(f"deviation: found {deviation}, expected a number above 0. Give the deviation of the modes.")
    apart = float(torch.pdist(mu).min()) if len(mu) > 1 else math.inf
    if apart == 0:
        raise BadInput("centres: found two that are equal, expected all different. Give each mode once.")
    distance, mode = _nearest_centres(x, mu.to(x.device))
    good = distance <= QUALITY_DEVIATIONS * deviation
    inside = torch.bincount(mode[good], minlength=len(mu)).cpu().numpy()
    # A mode's share is its weight 1 / K times the share of high quality.
    quality = float(scipy.stats.chi2.cdf(QUALITY_DEVIATIONS**2, mu.shape[1]))
    modes = occupied_modes(inside, len(x), floor=expected_occupied(np.full(len(mu), quality / len(mu)), len(x)))
    kl = mode_divergence(torch.bincount(mode, minlength=len(mu)).cpu().numpy())
    share = _quality_share(int(good.sum()), len(x), quality, overlap=apart < 2 * QUALITY_DEVIATIONS * deviation)
    return {"modes": modes, "high_quality": share, "kl": kl}


def _quality_share(good: int, n: int, floor: float, *, overlap: bool) -> Estimate:
    """The share of points of high quality, with its exact interval."""
    p, ends = good / n, scipy.stats.binomtest(good, n).proportion_ci(0.95, "exact")
    notes: dict[str, Note] = {"n": n, "overlap": overlap}
    return Estimate(p, math.sqrt(p * (1 - p) / n), floor, notes, (float(ends.low), float(ends.high)))


def _nearest_centres(x: Tensor, mu: Tensor) -> tuple[Tensor, Tensor]:
    """Distance to the nearest centre, and which it is, both (n,); by differences: sigma is small beside mu."""
    parts = [(part[:, None] - mu).square().sum(2).min(1) for part in torch.split(x, max(1, BLOCK // mu.numel()))]
    return torch.cat([part.values for part in parts]).sqrt(), torch.cat([part.indices for part in parts])
