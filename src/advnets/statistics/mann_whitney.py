"""The rank test of Mann and Whitney: whether the numbers of one group are smaller than those of another."""

import math

import numpy as np
import scipy

from advnets.statistics.arrays import Floats
from advnets.statistics.estimate import Estimate, Note

SIDES = ("less", "two-sided")


def chance_smaller(first: Floats, second: Floats) -> Estimate:
    """Estimate the chance that a number of the first group is below one of the second.

        A = P(a < b) + P(a = b) / 2 = 1/(m n) sum_ij (1[a_i < b_j] + 1/2 1[a_i = b_j]) = 1 - U / (m n)

    It is .5 if the groups are alike and 1 if all numbers of the first are smaller. H. Mann and D. Whitney, On a test of
    whether one of two random variables is stochastically larger than the other, 1947. The p-value is one-sided: the
    chance of so large an A if both groups are draws of one distribution. It is exact up to 8 numbers in a group without
    ties, else normal with the correction for ties and for continuity.

    The error is that of E. DeLong et al., Comparing the areas under two or more correlated receiver operating
    characteristic curves, 1988. It covers both groups, and is 0 if they do not overlap. The floor is .5.

    Args:
        first: a, (m,).
        second: b, (n,).

    Returns:
        A. The notes hold `p_two_sided`, `n`, `m`, and `ties`: the share of numbers that equal another one.
    """
    m, n = len(first), len(second)
    ranks = midranks(np.concatenate([first, second]))
    chance, error = chance_with_error(first, second)
    # 1/2 at once, for scipy divides by the deviation of ranks, which is 0 if all are equal.
    alike = ranks.min() == ranks.max()
    tails = [
        1.0 if alike else float(scipy.stats.mannwhitneyu(first, second, alternative=side).pvalue) for side in SIDES
    ]
    counts = np.unique(ranks, return_counts=True)[1]
    ties = float(counts[counts > 1].sum()) / (m + n)
    notes: dict[str, Note] = {"p_two_sided": tails[1], "n": n, "m": m, "ties": ties}
    return Estimate(chance, error, 0.5, notes, p_value=tails[0])


def chance_with_error(first: Floats, second: Floats) -> tuple[float, float]:
    """Estimate the same chance with its error, without a test, which takes far longer.

    Args:
        first: a, (m,).
        second: b, (n,).

    Returns:
        A, and its standard error after DeLong.
    """
    m, n = len(first), len(second)
    ranks = midranks(np.concatenate([first, second]))
    above = 1 - (ranks[:m] - midranks(first)) / n  # the share of b that is above each a, ties by half
    below = (ranks[m:] - midranks(second)) / m
    variance = sum(float(part.var(ddof=1)) / len(part) for part in (above, below) if len(part) > 1)
    return float(above.mean()), math.sqrt(variance)


def midranks(values: Floats) -> Floats:
    """Return the rank of each number, from 1; equal numbers share the mean of theirs.

    It loads no scipy, which takes half a second, so that a training can ask for ranks.

    Args:
        values: Floats, (n,).

    Returns:
        Ranks, (n,).
    """
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: Floats = (counts.cumsum() - (counts - 1) / 2)[places]
    return ranks


def rank_score(first: Floats, second: Floats) -> float:
    """Compute how far the first group lies above the second, in deviations that ranks have if the groups are alike.

        Z = (U - m n / 2 + 1/2) / sqrt(m n / 12 (m + n + 1 - sum_t (t^3 - t) / ((m + n) (m + n - 1))))

    t counts equal numbers. The term +1/2 is for continuity and makes a test of small Z conservative.

    Args:
        first: Floats, (m,).
        second: Floats, (n,).

    Returns:
        Z, or 0 if all numbers are equal.
    """
    m, n = len(first), len(second)
    pooled = np.concatenate([first, second])
    u = float(midranks(pooled)[:m].sum()) - m * (m + 1) / 2
    counts = np.unique(pooled, return_counts=True)[1].astype(float)
    ties = float((counts**3 - counts).sum()) / ((m + n) * (m + n - 1))
    variance = m * n / 12 * (m + n + 1 - ties)
    return (u - m * n / 2 + 0.5) / math.sqrt(variance) if variance > 0 else 0.0
