"""How sure a difference of two sets of samples is, when both are measured against the same real items."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
from scipy import special
from torch import Tensor

from advnets.errors import BadInput, NonFinite
from advnets.statistics.arrays import Array, expect_same_width, flatten
from advnets.statistics.estimate import Estimate

BLOCKS = 20
"""Blocks that are left out, one at a time, of the samples and of the real items."""

Statistic = Callable[[Tensor, Tensor], float]
"""Of samples (m, d) and real items (n, d)."""


@dataclass(frozen=True, eq=False)
class Jackknife:
    """A statistic T of samples and real items, and what it is without a block of either, or of both.

    values: T_jb, (1 + g, 1 + g) float64: without block j of the samples and block b of the real items, 0 being none;
    T_00 is of all. m, n: samples and real items; their blocks are those of `block_ranges`.
    Raises NonFinite for a NaN or an Inf, which no difference is to be built on.
    """

    values: Tensor
    m: int
    n: int

    def __post_init__(self) -> None:
        if not bool(self.values.isfinite().all()):
            raise NonFinite(f"jackknife of {self.value}: found a NaN or an Inf without some block, expected numbers.")

    @property
    def value(self) -> float:
        """T of all samples and real items."""
        return float(self.values[0, 0])

    @property
    def blocks(self) -> int:
        """g."""
        return len(self.values) - 1

    def estimate(self) -> Estimate:
        """T with its error over samples and real items. Notes: degrees (of Student's t), m, n."""
        variance, degrees = _variance(self)
        return Estimate(self.value, math.sqrt(variance), notes={"degrees": degrees, "m": self.m, "n": self.n})


def block_ranges(n: int, blocks: int = BLOCKS) -> list[tuple[int, int]]:
    """Consecutive blocks (start, stop) of n items, as even as may be: what chains remember stays within a block.

    Raises BadInput for less than two blocks, or less items than blocks.

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
    """Any statistic, computed (1 + g)^2 times: of all, and without blocks of samples, of real items, of both.

    M. Quenouille, Notes on bias in estimation, 1956; J. Tukey, Bias and confidence in not-quite large samples, 1958.
    statistic: T(samples, real). samples: (m, ...), in the order they were drawn; real: (n, ...), in random order, so
    that blocks are alike; m, n >= g. blocks: g. crossed: as `jackknife_values` has it.
    Raises BadInput for a bad shape or value or too few items, NonFinite if T is not a number.
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
    """T_jb for all j and b, (1 + g, 1 + g); unless crossed, T_j0 + T_0b - T_00 where both are left out.

    The latter is 2 g + 1 values in place of (1 + g)^2, and makes the error of a difference too large, by up to 2^.5.
    """
    values = torch.zeros(1 + blocks, 1 + blocks, dtype=torch.float64)
    values[:, 0] = torch.tensor([statistic(j, 0) for j in range(1 + blocks)], dtype=torch.float64)
    values[0, 1:] = torch.tensor([statistic(0, b) for b in range(1, 1 + blocks)], dtype=torch.float64)
    for j in range(1, 1 + blocks):
        for b in range(1, 1 + blocks):
            values[j, b] = statistic(j, b) if crossed else values[j, 0] + values[0, b] - values[0, 0]
    return values


def expect_enough(n: int, name: str, fewest: int) -> None:
    """Raise BadInput unless there are that many, to be left out block by block."""
    if n < fewest:
        raise BadInput(f"{name}: found {n}, expected {fewest} or more, to be left out block by block. Give more.")


def jackknife_difference(a: Jackknife, b: Jackknife) -> Estimate:
    """D = T_a - T_b of two sets of samples measured against the same real items, and the test of D = 0.

        error^2 = V_samples + V_real - V_both, and V_samples or V_real at least

    each a delete-block jackknife's: V = mean_j (P_j - mean P)^2 / (h_j - 1), P_j = h_j D - (h_j - 1) D_j, h_j = n / n_j
    for blocks of n_j of n items (F. Busing, E. Meijer and R. van der Leeden, Delete-m jackknife for unequal m, 1999).
    V_both is what depends on samples and real items together, which either of the others counts (J. Cornfield and
    J. Tukey, Average values of mean squares in factorials, 1956). What real items do to both sides alike falls out.
    Block j of both sets of samples is left out at once, so that samples by the same noises may be alike. The error of
    what is not smooth, such as coverage, is too large rather than too small (B. Efron and C. Stein, 1981).
    D / error has Student's t distribution, nearly, with F. Satterthwaite's degrees of freedom (1946).
    Not to be confused with McNemar's test or a paired t over real items: these take the samples as given, and so call
    two sets of samples of one generator different.
    a, b: of as many samples and real items each. The floor is 0. Notes: degrees, m, n. The p-value is two-sided and
    at least 2^(1 - g), the least that the signs of g blocks can show. Raises BadInput for unlike sizes.
    """
    sizes = [(each.m, each.n, each.blocks) for each in (a, b)]
    if sizes[0] != sizes[1]:
        told = " and ".join("{} samples, {} real items, {} blocks".format(*size) for size in sizes)
        raise BadInput(f"difference: found {told}, expected two alike. Measure both by as many.")
    found = Jackknife(a.values - b.values, a.m, a.n)
    variance, degrees = _variance(found)
    error, value = math.sqrt(variance), found.value
    p_value = max(student_p_value(value, error, degrees), 2.0 ** (1 - a.blocks))
    return Estimate(value, error, 0.0, {"degrees": degrees, "m": a.m, "n": a.n}, p_value=p_value)


def _variance(t: Jackknife) -> tuple[float, float]:
    """The variance of T_00, and its degrees of freedom."""
    g = t.blocks
    samples, real = _block_variance(t.values[:, 0], t.m), _block_variance(t.values[0], t.n)
    # Of both, to the order of 1 / g as if blocks were even: (g - 1)^2 times the part that is not additive.
    rest = t.values[1:, 1:] - t.values[1:, 1:].mean(1, keepdim=True)
    rest = (g - 1) ** 2 * (rest - rest.mean(0))
    both = float(rest.square().sum()) / ((g - 1) * g) ** 2
    degrees = (samples + real) ** 2 / (samples**2 + real**2) * (g - 1) if samples + real > 0 else g - 1
    return max(samples + real - both, samples, real), float(degrees)


def _block_variance(values: Tensor, n: int) -> float:
    """The delete-block jackknife's variance, of the value of all and those without each block, (1 + g,)."""
    h = n / torch.tensor([stop - start for start, stop in block_ranges(n, len(values) - 1)], dtype=torch.float64)
    pseudo = h * values[0] - (h - 1) * values[1:]
    return float(((pseudo - pseudo.mean()).square() / (h - 1)).mean())


def _leave_out_blocks(items: Tensor, blocks: int) -> list[Tensor]:
    return [items, *(torch.cat([items[:start], items[stop:]]) for start, stop in block_ranges(len(items), blocks))]


def student_p_value(value: float, error: float, degrees: float) -> float:
    """P(|t| >= |value| / error) for Student's t; 1 for a value of 0, and 0 for another without error."""
    if value == 0:
        return 1.0
    return 2 * float(special.stdtr(degrees, -abs(value) / error)) if error > 0 else 0.0


def smallest_difference(error: float, degrees: float, *, level: float = 0.05, power: float = 0.8) -> float:
    """The least true difference that a two-sided t test at that level finds with that probability, in the error's unit.

    delta = error * nc, where a noncentral t of `degrees` and nc exceeds the critical value with probability `power`.
    error: standard error of the difference; that it was itself estimated is left out.

    >>> round(smallest_difference(1.0, 1e6), 3)  # 1.960 + 0.842
    2.802
    """
    critical = float(special.stdtrit(degrees, 1 - level / 2))
    return error * float(special.nctdtrinc(degrees, 1 - power, critical))
