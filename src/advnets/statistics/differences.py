"""Tests whether one mean is above another: of scores of the same items, and of independent ones, such as seeds."""

import math
from itertools import combinations

import numpy as np
import scipy
from torch import Tensor

from advnets.errors import BadInput
from advnets.statistics.arrays import Array, Floats
from advnets.statistics.estimate import Estimate, Note

PERMUTATIONS = 1999
"""Most rearrangements of a permutation test. If there are more, so many are drawn; else all are tried."""

AT_ONCE = 2**20
"""Signs that are in memory at once."""


def paired_difference(first: Array, second: Array, *, seed: int = 0) -> Estimate:
    """Estimate the mean difference of two scores of the same items, such as test images under two models.

        d = 1/n sum_i (a_i - b_i),    t = d / (sd / sqrt(n)), n - 1 degrees of freedom

    Student, The probable error of a mean, 1908. What the items share cancels, so that it finds smaller differences than
    `unpaired_difference`. The rows of both must be of the same items in the same order.

    The error is sd / sqrt(n), the interval is t's at 95 %, and the floor is 0. The two-sided p-value is t's, exact for
    normal differences. If all differences are one number, there is no sd, no error and no interval, and the p-value is
    the permutation test's.

    Args:
        first: Scores a, (n,), n > 1.
        second: Scores b, (n,).
        seed: Seed of the permutations, used where there are too many to try all.

    Returns:
        d, in the unit of the scores. The notes hold `p_permutation`, of flipped signs (R. Fisher, The design of
        experiments, 1935, section 21), valid if the differences are symmetric under the null hypothesis; `p_sign`, of
        how many are above 0 (J. Arbuthnot, 1710), valid without that too; `ties`, the number of differences of 0;
        `constant`, whether all are one number; and `n`.

    Raises:
        BadInput: If the shapes differ or are not (n,), n < 2, or there is a NaN or an Inf.
    """
    a, b = _as_scores(first, "first"), _as_scores(second, "second")
    if len(a) != len(b):
        found = f"{len(a)} and {len(b)} scores"
        raise BadInput(f"first and second: found {found}, expected as many of each. Score the same items.")
    d = a - b
    n, above, ties = len(d), int((d > 0).sum()), int((d == 0).sum())
    constant = _is_constant(d, float(max(abs(a).max(), abs(b).max())))
    flipped = _flip_p_value(d, seed)
    sign = float(scipy.stats.binomtest(above, n - ties).pvalue) if ties < n else 1.0
    notes: dict[str, Note] = {"p_permutation": flipped, "p_sign": sign, "ties": ties, "constant": constant, "n": n}
    error = None if constant else float(d.std(ddof=1)) / math.sqrt(n)
    p_value = flipped if constant else float(scipy.stats.ttest_1samp(d, 0).pvalue)
    return Estimate(
        float(d.mean()), error, 0.0, notes, _student_interval(float(d.mean()), error, n - 1), p_value=p_value
    )


def unpaired_difference(first: Array, second: Array, *, seed: int = 0) -> Estimate:
    """Estimate the difference of the means of two independent sets of scores, such as runs with other seeds.

        d = mean a - mean b,    t = d / sqrt(s_a^2 / n + s_b^2 / m), with Welch's degrees of freedom

    B. Welch, The generalization of "Student's" problem when several different population variances are involved, 1947:
    the variances may differ. Three seeds against three find differences of about three deviations and more.

    The error is the root above, the interval is Welch's at 95 %, and the floor is 0. The two-sided p-value is Welch's.
    If both sets are one number each, there is no error and no interval, and the p-value is the permutation test's. If
    one set is one number, it has no part in the error and the degrees, as a known mean has none.

    Args:
        first: Scores a, (n,), n > 1.
        second: Scores b, (m,), m > 1.
        seed: Seed of the permutations, used where there are too many to try all.

    Returns:
        d, in the unit of the scores. The notes hold `p_permutation`, of exchanged scores, whose least value is 2 over
        the number of ways to choose n of n + m (.1 for 3 and 3); `degrees`; `constant`, whether neither set has a
        deviation; `n` and `m`.

    Raises:
        BadInput: If a shape is not (n,), n or m < 2, or there is a NaN or an Inf.
    """
    a, b = _as_scores(first, "first"), _as_scores(second, "second")
    d = float(a.mean() - b.mean())
    # The variance of one number repeated is 0; its rounding error must not count.
    parts = [
        0.0 if _is_constant(side, float(abs(side).max())) else float(side.var(ddof=1)) / len(side) for side in (a, b)
    ]
    constant, exchanged = parts == [0, 0], _exchange_p_value(a, b, seed)
    error = None if constant else math.sqrt(sum(parts))
    lost = sum(part**2 / (len(side) - 1) for part, side in zip(parts, (a, b), strict=True))
    degrees = len(a) + len(b) - 2.0 if constant else sum(parts) ** 2 / lost
    p_value = exchanged if error is None else 2 * float(scipy.stats.t.sf(abs(d) / error, degrees))
    notes: dict[str, Note] = {"p_permutation": exchanged, "degrees": degrees, "constant": constant}
    notes |= {"n": len(a), "m": len(b)}
    return Estimate(d, error, 0.0, notes, _student_interval(d, error, degrees), p_value=p_value)


