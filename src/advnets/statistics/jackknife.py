"""The error of a difference of two sets of samples that are measured against the same real items."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import scipy
import torch
from torch import Tensor

from advnets.errors import BadInput, NonFinite
from advnets.statistics.arrays import Array, expect_same_width, flatten
from advnets.statistics.estimate import Estimate

BLOCKS = 20
"""Blocks that are left out, one at a time, of the samples and of the real items."""

Statistic = Callable[[Tensor, Tensor], float]
"""A function of samples (m, d) and real items (n, d)."""


@dataclass(frozen=True, eq=False)
class Jackknife:
    """A statistic T of samples and real items, and its values without a block of either, or of both.

    Attributes:
        values: T_jb, (1 + g, 1 + g) float64: without block j of the samples and block b of the real items, where 0
            leaves none out. T_00 is of all.
        m: Samples, in the blocks of `block_ranges`.
        n: Real items, in the blocks of `block_ranges`.

    Raises:
        NonFinite: If there is a NaN or an Inf, on which no difference may be built.
    """

    values: Tensor
    m: int
    n: int

    def __post_init__(self) -> None:
        if not bool(self.values.isfinite().all()):
            raise NonFinite(f"jackknife of {self.value}: found a NaN or an Inf without a block. Check the statistic.")

    @property
    def value(self) -> float:
        """T of all samples and real items."""
        return float(self.values[0, 0])

    @property
    def blocks(self) -> int:
        """The number of blocks, g."""
        return len(self.values) - 1

    def estimate(self) -> Estimate:
        """Return T with its error over samples and real items.

        Returns:
            T. The notes hold `degrees` (of Student's t), `m` and `n`.
        """
        variance, degrees = _variance(self)
        return Estimate(self.value, math.sqrt(variance), notes={"degrees": degrees, "m": self.m, "n": self.n})


def block_ranges(n: int, blocks: int = BLOCKS) -> list[tuple[int, int]]:
    """Split n items into consecutive blocks, as even as possible.

    Neighbouring items of a chain are alike; they stay within a block.

    Args:
        n: Items.
        blocks: Number of blocks, 2 .. n.

    Returns:
        (start, stop) of each block.

    Raises:
        BadInput: If there are fewer than two blocks, or fewer items than blocks.

    Example:
        >>> block_ranges(5, 2)
        [(0, 2), (2, 5)]
    """
    if not 2 <= blocks <= n:
        raise BadInput(f"blocks: found {blocks} of {n} items, expected 2 to {n}. Give more items, or ask for fewer.")
    edges = [block * n // blocks for block in range(blocks + 1)]
    return list(pairwise(edges))


def jackknife(
    statistic: Statistic, samples: Array, real: Array, *, blocks: int = BLOCKS, crossed: bool = True
) -> Jackknife:
    """Compute any statistic (1 + g)^2 times: of all, and without blocks of samples, of real items, of both.

    M. Quenouille, Notes on bias in estimation, 1956; J. Tukey, Bias and confidence in not-quite large samples, 1958.

    Args:
        statistic: T(samples, real).
        samples: (m, ...), in the order in which they were drawn, m >= g.
        real: (n, ...), in random order, so that blocks are alike, n >= g.
        blocks: g.
        crossed: Whether T is computed for every pair of blocks, as in `jackknife_values`.

    Returns:
        T and its values without blocks.

    Raises:
        BadInput: If a shape or a value is bad, or there are too few items.
        NonFinite: If T is not a finite number.
    """
    y, x = flatten(samples, "samples"), flatten(real, "real")
    expect_same_width(y, x, "samples and real")
    expect_enough(len(y), "samples", blocks)
    expect_enough(len(x), "real", blocks)
    of_y, of_x = _leave_out_blocks(y, blocks), _leave_out_blocks(x, blocks)
    return Jackknife(
        jackknife_values(lambda j, b: statistic(of_y[j], of_x[b]), blocks, crossed=crossed), len(y), len(x)
    )


def jackknife_values(statistic: Callable[[int, int], float], blocks: int, *, crossed: bool = True) -> Tensor:
    """Compute T_jb for all blocks j and b.

    Args:
        statistic: (j, b) -> T_jb, where 0 leaves no block out.
        blocks: g.
        crossed: Whether all (1 + g)^2 values are computed. If not, T_j0 + T_0b - T_00 stands where both blocks are left
            out. That takes 2 g + 1 values and makes the error of a difference too large, by up to 2^.5.

    Returns:
        The values, (1 + g, 1 + g) float64.
    """
    values = torch.zeros(1 + blocks, 1 + blocks, dtype=torch.float64)
    values[:, 0] = torch.tensor([statistic(j, 0) for j in range(1 + blocks)], dtype=torch.float64)
    values[0, 1:] = torch.tensor([statistic(0, b) for b in range(1, 1 + blocks)], dtype=torch.float64)
    for j in range(1, 1 + blocks):
        for b in range(1, 1 + blocks):
            values[j, b] = statistic(j, b) if crossed else values[j, 0] + values[0, b] - values[0, 0]
    return values


def expect_enough(n: int, name: str, fewest: int) -> None:
    """Raise BadInput unless there are enough items to leave out blocks of them.

    Args:
        n: Items found.
        name: What to call them in an error.
        fewest: Fewest items.

    Raises:
        BadInput: If n < fewest.
    """
    if n < fewest:
        raise BadInput(f"{name}: found {n}, expected {fewest} or more, so that blocks can be left out. Give more.")


def jackknife_difference(a: Jackknife, b: Jackknife) -> Estimate:
    """Estimate D = T_a - T_b of two sets of samples measured against the same real items, and test D = 0.

        error^2 = V_samples + V_real - V_both, and V_samples or V_real at least

    Each V is a delete-block jackknife's: V = mean_j (P_j - mean P)^2 / (h_j - 1), P_j = h_j D - (h_j - 1) D_j, h_j = n
    / n_j for blocks of n_j of n items (F. Busing, E. Meijer and R. van der Leeden, Delete-m jackknife for unequal m,
    1999). V_both is the part that depends on samples and real items together, which both others count (J. Cornfield and
    J. Tukey, Average values of mean squares in factorials, 1956). An effect of real items on both sides alike cancels.

    Block j of both sets of samples is left out at once, so the samples may be of the same noise. The error of a
    statistic that is not smooth, such as coverage, is too large rather than too small (B. Efron and C. Stein, 1981). D
    / error has nearly Student's t distribution, with F. Satterthwaite's degrees of freedom (1946).

    It is not to be confused with McNemar's test or a paired t over real items. These take the samples as given, and so
    call two sets of samples of one generator different.

    Args:
        a: T of the first set.
        b: T of the second set, with as many samples, real items and blocks.

    Returns:
        D with its error. The floor is 0. The notes hold `degrees`, `m` and `n`. The p-value is two-sided and at least
        2^(1 - g), the least that the signs of g blocks can show.

    Raises:
        BadInput: If the sizes differ.
    """
    sizes = [(each.m, each.n, each.blocks) for each in (a, b)]
    if sizes[0] != sizes[1]:
        found = " and ".join("{} samples, {} real items, {} blocks".format(*size) for size in sizes)
        raise BadInput(f"difference: found {found}, expected the same sizes. Measure both with the same numbers.")
    both = Jackknife(a.values - b.values, a.m, a.n)
    variance, degrees = _variance(both)
    error, value = math.sqrt(variance), both.value
    p_value = max(student_p_value(value, error, degrees), 2.0 ** (1 - a.blocks))
    return Estimate(value, error, 0.0, {"degrees": degrees, "m": a.m, "n": a.n}, p_value=p_value)


def _variance(t: Jackknife) -> tuple[float, float]:
    """Return the variance of T_00, and its degrees of freedom."""
    g = t.blocks
    samples, real = _block_variance(t.values[:, 0], t.m), _block_variance(t.values[0], t.n)
    # Of both, to the order of 1 / g as if blocks were even: (g - 1)^2 times the part that is not additive.
    rest = t.values[1:, 1:] - t.values[1:, 1:].mean(1, keepdim=True)
    rest = (g - 1) ** 2 * (rest - rest.mean(0))
    both = float(rest.square().sum()) / ((g - 1) * g) ** 2
    degrees = (samples + real) ** 2 / (samples**2 + real**2) * (g - 1) if samples + real > 0 else g - 1
    return max(samples + real - both, samples, real), float(degrees)


def _block_variance(values: Tensor, n: int) -> float:
    """Return the delete-block jackknife's variance, from the value of all and those without each block, (1 + g,)."""
    h = n / torch.tensor([stop - start for start, stop in block_ranges(n, len(values) - 1)], dtype=torch.float64)
    pseudo = h * values[0] - (h - 1) * values[1:]
    return float(((pseudo - pseudo.mean()).square() / (h - 1)).mean())


def _leave_out_blocks(items: Tensor, blocks: int) -> list[Tensor]:
    return [items, *(torch.cat([items[:start], items[stop:]]) for start, stop in block_ranges(len(items), blocks))]


def student_p_value(value: float, error: float, degrees: float) -> float:
    """Compute P(|t| >= |value| / error) for Student's t.

    Args:
        value: The difference.
        error: Its standard error, in the same unit.
        degrees: Degrees of freedom.

    Returns:
        The two-sided p-value: 1 for a value of 0, and 0 for another value without error.
    """
    if value == 0:
        return 1.0
    return 2 * float(scipy.special.stdtr(degrees, -abs(value) / error)) if error > 0 else 0.0


def smallest_difference(error: float, degrees: float, *, level: float = 0.05, power: float = 0.8) -> float:
    """Compute the least true difference that a two-sided t test finds with a given power.

    delta = error * nc, where a noncentral t of `degrees` and nc exceeds the critical value with probability `power`.

    Args:
        error: Standard error of the difference. That it is an estimate itself is left out.
        degrees: Degrees of freedom.
        level: Level of the test.
        power: Probability with which the difference is found.

    Returns:
        delta, in the error's unit.

    Example:
        >>> round(smallest_difference(1.0, 1e6), 3)  # 1.960 + 0.842
        2.802
    """
    critical = float(scipy.special.stdtrit(degrees, 1 - level / 2))
    return error * float(scipy.special.nctdtrinc(degrees, 1 - power, critical))
