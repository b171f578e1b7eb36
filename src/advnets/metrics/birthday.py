"""How often two samples are one: near-duplicates among them, and the size of the support that they tell of.

Two samples collide if they lie within a threshold that few real items have another within: a low quantile of the
distances of real items to their nearest other one. It is taken from one half of the real items, drawn by the seed,
and the other half is what samples are held against, so that it favours neither.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import chi2
from torch import Tensor

from advnets.errors import BadInput
from advnets.statistics.arrays import Array
from advnets.statistics.ball_counts import count_in_balls
from advnets.statistics.distances import find_nearest_others, flatten_pair
from advnets.statistics.estimate import Estimate, Note


@dataclass(frozen=True)
class _Collisions:
    """Of n samples and n real items: how many others each collides with, in its own set and in both, (n,) int64."""

    among_samples: NDArray[np.int64]
    among_real: NDArray[np.int64]
    samples: NDArray[np.int64]
    real: NDArray[np.int64]
    threshold: float

    @property
    def notes(self) -> dict[str, Note]:
        """Sizes, and the pairs of real items that collide."""
        n = len(self.samples)
        return {"threshold": self.threshold, "n": n, "real pairs": int(self.among_real.sum()) // 2}


def duplicates(
    samples: Array, real: Array, *, quantile: float = 0.01, permutations: int = 999, seed: int = 0
) -> Estimate:
    """Pairs among n samples that are near-duplicates, against those among as many real items.

        sum_(i < j) 1[|y_i - y_j| <= threshold]

    samples: y, (m, ...); real: (N, ...), both bytes, or both floats of one scale; n = min(m, N / 2) of them are drawn.
    quantile: of real nearest distances, that is the threshold. permutations: of the test. seed: of draws and of these.
    The p-value is one-sided, of more pairs among samples: by permuting which of the 2 n points are samples. Pairs
    depend on one another, but the difference of both counts is that of the sums of what each point collides with, over
    2, so that these are permuted (M. Dwass, Modified randomization tests for nonparametric hypotheses, 1957), and it
    is valid at any size. Its error is the jackknife's over samples; the floor is the count among n real items.
    Notes: threshold, in the unit of features; n; real pairs; duplicated, samples with a duplicate; permutations.
    Raises BadInput for a bad shape, value or quantile, and for fewer than 3 samples or 6 real items.
    """
    if permutations < 1:
        raise BadInput(f"permutations: found {permutations}, expected 1 or more; 999 tell of p = .001. Change it.")
    found = _collisions(samples, real, quantile, seed)
    among, n = found.among_samples, len(found.samples)
    degrees, rng = np.concatenate([found.samples, found.real]), np.random.default_rng(seed)
    least = int(found.samples.sum())
    as_far = sum(int(rng.permutation(degrees)[:n].sum()) >= least for _ in range(permutations))
    # Without one sample, its pairs go, and the count is scaled to n samples again.
    spread = float(((among - among.mean()) ** 2).sum())
    error = n / (n - 2) * math.sqrt((n - 1) / n * spread)
    notes = found.notes | {"duplicated": int((among > 0).sum()), "permutations": permutations}
    p_value = (1 + as_far) / (1 + permutations)
    return Estimate(float(among.sum() // 2), error, float(found.among_real.sum() // 2), notes, p_value=p_value)


def birthday(samples: Array, real: Array, *, quantile: float = 0.01, seed: int = 0) -> Estimate:
    """How many equally likely samples would collide as often: 1 over the chance that two samples are near-duplicates.

        n (n - 1) / 2 / C,    C = sum_(i < j) 1[|y_i - y_j| <= threshold]

    S. Arora, A. Risteski and Y. Zhang, Do GANs learn the distribution? Some theory and empirics, 2018, section 4,
    without the human who looks at pairs. Where some samples are likelier than others, the support is larger: the
    value, 1 / sum_s p_s^2 for probabilities p_s, is a lower bound of it.
    samples, real, quantile, seed: as in `duplicates`.
    The interval is the exact Poisson one of C (F. Garwood, 1936): of the luck of samples alone, too narrow where many
    samples share a duplicate, and blind to the choice of the threshold, with which the value changes. Read it beside
    the floor, which is the value of as many real items.
    Without a collision the value is the largest support that 95 % of such draws would have shown one of, and has no
    interval: at least, with low, the lower end of one that has no upper. The floor is as lucky: floor_low and
    floor_high are its Poisson interval, without floor_high if no real items collide.
    Notes: collisions; at least, whether the value is so; floor at least; these ends; threshold, in the unit of
    features; n; real pairs. Raises BadInput as `duplicates` does.
    """
    found = _collisions(samples, real, quantile, seed)
    count, real_count = (int(among.sum()) // 2 for among in (found.among_samples, found.among_real))
    n = len(found.samples)
    pairs = n * (n - 1) / 2
    flags: dict[str, Note] = {"collisions": count, "at least": count == 0, "floor at least": real_count == 0}
    value, floor = (pairs / (c if c > 0 else -math.log(0.05)) for c in (count, real_count))
    low, flags["floor_low"] = (pairs / _poisson(c, 0.975) for c in (count, real_count))
    if real_count:
        flags["floor_high"] = pairs / _poisson(real_count, 0.025)
    if not count:
        return Estimate(value, None, floor, found.notes | flags | {"low": low})
    return Estimate(value, None, floor, found.notes | flags, (low, pairs / _poisson(count, 0.025)))


def _poisson(count: int, level: float) -> float:
    """The end at that level of Garwood's interval for the mean of a Poisson number; the lower one takes count > 0."""
    return float(chi2.ppf(level, 2 * count + (2 if level > 0.5 else 0)) / 2)


def _collisions(samples: Array, real: Array, quantile: float, seed: int) -> _Collisions:
    if not 0 < quantile < 1:
        raise BadInput(f"quantile: found {quantile}, expected more than 0 and less than 1. Change it.")
    y, x = flatten_pair(samples, real, "samples", "real")
    n = min(len(y), len(x) // 2)
    if n < 3:
        found = f"{len(y)} samples and {len(x)} real items"
        raise BadInput(f"samples and real: found {found}, expected 3 and 6 at least. Give more.")
    rng = torch.Generator().manual_seed(seed)
    drawn, halves = (torch.randperm(len(v), generator=rng).to(v.device) for v in (y, x))
    y, x, reference = y[drawn[:n]], x[halves[:n]], x[halves[n : 2 * n]]
    usual = find_nearest_others(reference, 1)[1][:, 0].sort().values
    squared = usual[math.ceil(quantile * n) - 1]
    among_y, among_x = _among(y, squared), _among(x, squared)
    across = count_in_balls(y, x, squared.expand(n), strict=False)[0]
    own, other = across.points_in_ball.cpu().numpy(), across.balls_with_point.cpu().numpy()
    return _Collisions(among_y, among_x, among_y + own, among_x + other, math.sqrt(float(squared)))


def _among(points: Tensor, squared: Tensor) -> NDArray[np.int64]:
    """How many others lie within the threshold of each point, (n,)."""
    held: NDArray[np.int64] = (
        count_in_balls(points, points, squared.expand(len(points)), strict=False)[0].points_in_ball.cpu().numpy()
    )
    return held - 1  # itself, at distance 0
