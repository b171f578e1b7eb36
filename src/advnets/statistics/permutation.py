"""Permutation tests of two samples: a statistic is compared with itself under permuted labels.

    p = (1 + #{b: T_b >= T}) / (1 + B)

The p-value is valid at every size, not only in the limit: under the null hypothesis T and the T_b are exchangeable, so
that P(p <= a) <= a. B. Phipson and G. Smyth, Permutation p-values should never be zero, 2010, eq. 2.
"""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from advnets.errors import BadInput

BATCH = 256
"""Permutations whose labels are in memory at once."""

SLACK = 1e-9
"""Two statistics this near each other, relative to the largest, count as equal, so that rounding does not decide."""


def permuted_labels(m: int, n: int, permutations: int, seed: int) -> Iterator[Tensor]:
    """Yield labels of m samples among m + n points: first as they are, then in random permutations.

    Args:
        m: Points of label 1.
        n: Points of label 0.
        permutations: Number of permutations, 19 or more: with fewer no p-value can reach .05.
        seed: Seed of the permutations.

    Yields:
        Labels, (m + n, b) float64 of 0 and 1 with m ones in each column; 1 + permutations columns in all.

    Raises:
        BadInput: If there are fewer than 19 permutations.
    """
    if permutations < 19:
        raise BadInput(f"permutations: found {permutations}, expected 19 or more, for else p > .05. Use more.")
    rng = np.random.default_rng(seed)
    labels = np.concatenate([np.ones(m), np.zeros(n)])
    yield torch.from_numpy(labels[:, None].copy())
    for start in range(0, permutations, BATCH):
        rows = np.tile(labels, (min(BATCH, permutations - start), 1))
        yield torch.from_numpy(np.ascontiguousarray(rng.permuted(rows, axis=1).T))


def permuted_statistics(
    statistics: Callable[[Tensor], Tensor], m: int, n: int, *, permutations: int, seed: int
) -> Tensor:
    """Compute a statistic of the labels as they are, then of each permutation.

    Args:
        statistics: Labels (m + n, b) -> statistics (..., b).
        m: Points of label 1.
        n: Points of label 0.
        permutations: Number of permutations, 19 or more.
        seed: Seed of the permutations.

    Returns:
        The statistics, (..., 1 + permutations), on the CPU.

    Raises:
        BadInput: If there are fewer than 19 permutations.
    """
    return torch.cat([statistics(labels).cpu() for labels in permuted_labels(m, n, permutations, seed)], -1)


def permutation_p_value(statistics: Tensor) -> float:
    """Compute the chance of a statistic as large as the first, under permuted labels.

    Args:
        statistics: (1 + B,), the observed one first.

    Returns:
        The p-value, 1 / (1 + B) or more.

    Example:
        >>> permutation_p_value(torch.tensor([3.0, 1.0, 2.0, 3.0]))
        0.5
    """
    slack = SLACK * float(statistics.abs().max())
    # The first is among those counted, which is the formula's 1.
    return float((statistics >= statistics[0] - slack).double().mean())


def two_sided_permutation_p_value(statistics: Tensor, expected: float) -> float:
    """Compute the two-sided p-value, that of |T - E T|.

    Args:
        statistics: (1 + B,), the observed one first.
        expected: E T, which is the same for every permutation.

    Returns:
        The p-value, 1 / (1 + B) or more.
    """
    return permutation_p_value((statistics - expected).abs())
