"""Kernel distances: the squared maximum mean discrepancy with the cubic kernel, known as KID on Inception features.

    MMD^2(P, Q) = E k(x, x') + E k(y, y') - 2 E k(x, y),   k(x, y) = (x.y / d + 1)^3

M. Binkowski, D. Sutherland, M. Arbel and A. Gretton, Demystifying MMD GANs, 2018, section 4 and appendix D;
A. Gretton et al., A kernel two-sample test, 2012, lemma 6. Unlike the Frechet distance its estimate is unbiased, and
below 0 half of the time where both sides are real. Not to be confused with its root, the MMD.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from advnets.errors import BadInput, NonFinite, unknown
from advnets.statistics.arrays import Array
from advnets.statistics.distances import flatten_pair
from advnets.statistics.estimate import Z95, Estimate, Note
from advnets.statistics.permutation import permutation_p_value, permuted_statistics

BLOCK = 2048
"""Rows and columns of kernel values held at once."""

MOST = 1000
"""Points of a side that the permutation test looks at: its Gram matrix is held as a whole."""

STATISTICS = ("unbiased", "biased", "u-statistic")
"""The names that torch-fidelity and the code of MMD GAN know these forms by."""


@dataclass(frozen=True)
class Gram:
    """What the distance needs of one matrix of kernel values K (m, n), so that it need not be held.

    rows, columns: its sums, (m,) and (n,); squares: the sum of its squared entries; diagonal: (min(m, n),).
    """

    rows: Tensor
    columns: Tensor
    squares: float
    diagonal: Tensor

    @staticmethod
    def of(x: Tensor, y: Tensor, block: int) -> "Gram":
        """Of the kernel between x (m, d) and y (n, d), in blocks."""
        rows, columns = x.new_zeros(len(x)), x.new_zeros(len(y))
        squares = 0.0
        for i in range(0, len(x), block):
            for j in range(0, len(y), block):
                k = kernel(x[i : i + block], y[j : j + block])
                rows[i : i + block] += k.sum(1)
                columns[j : j + block] += k.sum(0)
                squares += float(k.square_().sum())
        both = min(len(x), len(y))
        diagonal = (x[:both] * y[:both]).sum(1).div_(x.shape[1]).add_(1).pow_(3)
        return Gram(rows, columns, squares, diagonal)

    def mean(self) -> float:
        """Of all its entries."""
        return float(self.rows.sum()) / (len(self.rows) * len(self.columns))

    def mean_between(self) -> float:
        """Of those off the diagonal, as it is between different points: for a square one."""
        n = len(self.rows)
        return float((self.rows - self.diagonal).sum()) / (n * (n - 1))

    def variance_between(self) -> float:
        """E[h^2] of the doubly centred kernel h(x, x') between different points, for a square one: Hoeffding's second
        projection."""
        n = len(self.rows)
        means, mean = (self.rows - self.diagonal) / (n - 1), self.mean_between()
        total = (self.squares - float(self.diagonal.square().sum())) / (n * (n - 1))
        return max(total - 2 * float(means.square().mean()) + mean**2, 0.0)

    def variance_across(self) -> float:
        """The same between the points of two samples."""
        m, n = len(self.rows), len(self.columns)
        by_row, by_column = float((self.rows / n).square().mean()), float((self.columns / m).square().mean())
        return max(self.squares / (m * n) - by_row - by_column + self.mean() ** 2, 0.0)


def kernel(x: Tensor, y: Tensor) -> Tensor:
    """k(x_i, y_j) = (x_i.y_j / d + 1)^3, (m, n), of x (m, d) and y (n, d)."""
    return (x @ y.T).div_(x.shape[1]).add_(1).pow_(3)


def kernel_distance(samples: Array, real: Array, *, block: int = BLOCK, statistic: str = "unbiased") -> Estimate:
    """The squared maximum mean discrepancy of all samples and all real points, with the cubic kernel.

        mean_(i != i') k(x_i, x_i') + mean_(j != j') k(y_j, y_j') - 2 mean_(i, j) k(x_i, y_j)

    A. Gretton et al., A kernel two-sample test, 2012, lemma 6, eq. 3. Every pair is used, so that nothing is drawn.
    Samples that copy real points of this very set are not independent of them, and bring it below 0.
    samples: x, (m, ...) features; real: y, (n, ...), both with 3 or more rows, in one unit. block: rows of one
    product; changes the speed, not the result. statistic: a name of STATISTICS. "biased" keeps i = i' (eq. 5), and its
    bias is given; "u-statistic" leaves out the pairs (x_i, y_i) of two samples of one size, and depends on their order.
    Its error is that of the unbiased form, over the draws of samples and of real points, by Hoeffding's decomposition,

        4 Var a(x) / m + 4 Var b(y) / n + 2 E h_xx^2 / (m (m - 1)) + 2 E h_yy^2 / (n (n - 1)) + 4 E h_xy^2 / (m n)

    where a(x) = E k(x, x') - E k(x, y), b likewise, and h is k centred twice. The last three terms are all there is
    near 0, where a = b = 0 (D. Sutherland et al., Generative models and model criticism via optimized MMD, 2017, have
    them for m = n). The plain variance of the means of rows counts them twice; that is taken off. The interval is a
    score interval, `score_interval`, not value +- 1.96 error; it held the truth in 92 to 98 % of draws of nine settings
    (benchmarks/calibration_kernel.py). In float64. The floor is the mean for real samples: 0, or the biased form's.
    Notes: m, n, statistic, first_order (the share of the variance that the first two terms have).
    Raises BadInput for a bad shape, value or name, and for too few rows; NonFinite if k overflows.
    """
    if statistic not in STATISTICS:
        raise unknown("kernel statistic", statistic, STATISTICS)
    x, y = _pair(samples, real, least=3)
    m, n = len(x), len(y)
    if statistic == "u-statistic" and m != n:
        raise BadInput(f"samples and real: found {m} and {n} rows, expected as many for the u-statistic. Draw as many.")
    xx, yy, xy = Gram.of(x, x, block), Gram.of(y, y, block), Gram.of(x, y, block)
    values = _values(xx, yy, xy)
    if not all(math.isfinite(value) for value in (*values.values(), xx.squares, yy.squares, xy.squares)):
        raise NonFinite(
            "kernel values: found NaN or Inf, expected finite numbers. Bring the features to a scale near 1."
        )
    first, second = _variances(xx, yy, xy)
    error = math.sqrt(first + second)
    bias, floor = 0.0, 0.0
    if statistic == "biased":
        excess_x, excess_y = (float(g.diagonal.mean()) - g.mean_between() for g in (xx, yy))
        bias, floor = excess_x / m + excess_y / n, excess_y * (1 / m + 1 / n)
    share = first / (first + second) if error > 0 else 0.0
    notes: dict[str, Note] = {"m": m, "n": n, "statistic": statistic, "first_order": share}
    low, high = (
        end + values[statistic] - values["unbiased"] - bias for end in score_interval(values["unbiased"], first, second)
    )
    return Estimate(values[statistic], error, floor, notes, (low, high), bias)


def _values(xx: Gram, yy: Gram, xy: Gram) -> dict[str, float]:
    """The three forms of STATISTICS; the last is meant for samples of one size."""
    within, size = xx.mean_between() + yy.mean_between(), len(xy.diagonal)
    paired = (float(xy.rows.sum()) - float(xy.diagonal.sum())) / (size * (size - 1))
    return {
        "unbiased": within - 2 * xy.mean(),
        "biased": xx.mean() + yy.mean() - 2 * xy.mean(),
        "u-statistic": within - 2 * paired,
    }


def _variances(xx: Gram, yy: Gram, xy: Gram) -> tuple[float, float]:
    """The two orders of the variance of the unbiased form; their sum is its variance."""
    m, n = len(xy.rows), len(xy.columns)
    of_pairs = xx.variance_between() / (m * (m - 1)) + yy.variance_between() / (n * (n - 1))
    second = 2 * of_pairs + 4 * xy.variance_across() / (m * n)
    a = (xx.rows - xx.diagonal) / (m - 1) - xy.rows / n
    b = (yy.rows - yy.diagonal) / (n - 1) - xy.columns / m
    # Means of rows stand for expectations: their own variance adds 2 x second, whatever a and b are.
    plain = 4 * float(a.var()) / m + 4 * float(b.var()) / n
    return max(plain - 2 * second, 0.0), second


def score_interval(value: float, first: float, second: float) -> tuple[float, float]:
    """The t with |value - t| <= 1.96 sqrt(kappa t + second): a 95 % interval of a squared distance.

    E. Wilson, Probable inference, the law of succession, and statistical inference, 1927, for another variance: the
    first order of this one grows with the distance t itself, from 0. Whether 0 is inside is then for the second order
    alone to say, which is the variance there; first, estimated on the same points, is large where value is, and would
    hold 0 too often. The slope is taken a little high,

        kappa = (first + second / 2) / (max(value, 0) + sqrt(second) / 2)

    for first and value are both uncertain, by about second and its root: the plain slope, first / value, is often too
    low near 0, where value is of the size of its error, and then the upper end is too. Of six such slopes this one's
    shares were nearest to 95 % in the worst case, in 1,000 draws of each of the 12 settings of
    benchmarks/calibration_kernel.py and benchmarks/calibration.py, with seeds of neither: 94.4 to 96.8 %. The plain
    slope's were 92.4 to 96.7 %, at worst with 6.1 % of truths above it.
    value: an unbiased estimate of a squared distance; first, second: the two orders of its variance, Hoeffding's.
    """
    low = max(value, 0.0)
    kappa = (first + second / 2) / (low + math.sqrt(second) / 2) if low + second > 0 else 0.0
    middle, square = value + Z95**2 * kappa / 2, kappa * low + second + (Z95 * kappa / 2) ** 2
    return middle - Z95 * math.sqrt(square), middle + Z95 * math.sqrt(square)


def kernel_subsets(samples: Array, real: Array, *, subsets: int = 100, size: int = 1000, seed: int = 2020) -> Estimate:
    """The mean of unbiased kernel distances of random subsets: the number that papers print as KID.

    Drawn as torch-fidelity draws: numpy's RandomState(seed), for each subset first rows of samples, then of real,
    without replacement (M. Binkowski et al., 2018, appendix D, has 100 subsets of 1,000). `kernel_distance` needs no
    subsets, no luck, and has an error.
    samples: x, (m, ...) features; real: y, (n, ...), both with `size` rows or more. Given in float64 whatever they are.
    Notes: deviation, the standard deviation (over `subsets`) that papers print after +-. It is NOT a standard error: it
    tells of one subset, the subsets overlap, and it does not shrink as m and n grow. Hence there is no error here.
    Further notes: subsets, size, seed, m, n. The floor is 0. Raises BadInput for a bad shape, value or count.
    """
    x, y = _pair(samples, real, least=2)
    m, n = len(x), len(y)
    if not 2 <= size <= min(m, n):
        raise BadInput(f"size: found {size}, expected 2..{min(m, n)}, the rows there are. Change it, or draw more.")
    if subsets < 1:
        raise BadInput(f"subsets: found {subsets}, expected 1 or more.")
    draw = np.random.RandomState(seed)
    values = []
    for _ in range(subsets):
        rows = [torch.from_numpy(draw.choice(count, size, replace=False)).to(x.device) for count in (m, n)]
        values.append(_unbiased_mmd(x[rows[0]], y[rows[1]]))
    notes: dict[str, Note] = {"deviation": float(np.std(values)), "subsets": subsets, "size": size, "seed": seed}
    return Estimate(float(np.mean(values)), floor=0.0, notes=notes | {"m": m, "n": n})


def _unbiased_mmd(x: Tensor, y: Tensor) -> float:
    within = [(float(k.sum()) - float(k.trace())) / (len(k) * (len(k) - 1)) for k in (kernel(x, x), kernel(y, y))]
    return sum(within) - 2 * float(kernel(x, y).mean())


def kernel_test(samples: Array, real: Array, *, permutations: int = 999, seed: int = 0, most: int = MOST) -> Estimate:
    """Whether samples and real points are of one distribution: a permutation test of the unbiased kernel distance.

        p = (1 + #{permutations with a distance as large}) / (1 + permutations)

    A. Gretton et al., A kernel two-sample test, 2012; one-sided, for large distances, and valid at every size. All
    distances come from one Gram matrix, by products with the permuted labels. The cubic kernel sees moments up to the
    third only: a large p-value does not say that two distributions are one.
    samples: x, (m, ...) features; real: y, (n, ...), both with 2 or more rows. Of more than `most` rows, that many are
    drawn from each side by `seed`, without replacement.
    The value is the distance of what was drawn; `kernel_distance` uses all. The floor is 0. Notes: m, n (as used),
    permutations, null_95 (the distance that 95 % of permutations stay below), seed.
    Raises BadInput for a bad shape, value or count.
    """
    x, y = _pair(samples, real, least=2)
    rng = np.random.default_rng([seed, 1])
    if most < 2:
        raise BadInput(f"most: found {most}, expected 2 or more rows of a side.")
    x, y = (z[np.sort(rng.permutation(len(z))[:most])] if len(z) > most else z for z in (x, y))
    m, n = len(x), len(y)
    pooled = torch.cat([x, y])
    gram = kernel(pooled, pooled).fill_diagonal_(0)
    # A constant off the diagonal changes no distance; taken off, it leaves less to be rounded.
    gram = (gram - gram.sum() / (len(gram) * (len(gram) - 1))).fill_diagonal_(0)
    if not bool(torch.isfinite(gram).all()):
        raise NonFinite(
            "kernel values: found NaN or Inf, expected finite numbers. Bring the features to a scale near 1."
        )
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


def _pair(samples: Array, real: Array, *, least: int) -> tuple[Tensor, Tensor]:
    """Both sides in float64, or BadInput."""
    x, y = flatten_pair(samples, real, "samples", "real", least=least)
    return x.double(), y.double()
