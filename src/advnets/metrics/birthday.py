"""Near-duplicates among samples, and the size of the support that their number implies.

Two samples collide if they lie within a threshold of each other. The threshold is a low quantile of the distances
of real items to their nearest other real item. One half of the real items, drawn by the seed, sets the threshold.
The samples are compared with the other half, so that the threshold favours neither side.
"""

import math
from dataclasses import dataclass

import numpy as np
import scipy
import torch
from numpy.typing import NDArray
from torch import Tensor

from advnets.errors import BadInput
from advnets.statistics.arrays import Array
from advnets.statistics.ball_counts import count_in_balls
from advnets.statistics.distances import find_nearest_others, flatten_pair
from advnets.statistics.estimate import Estimate, Note


@dataclass(frozen=True)
class _Collisions:
    """How many others each of n samples and n real items collides with.

    `among_samples` and `among_real` count within the item's own set, `samples` and `real` in both sets, (n,) int64.
    """

    among_samples: NDArray[np.int64]
    among_real: NDArray[np.int64]
    samples: NDArray[np.int64]
    real: NDArray[np.int64]
    threshold: float

    @property
    def notes(self) -> dict[str, Note]:
        """Threshold, number of items of a side, and pairs of real items that collide."""
        n = len(self.samples)
        return {"threshold": self.threshold, "n": n, "real pairs": int(self.among_real.sum()) // 2}


def duplicates(
    samples: Array, real: Array, *, quantile: float = 0.01, permutations: int = 999, seed: int = 0
) -> Estimate:
    """Count the pairs of near-duplicates among samples, and test it against the count among as many real items.

        sum_(i < j) 1[|y_i - y_j| <= threshold]

    The p-value is one-sided, for more pairs among samples. The test permutes which of the 2 n points are samples.
    Pairs depend on one another, but the difference of the two counts is half of the difference between two sums, of
    what each sample and what each real item collides with. So these sums are permuted (M. Dwass, Modified
    randomization tests for nonparametric hypotheses, 1957), and the p-value is valid at any size.

    Args:
        samples: Samples y, (m, ...). n = min(m, N / 2) of them are drawn.
        real: Real items, (N, ...). Both sides hold bytes, or both hold floats of one scale.
        quantile: Quantile of real nearest distances that is the threshold, in (0, 1).
        permutations: Permutations of the test, 1 or more.
        seed: Seed of the draws and of the permutations.

    Returns:
        The number of pairs. Its error is the jackknife's over samples; its floor is the count among n real items.
        Its notes hold `threshold` in the unit of features, `n`, `real pairs`, `duplicated` (samples that have a
        duplicate) and `permutations`.

    Raises:
        BadInput: If a shape, a value or the quantile is wrong, or there are fewer than 3 samples or 6 real items.
    """
    if permutations < 1:
        raise BadInput(f"permutations: found {permutations}, expected 1 or more. Leave it out for 999.")
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
    """Estimate how many equally likely samples would collide as often as these do.

    It is 1 over the chance that two samples are near-duplicates:

        n (n - 1) / 2 / C,    C = sum_(i < j) 1[|y_i - y_j| <= threshold]

    S. Arora, A. Risteski and Y. Zhang, Do GANs learn the distribution? Some theory and empirics, 2018, section 4. No
    human looks at the pairs here. Where some samples are likelier than others, the support is larger: the value
    estimates 1 / sum_s p_s^2 for probabilities p_s, which is a lower bound of the support.

    The interval is the exact Poisson interval of C (F. Garwood, 1936). It covers the draw of samples alone. It is too
    narrow where many samples share a duplicate, and ignores that the value depends on the threshold. Read it beside
    the floor, which is the value of as many real items.

    Without a collision the value is the largest support for which 95 % of such draws would have shown a collision.
    It has no interval then; the note `low` gives the lower end, and there is no upper end.

    Args:
        samples: Samples, as in `duplicates`.
        real: Real items, as in `duplicates`.
        quantile: Quantile that is the threshold, as in `duplicates`.
        seed: Seed of the draws.

    Returns:
        The size of the support, without a standard error. Its notes hold `collisions`; `at least` and
        `floor at least`, whether the value and the floor are lower bounds for want of collisions; `floor_low` and
        `floor_high`, the floor's Poisson interval, without `floor_high` if no real items collide; `low`, where the
        value is a lower bound; `threshold` in the unit of features; `n`; `real pairs`.

    Raises:
        BadInput: As `duplicates` does.
    """
    found = _collisions(samples, real, quantile, seed)
    count, real_count = (int(among.sum()) // 2 for among in (found.among_samples, found.among_real))
    n = len(found.samples)
    pairs = n * (n - 1) / 2
    flags: dict[str, Note] = {"collisions": count, "at least": count == 0, "floor at least": real_count == 0}
    value, floor = (pairs / (c if c > 0 else -math.log(0.05)) for c in (count, real_count))
    low, flags["floor_low"] = (pairs / _poisson_bound(c, 0.975) for c in (count, real_count))
    if real_count:
        flags["floor_high"] = pairs / _poisson_bound(real_count, 0.025)
    if not count:
        return Estimate(value, None, floor, found.notes | flags | {"low": low})
    return Estimate(value, None, floor, found.notes | flags, (low, pairs / _poisson_bound(count, 0.025)))


def _poisson_bound(count: int, level: float) -> float:
    """The end at that level of Garwood's interval for the mean of a Poisson number; the lower one takes count > 0."""
    return float(scipy.stats.chi2.ppf(level, 2 * count + (2 if level > 0.5 else 0)) / 2)


def _collisions(samples: Array, real: Array, quantile: float, seed: int) -> _Collisions:
    if not 0 < quantile < 1:
        raise BadInput(f"quantile: found {quantile}, expected more than 0 and less than 1. Change it.")
    y, x = flatten_pair(samples, real, "samples", "real")
    n = min(len(y), len(x) // 2)
    if n < 3:
        found = f"{len(y)} samples and {len(x)} real items"
        raise BadInput(f"samples and real: found {found}, expected at least 3 and 6. Give more.")
    rng = torch.Generator().manual_seed(seed)
    drawn, halves = (torch.randperm(len(v), generator=rng).to(v.device) for v in (y, x))
    y, x, reference = y[drawn[:n]], x[halves[:n]], x[halves[n : 2 * n]]
    usual = find_nearest_others(reference, 1)[1][:, 0].sort().values
    squared = usual[math.ceil(quantile * n) - 1]
    among_y, among_x = _count_near(y, squared), _count_near(x, squared)
    across = count_in_balls(y, x, squared.expand(n), strict=False)[0]
    own, other = across.points_in_ball.cpu().numpy(), across.balls_with_point.cpu().numpy()
    return _Collisions(among_y, among_x, among_y + own, among_x + other, math.sqrt(float(squared)))


def _count_near(points: Tensor, squared: Tensor) -> NDArray[np.int64]:
    """How many others lie within the threshold of each point, (n,)."""
    held: NDArray[np.int64] = (
        count_in_balls(points, points, squared.expand(len(points)), strict=False)[0].points_in_ball.cpu().numpy()
    )
    return held - 1  # itself, at distance 0
