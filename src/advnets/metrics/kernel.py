"""Kernel distances: the squared maximum mean discrepancy with the cubic kernel, which is KID on Inception features.

    MMD^2(P, Q) = E k(x, x') + E k(y, y') - 2 E k(x, y),   k(x, y) = (x.y / d + 1)^3

M. Binkowski, D. Sutherland, M. Arbel and A. Gretton, Demystifying MMD GANs, 2018, section 4 and appendix D;
A. Gretton et al., A kernel two-sample test, 2012, lemma 6. Unlike the estimate of the Frechet distance, its estimate
is unbiased, and it is below 0 half of the time where both sides are real. It is not to be confused with its root, the
MMD.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from advnets.errors import BadInput, NonFinite, unknown
from advnets.statistics.arrays import Array
from advnets.statistics.distances import flatten_pair
from advnets.statistics.estimate import Z95, Estimate, Note
from advnets.statistics.heavy_tails import are_too_heavy, mean_degrees, reach
from advnets.statistics.permutation import permutation_p_value, permuted_statistics

BLOCK = 2048
"""Rows and columns of kernel values that are in memory at once."""

MOST_TESTED = 1000
"""Most points of a side that the permutation test uses, for its whole Gram matrix is in memory."""

STATISTICS = ("unbiased", "biased", "u-statistic")
"""The three forms of the estimate, named as in torch-fidelity and the code of MMD GAN."""


@dataclass(frozen=True)
class Gram:
    """What the distance needs of one matrix of kernel values K (m, n), so that the matrix need not be stored.

    Attributes:
        rows: Sums of its rows, (m,).
        columns: Sums of its columns, (n,).
        squares: Sum of its squared entries.
        diagonal: Its diagonal, (min(m, n),).
    """

    rows: Tensor
    columns: Tensor
    squares: float
    diagonal: Tensor

    @staticmethod
    def of(x: Tensor, y: Tensor, block: int) -> "Gram":
        """Compute the kernel between two sets of points, in blocks.

        Args:
            x: Points, (m, d).
            y: Points, (n, d).
            block: Rows and columns of one block.

        Returns:
            The sums of the kernel matrix.
        """
        rows, columns = x.new_zeros(len(x)), x.new_zeros(len(y))
        squares = 0.0
        for i in range(0, len(x), block):
            for j in range(0, len(y), block):
                k = cubic_kernel(x[i : i + block], y[j : j + block])
                rows[i : i + block] += k.sum(1)
                columns[j : j + block] += k.sum(0)
                squares += float(k.square_().sum())
        both = min(len(x), len(y))
        diagonal = (x[:both] * y[:both]).sum(1).div_(x.shape[1]).add_(1).pow_(3)
        return Gram(rows, columns, squares, diagonal)

    def mean(self) -> float:
        """Average all entries.

        Returns:
            The mean of k(x_i, y_j) over all i and j.
        """
        return float(self.rows.sum()) / (len(self.rows) * len(self.columns))

    def mean_between(self) -> float:
        """Average the entries off the diagonal of a square matrix.

        Returns:
            The mean of k(x_i, x_j) over i != j.
        """
        n = len(self.rows)
        return float((self.rows - self.diagonal).sum()) / (n * (n - 1))

    def variance_between(self) -> float:
        """Estimate E[h^2] between different points, for a square matrix.

        h(x, x') is the doubly centred kernel, Hoeffding's second projection.

        Returns:
            The estimate, 0 or more.
        """
        n = len(self.rows)
        means, mean = (self.rows - self.diagonal) / (n - 1), self.mean_between()
        total = (self.squares - float(self.diagonal.square().sum())) / (n * (n - 1))
        return max(total - 2 * float(means.square().mean()) + mean**2, 0.0)

    def variance_across(self) -> float:
        """Estimate E[h^2] between the points of two samples, h being the doubly centred kernel.

        Returns:
            The estimate, 0 or more.
        """
        m, n = len(self.rows), len(self.columns)
        by_row, by_column = float((self.rows / n).square().mean()), float((self.columns / m).square().mean())
        return max(self.squares / (m * n) - by_row - by_column + self.mean() ** 2, 0.0)


def cubic_kernel(x: Tensor, y: Tensor) -> Tensor:
    """Compute the cubic kernel k(x_i, y_j) = (x_i.y_j / d + 1)^3.

    Args:
        x: Points, (m, d).
        y: Points, (n, d).

    Returns:
        The kernel values, (m, n).
    """
    return (x @ y.T).div_(x.shape[1]).add_(1).pow_(3)


def kernel_distance(samples: Array, real: Array, *, block: int = BLOCK, statistic: str = "unbiased") -> Estimate:
    """Estimate the squared maximum mean discrepancy of all samples and all real points, with the cubic kernel.

        mean_(i != i') k(x_i, x_i') + mean_(j != j') k(y_j, y_j') - 2 mean_(i, j) k(x_i, y_j)

    A. Gretton et al., A kernel two-sample test, 2012, lemma 6, eq. 3. Every pair is used, so that nothing is drawn. It
    is computed in float64. Samples that copy real points of this very set are not independent of them, and bring the
    value below 0.

    The error is that of the unbiased form, over the draws of samples and of real points, by Hoeffding's decomposition:

        4 Var a(x) / m + 4 Var b(y) / n + 2 E h_xx^2 / (m (m - 1)) + 2 E h_yy^2 / (n (n - 1)) + 4 E h_xy^2 / (m n)

    where a(x) = E k(x, x') - E k(x, y), b likewise, and h is k centred twice. Near 0, where a = b = 0, only the last
    three terms remain (D. Sutherland et al., Generative models and model criticism via optimized MMD, 2017, have them
    for m = n). The plain variance of the means of rows counts these terms twice, which is taken off.

    Args:
        samples: Features x of samples, (m, ...), of 3 rows or more.
        real: Features y of real points, (n, ...), of 3 rows or more, in the same unit.
        block: Rows of one product; it changes the speed, not the result.
        statistic: A name of `STATISTICS`. "biased" includes i = i' (eq. 5), and its bias is given. "u-statistic" leaves
            out the pairs (x_i, y_i) of two samples of one size, and depends on their order.

    Returns:
        The squared distance. Its interval is a score interval, `score_interval`, not value +- 1.96 error; it contained
        the truth in 92 to 98 % of the draws of nine settings (benchmarks/calibration_kernel.py). In place of 1.96 it
        has Student's t, by the degrees of freedom that heavy tails leave, `mean_degrees`. Where tails are heavier
        (`are_too_heavy`), error and interval are None and the note `heavy_tails` is set. Its floor is the mean for
        real samples: 0, or that of the biased form. Its notes hold `m`, `n`, `statistic` and `first_order`, the share
        of the variance that the first two terms have.

    Raises:
        BadInput: If a shape, a value or the name is wrong, or there are too few rows.
        NonFinite: If k overflows.
    """
    if statistic not in STATISTICS:
        raise unknown("kernel statistic", statistic, STATISTICS)
    x, y = _pair_in_float64(samples, real, least=3)
    m, n = len(x), len(y)
    if statistic == "u-statistic" and m != n:
        raise BadInput(f"u-statistic: found {m} and {n} rows, expected equally many for it. Draw equally many.")
    xx, yy, xy = Gram.of(x, x, block), Gram.of(y, y, block), Gram.of(x, y, block)
    values = _forms(xx, yy, xy)
    if not all(math.isfinite(value) for value in (*values.values(), xx.squares, yy.squares, xy.squares)):
        raise _overflow()
    spread = VarianceOrders.of(xx, yy, xy)
    error = math.sqrt(spread.first + spread.second)
    bias, floor = 0.0, 0.0
    if statistic == "biased":
        excess_x, excess_y = (float(g.diagonal.mean()) - g.mean_between() for g in (xx, yy))
        bias, floor = excess_x / m + excess_y / n, excess_y * (1 / m + 1 / n)
    share = spread.first / error**2 if error > 0 else 0.0
    notes: dict[str, Note] = {"m": m, "n": n, "statistic": statistic, "first_order": share}
    if spread.heavy:
        return Estimate(values[statistic], None, floor, notes | {"heavy_tails": True}, None, bias)
    ends = spread.interval(values)
    low, high = (end + values[statistic] - values["unbiased"] - bias for end in ends)
    return Estimate(values[statistic], error, floor, notes, (low, high), bias)


def _overflow() -> NonFinite:
    return NonFinite("kernel values: found NaN or Inf, expected finite numbers. Bring the features to a scale near 1.")


def _forms(xx: Gram, yy: Gram, xy: Gram) -> dict[str, float]:
    """The three forms of `STATISTICS`; the last is meant for samples of one size."""
    within, size = xx.mean_between() + yy.mean_between(), len(xy.diagonal)
    paired = (float(xy.rows.sum()) - float(xy.diagonal.sum())) / (size * (size - 1))
    return {
        "unbiased": within - 2 * xy.mean(),
        "biased": xx.mean() + yy.mean() - 2 * xy.mean(),
        "u-statistic": within - 2 * paired,
    }


@dataclass(frozen=True)
class VarianceOrders:
    """The variance of the unbiased form.

    Attributes:
        first: Its first order.
        second: Its second order, which alone remains where the distance is 0.
        plain: The variance of the means of rows, which has the second order twice more than the first.
        degrees: Its degrees of freedom.
        heavy: Whether tails are too heavy for it.
    """

    first: float
    second: float
    plain: float
    degrees: float
    heavy: bool

    @staticmethod
    def of(xx: Gram, yy: Gram, xy: Gram) -> "VarianceOrders":
        """Estimate it.

        Args:
            xx: Kernel values among samples.
            yy: Kernel values among real points.
            xy: Kernel values between them.

        Returns:
            The variance.
        """
        m, n = len(xy.rows), len(xy.columns)
        of_pairs = xx.variance_between() / (m * (m - 1)) + yy.variance_between() / (n * (n - 1))
        second = 2 * of_pairs + 4 * xy.variance_across() / (m * n)
        a = (xx.rows - xx.diagonal) / (m - 1) - xy.rows / n
        b = (yy.rows - yy.diagonal) / (n - 1) - xy.columns / m
        # Means of rows stand for expectations: their own variance adds 2 x second, whatever a and b are.
        plain = 4 * float(a.var()) / m + 4 * float(b.var()) / n
        return VarianceOrders(max(plain - 2 * second, 0.0), second, plain, mean_degrees(a, b), are_too_heavy(a, b))

    def interval(self, values: Mapping[str, float]) -> tuple[float, float]:
        """Compute the 95 % interval of the distance.

        Args:
            values: The estimates by the names of `STATISTICS`.

        Returns:
            Its ends.
        """
        slope = self.plain / values["biased"] if values["biased"] > 0 else 0.0
        z = reach(1.0, self.degrees)
        return score_interval(values["unbiased"], self.first, self.second, z, least_slope=slope)


def score_interval(
    value: float, first: float, second: float, z: float = Z95, *, least_slope: float = 0.0, steepest: float = 0.0
) -> tuple[float, float]:
    """Compute a 95 % interval of a squared distance: the t with |value - t| <= z sqrt(kappa t + second), z = 1.96.

    E. Wilson, Probable inference, the law of succession, and statistical inference, 1927, here for another variance:
    its first order grows with the distance t itself, from 0. So the second order alone, which is the variance at 0,
    decides whether 0 is inside. The first order, estimated on the same points, is large where the value is, and would
    include 0 too often. The slope is taken a little high,

        kappa = (first + second / 2) / (max(value, 0) + sqrt(second) / 2)

    because first and value are both uncertain, by about second and its root. The plain slope, first / value, is often
    too low near 0, where the value is of the size of its error, and then the upper end is too low as well. Of six such
    slopes this one's shares were nearest to 95 % in the worst case, in 1,000 draws of each of the 12 settings of
    benchmarks/calibration_kernel.py and benchmarks/calibration.py, with other seeds: 94.4 to 96.8 %. The plain slope's
    were 92.4 to 96.7 %, at worst with 6.1 % of truths above it.

    Args:
        value: Unbiased estimate of a squared distance.
        first: First order of its variance, Hoeffding's.
        second: Second order of its variance.
        z: Half the interval in standard errors, more than 1.96 where few large values decide the error.
        least_slope: Least kappa: the variance of means of rows over the biased square, of which neither is near 0. One
            direction alone of variance v has kappa = 4 v, and second = 2 v^2, of which the formula makes 1.4 v near 0.
        steepest: Slope of the variance above the value, at least, for the upper end: 4 times the largest variance of a
            direction. What the value lacks may lie along that one, even if the value has little of it.

    Returns:
        The ends of the interval.
    """
    low = max(value, 0.0)
    kappa = (first + second / 2) / (low + math.sqrt(second) / 2) if low + second > 0 else 0.0
    kappa = max(kappa, least_slope)
    middle, square = value + z**2 * kappa / 2, kappa * low + second + (z * kappa / 2) ** 2
    half = z * steepest / 2
    steep = value + z * half + z * math.sqrt(first + second + half**2)
    return middle - z * math.sqrt(square), max(middle + z * math.sqrt(square), steep if steepest > 0 else -math.inf)


def kernel_subsets(samples: Array, real: Array, *, subsets: int = 100, size: int = 1000, seed: int = 2020) -> Estimate:
    """Average the unbiased kernel distances of random subsets, the number that papers print as KID.

    The subsets are drawn as torch-fidelity draws them, by numpy's RandomState(seed): for each subset first rows of
    samples, then of real, without replacement. M. Binkowski et al., 2018, appendix D, has 100 subsets of 1,000. The
    distances are computed in float64, whatever the type of the features. `kernel_distance` needs no subsets, does not
    depend on a draw, and has an error.

    Args:
        samples: Features x of samples, (m, ...), of `size` rows or more.
        real: Features y of real points, (n, ...), of `size` rows or more.
        subsets: Number of subsets, 1 or more.
        size: Rows of a subset, 2 or more.
        seed: Seed of the draws.

    Returns:
        The mean distance. Its floor is 0, and it has no error. Its notes hold `deviation`, the standard deviation over
        subsets that papers print after +-. The deviation is NOT a standard error: it describes one subset, the subsets
        overlap, and it does not shrink as m and n grow. Further notes are `subsets`, `size`, `seed`, `m` and `n`.

    Raises:
        BadInput: If a shape, a value or a number is wrong.
    """
    x, y = _pair_in_float64(samples, real, least=2)
    m, n = len(x), len(y)
    if not 2 <= size <= min(m, n):
        raise BadInput(f"size: found {size}, expected 2..{min(m, n)}, the rows there are. Change it, or draw more.")
    if subsets < 1:
        raise BadInput(f"subsets: found {subsets}, expected 1 or more. Leave it out for 100.")
    draw = np.random.RandomState(seed)
    values = []
    for _ in range(subsets):
        rows = [torch.from_numpy(draw.choice(count, size, replace=False)).to(x.device) for count in (m, n)]
        values.append(_unbiased_mmd(x[rows[0]], y[rows[1]]))
    notes: dict[str, Note] = {"deviation": float(np.std(values)), "subsets": subsets, "size": size, "seed": seed}
    return Estimate(float(np.mean(values)), floor=0.0, notes=notes | {"m": m, "n": n})


def _unbiased_mmd(x: Tensor, y: Tensor) -> float:
    within = [
        (float(k.sum()) - float(k.trace())) / (len(k) * (len(k) - 1)) for k in (cubic_kernel(x, x), cubic_kernel(y, y))
    ]
    return sum(within) - 2 * float(cubic_kernel(x, y).mean())


def kernel_test(
    samples: Array, real: Array, *, permutations: int = 999, seed: int = 0, most: int = MOST_TESTED
) -> Estimate:
    """Test by permutations of the unbiased kernel distance whether samples and real points have one distribution.

        p = (1 + #{permutations with a distance as large}) / (1 + permutations)

    A. Gretton et al., A kernel two-sample test, 2012. The test is one-sided, for large distances, and valid at every
    size. All distances come from one Gram matrix, by products with the permuted labels. The cubic kernel sees moments
    up to the third only, so that a large p-value does not show that two distributions are equal.

    Args:
        samples: Features x of samples, (m, ...), of 2 rows or more.
        real: Features y of real points, (n, ...), of 2 rows or more.
        permutations: Number of permutations, 19 or more.
        seed: Seed of the draws and of the permutations.
        most: Rows of a side that are used at most, 2 or more. Of more rows so many are drawn, without replacement.

    Returns:
        The distance of the rows that were used, with the p-value; `kernel_distance` uses all rows. Its floor is 0. Its
        notes hold `m` and `n` (as used), `permutations`, `seed`, and `null_95`, the distance that 95 % of permutations
        stay below.

    Raises:
        BadInput: If a shape, a value or a number is wrong.
        NonFinite: If k overflows.
    """
    x, y = _pair_in_float64(samples, real, least=2)
    rng = np.random.default_rng([seed, 1])
    if most < 2:
        raise BadInput(f"most: found {most}, expected 2 or more rows of a side. Leave it out for 1000.")
    x, y = (z[np.sort(rng.permutation(len(z))[:most])] if len(z) > most else z for z in (x, y))
    m, n = len(x), len(y)
    pooled = torch.cat([x, y])
    gram = cubic_kernel(pooled, pooled).fill_diagonal_(0)
    # A constant off the diagonal changes no distance; taken off, it leaves less to be rounded.
    gram = (gram - gram.sum() / (len(gram) * (len(gram) - 1))).fill_diagonal_(0)
    if not bool(torch.isfinite(gram).all()):
        raise _overflow()
    rows = gram.sum(1)

    def distances(labels: Tensor) -> Tensor:
        ones = labels.to(gram)
        inside, touching = ((gram @ ones) * ones).sum(0), rows @ ones
        outside, between = rows.sum() - 2 * touching + inside, touching - inside
        return inside / (m * (m - 1)) + outside / (n * (n - 1)) - 2 * between / (m * n)

    found = permuted_statistics(distances, m, n, permutations=permutations, seed=seed)
    notes: dict[str, Note] = {"m": m, "n": n, "permutations": permutations, "seed": seed}
    notes["null_95"] = float(found[1:].quantile(0.95))
    return Estimate(float(found[0]), floor=0.0, notes=notes, p_value=permutation_p_value(found))


def _pair_in_float64(samples: Array, real: Array, *, least: int) -> tuple[Tensor, Tensor]:
    """Both sides in float64, or BadInput."""
    x, y = flatten_pair(samples, real, "samples", "real", least=least)
    return x.double(), y.double()
