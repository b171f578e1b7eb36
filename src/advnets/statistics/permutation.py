"""Permutation tests of two samples: labels are dealt anew over fixed points, and a statistic is compared with itself.

    p = (1 + #{b: T_b >= T}) / (1 + B)

valid at every size, not only in the limit: under the null hypothesis T and the T_b are exchangeable, so that
P(p <= a) <= a. B. Phipson and G. Smyth, Permutation p-values should never be zero, 2010, eq. 2.
"""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from advnets.errors import BadInput

BATCH = 256
"""Permutations whose labels are held at once."""

SLACK = 1e-9
"""Two statistics this near each other, relative to the largest, are equal: rounding must not decide for the user."""


def permuted_labels(m: int, n: int, permutations: int, seed: int) -> Iterator[Tensor]:
    """Labels of m samples among m + n points, first as they are, then dealt at random.

    Gives (m + n, b) float64 of 0 and 1, m of them 1 in each column; 1 + permutations columns in all.
    Raises BadInput for fewer than 19 permutations, with which no p-value could reach .05.
    """
    if permutations < 19:
        raise BadInput(f"permutations: found {permutations}, expected 19 or more, for p = .05 to be possible.")
    rng = np.random.default_rng(seed)
    labels = np.concatenate([np.ones(m), np.zeros(n)])
    yield torch.from_numpy(labels[:, None].copy())
    for start in range(0, permutations, BATCH):
        rows = np.tile(labels, (min(BATCH, permutations - start), 1))
        yield torch.from_numpy(np.ascontiguousarray(rng.permuted(rows, axis=1).T))


def permuted_statistics(
    statistics: Callable[[Tensor], Tensor], m: int, n: int, *, permutations: int, seed: int
) -> Tensor:
    """A statistic of the labels as they are, then of each permutation.

    statistics: labels (m + n, b) -> statistics (..., b). Gives (..., 1 + permutations), on the CPU.
    """
    return torch.cat([statistics(labels).cpu() for labels in permuted_labels(m, n, permutations, seed)], -1)


def permutation_p_value(statistics: Tensor) -> float:
    """The chance of a statistic as large as the first, if it had been dealt as the others were.

    statistics: (1 + B,), the observed one first.

    >>> permutation_p_value(torch.tensor([3.0, 1.0, 2.0, 3.0]))
    0.5
    """
    slack = SLACK * float(statistics.abs().max())
    # The first is among those counted, which is the formula's 1.
    return float((statistics >= statistics[0] - slack).double().mean())


def two_sided_permutation_p_value(statistics: Tensor, expected: float) -> float:
    """The two-sided p-value: of |T - E T|, E T being the same for every permutation."""
    return permutation_p_value((statistics - expected).abs())
