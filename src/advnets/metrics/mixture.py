"""Modes of a mixture of Gaussians whose centres are known: the ring of 8 and the grid of 25."""

import math

import numpy as np
import torch
from scipy.stats import binomtest, chi2
from torch import Tensor

from advnets.errors import BadInput
from advnets.statistics.arrays import Array, expect_same_width, flatten
from advnets.statistics.estimate import Estimate, Note
from advnets.statistics.mode_counts import expected_occupied, mode_divergence, occupied_modes

NEAR = 3.0
"""Deviations from a centre within which a point is of high quality."""

BLOCK = 2**20
"""Numbers of points x centres x axes held at once."""


def mixture_modes(points: Array, centres: Array, *, deviation: float) -> dict[str, Estimate]:
    """How many modes of a mixture have a point of high quality, how many points have it, and how even the modes are.

    A point is of high quality within 3 deviations of its nearest centre; a mode counts if it has one such point.
    A. Srivastava et al., VEEGAN, 2017, section 4.1; Z. Lin et al., PacGAN, 2018, section 4.1: both draw 2,500 points.
    points: samples, (n, d). centres: mu_k, (K, d), all different. deviation: sigma of every mode and axis, > 0, in the
    same unit.
    Gives three by name. "modes": their number; error, interval and floor as `occupied` has them.
    "high_quality": share of points; its error is sqrt(p (1 - p) / n), its interval exact (C. Clopper and E. Pearson,
    1934); the floor is P(chi^2_d <= 9), that of the mixture itself: .989 in two dimensions. "kl": divergence of the
    nearest centres of all points from even ones, as in PacGAN, nats; error, bias and floor as `mode_divergence` has
    them. Centres within 6 deviations of one another share points: notes overlap of "high_quality".
    Raises BadInput for a bad shape or value, for equal centres, and for a deviation that is not above 0.
    """
    x, mu = flatten(points, "points").double(), flatten(centres, "centres").double()
    expect_same_width(x, mu, "points and centres")
    if not (math.isfinite(deviation) and deviation > 0):
        raise BadInput(f"deviation: found {deviation}, expected a number above 0. Give that of every mode.")
    apart = float(torch.pdist(mu).min()) if len(mu) > 1 else math.inf
    if apart == 0:
        raise BadInput("centres: found two that are equal, expected all different. Give each mode once.")
    distance, mode = _nearest(x, mu.to(x.device))
    good = distance <= NEAR * deviation
    inside = torch.bincount(mode[good], minlength=len(mu)).cpu().numpy()
    # A mode's share is its weight 1 / K times the share of high quality.
    quality = float(chi2.cdf(NEAR**2, mu.shape[1]))
    modes = occupied_modes(inside, len(x), floor=expected_occupied(np.full(len(mu), quality / len(mu)), len(x)))
    kl = mode_divergence(torch.bincount(mode, minlength=len(mu)).cpu().numpy())
    share = _share(int(good.sum()), len(x), quality, overlap=apart < 2 * NEAR * deviation)
    return {"modes": modes, "high_quality": share, "kl": kl}


def _share(good: int, n: int, floor: float, *, overlap: bool) -> Estimate:
    """The share of points of high quality, with its exact interval."""
    p, ends = good / n, binomtest(good, n).proportion_ci(0.95, "exact")
    notes: dict[str, Note] = {"n": n, "overlap": overlap}
    return Estimate(p, math.sqrt(p * (1 - p) / n), floor, notes, (float(ends.low), float(ends.high)))


def _nearest(x: Tensor, mu: Tensor) -> tuple[Tensor, Tensor]:
    """Distance to the nearest centre, and which it is, both (n,); by differences: sigma is small beside mu."""
    parts = [(part[:, None] - mu).square().sum(2).min(1) for part in torch.split(x, max(1, BLOCK // mu.numel()))]
    return torch.cat([part.values for part in parts]).sqrt(), torch.cat([part.indices for part in parts])