def _student_interval(mean: float, error: float | None, degrees: float) -> tuple[float, float] | None:
    """Return Student's interval at 95 %, or None without an error."""
    if error is None:
        return None
    reach = float(scipy.stats.t.ppf(0.975, degrees)) * error
    return mean - reach, mean + reach


def _flip_p_value(d: Floats, seed: int) -> float:
    """Return the two-sided p-value of a mean among those with flipped signs: all 2^n, or PERMUTATIONS drawn."""
    n = len(d)
    if 2**n <= PERMUTATIONS:
        signs = np.arange(2**n)[:, None] >> np.arange(n) & 1
        return _tail_share((2 * signs - 1) @ d, float(d.sum()), exact=True)
    rng, rows = np.random.default_rng(seed), max(1, AT_ONCE // n)
    parts = [min(rows, PERMUTATIONS - start) for start in range(0, PERMUTATIONS, rows)]
    sums = [(2 * rng.integers(0, 2, (part, n), dtype=np.int8) - 1) @ d for part in parts]
    return _tail_share(np.concatenate(sums), float(d.sum()), exact=False)


def _exchange_p_value(a: Floats, b: Floats, seed: int) -> float:
    """Return the two-sided p-value of a difference of means among all exchanges of scores, or PERMUTATIONS of them."""
    both, n = np.concatenate([a, b]), len(a)
    both = both - both.mean()  # the sum of the first n is then 0 on average, and far from it where the means differ
    found = float(both[:n].sum())
    if math.comb(len(both), n) <= PERMUTATIONS:
        chosen = np.array(list(combinations(range(len(both)), n)))
        return _tail_share(both[chosen].sum(1), found, exact=True)
    rng = np.random.default_rng(seed)
    sums = [float(rng.permutation(both)[:n].sum()) for _ in range(PERMUTATIONS)]
    return _tail_share(np.array(sums), found, exact=False)


def _tail_share(sums: Floats, found: float, *, exact: bool) -> float:
    """Return the share of sums as far from 0 as the one found, which counts as one of them if not all were tried."""
    far = int((abs(sums) >= abs(found) * (1 - 1e-10) - 1e-300).sum())
    return far / len(sums) if exact else (far + 1) / (len(sums) + 1)


def _is_constant(values: Floats, scale: float) -> bool:
    """Return whether all values are one number, up to the rounding of numbers of that scale."""
    return float(np.ptp(values)) <= 1e-14 * scale


def _as_scores(scores: Array, name: str) -> Floats:
    array = scores.detach().cpu().numpy() if isinstance(scores, Tensor) else np.asarray(scores)
    if array.ndim != 1 or len(array) < 2 or array.dtype.kind not in "fiu":
        found = f"{array.shape} of {array.dtype}"
        raise BadInput(f"{name}: found {found}, expected (n,) numbers, n > 1. Give one score an item, or more seeds.")
    if not bool(np.isfinite(array).all()):
        count = int((~np.isfinite(array)).sum())
        raise BadInput(f"{name}: found {count} values that are NaN or Inf, expected none. Check their source.")
    return array.astype(np.float64)
