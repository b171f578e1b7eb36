"""How far samples lie from one another: nothing, where a generator has collapsed."""

import math

import torch

from advnets.errors import BadInput
from advnets.statistics.arrays import Array, flatten
from advnets.statistics.estimate import Estimate


def pairwise_distance(samples: Array) -> Estimate:
    """Mean distance of two samples, a U-statistic of order two.

        2 / (n (n - 1)) sum_(i < j) |x_i - x_j|

    Its error is twice the deviation, over sqrt(n), of each sample's mean distance from the others (W. Hoeffding, A
    class of statistics with asymptotically normal distribution, 1948). In the unit of the samples, in float64.
    samples: x, (n, ...) with n > 1, of one unit. Notes: n. Raises BadInput for a bad shape or value.
    """
    x = flatten(samples, "samples").double()
    n = len(x)
    if n < 2:
        raise BadInput(f"samples: found {n}, expected 2 or more, which have a distance. Draw more.")
    # Differences, not |x|^2 - 2 x.y + |y|^2, which cancels where samples have collapsed.
    distances = torch.cdist(x, x, compute_mode="donot_use_mm_for_euclid_dist")
    means = distances.sum(1) / (n - 1)
    return Estimate(float(means.mean()), 2 * float(means.std()) / math.sqrt(n), notes={"n": n})
