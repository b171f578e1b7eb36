"""How far the nearest neighbours of a point stand out from its next ones, whatever density and dimension are there.

Near a point the density of others is even. Then, with d_1 <= ... <= d_k the distances to the k nearest,

    E_j = j log(d_(j+1) / d_j),    j = 1 .. k - 1

are independent and exponential with the mean 1 / D, where D is the dimension (E. Levina and P. Bickel, Maximum
likelihood estimation of intrinsic dimension, 2005; E. Facco et al., Estimating the intrinsic dimension of datasets by a
minimal neighborhood information, 2017). So a ratio of two of them has a distribution that neither the density nor the
dimension changes. Blurred images, and images of another class, lie more densely or in fewer dimensions, but no nearer
for their own neighbourhood. A copy does.
"""

import math

import scipy
import torch
from torch import Tensor

from advnets.errors import BadInput
from advnets.statistics.arrays import Floats

NEIGHBOURS = 10
"""Nearest others that a gap is read from."""

LEAPS = 3
"""Gaps among which a leap is looked for: a copy of a point that has two copies itself is one of three equally near."""

FEWEST = LEAPS + 2
"""Fewest neighbours that a gap can be read from."""

UNLIKE = 0.1
"""Largest p-value of a sign test at which points stand out from one group of others more than from another."""


def neighbour_gap(squared: Tensor) -> Tensor:
    """Compute how far the nearest neighbours of each point stand out from its next ones.

        T = max_(j <= LEAPS) E_j / mean_(j > LEAPS) E_j

    Args:
        squared: Squared distances to the k nearest, the nearest first, (n, k), k of FEWEST or more.

    Returns:
        T, (n,) float64: infinite for a point with a copy, and 0 where the first distances are equal.
    """
    logs = squared.double().log() / 2
    rank = torch.arange(1, squared.shape[1], dtype=torch.float64, device=squared.device)
    gaps = (rank * logs.diff(dim=1)).nan_to_num(nan=0.0, posinf=math.inf)  # a difference of two distances of 0 is none
    leap, usual = gaps[:, :LEAPS].amax(1), gaps[:, LEAPS:].mean(1)
    found = torch.where(leap > 0, leap / usual, leap)
    # Where a later one is infinite, or all are 0, the point has more copies than LEAPS.
    return torch.where((squared[:, 0] == 0) | found.isnan(), math.inf, found)


def neighbour_count(n: int, name: str) -> int:
    """The number of neighbours that gaps are read from, of n points that may be neighbours.

    Args:
        n: Number of points.
        name: What an error calls them.

    Returns:
        NEIGHBOURS, or n if that is less.

    Raises:
        BadInput: If n is below FEWEST.
    """
    if n < FEWEST:
        raise BadInput(f"{name}: found {n} different items, expected {FEWEST} or more, for a neighbourhood. Give more.")
    return min(NEIGHBOURS, n)


def gap_at_chance(chance: float, k: int) -> float:
    """Compute the gap that a point without a copy reaches by chance, whatever density and dimension are there.

        P[T > t] <= LEAPS (1 + t / r)^-r,    r = k - 1 - LEAPS

    The bound is that of LEAPS ratios of an exponential number to the mean of r others.

    Args:
        chance: The bound, in (0, LEAPS).
        k: Neighbours that gaps are read from, FEWEST or more.

    Returns:
        t.
    """
    usual = k - 1 - LEAPS
    return float(usual * ((chance / LEAPS) ** (-1 / usual) - 1))


def count_beyond(ours: Floats, theirs: Floats, quantile: float) -> tuple[int, int, float]:
    """Count the numbers of one group that are above all but the largest of another.

    The test is exact by ranks: if all m + h numbers are draws of one distribution, the first k + r - 1 of them, the
    largest first, contain k of the m or more with a hypergeometric chance. Equal numbers make it larger, never smaller.

    Args:
        ours: (m,).
        theirs: (h,).
        quantile: Share of theirs that counts as the largest, in (0, 1).

    Returns:
        The number k of ours above the r-th largest of theirs; r = ceil(quantile h); the p-value, for too large a k.
    """
    m, h = len(ours), len(theirs)
    rank = max(1, math.ceil(quantile * h))
    threshold = float(torch.as_tensor(theirs).sort(descending=True).values[rank - 1])
    count = int((ours > threshold).sum())
    return count, rank, float(scipy.stats.hypergeom.sf(count - 1, m + h, m, count + rank - 1))


def count_copies(ours: Floats, own: Floats, control: Floats, quantile: float) -> tuple[int, int, float]:
    """Count gaps beyond a control, by `count_beyond`, which the samples' own gaps to other items do not explain.

    The sign test holds the samples' gaps to training items against their gaps to held-out items, at the threshold.
    Where the latter are few among the control, it alone sees that the samples are of another kind.

    Args:
        ours: Gaps of the samples to training items, (m,).
        own: Gaps of the samples to held-out items, (m,), or none.
        control: These, and the gaps of held-out items to training items.
        quantile: Share of the control that is beyond the threshold, in (0, 1).

    Returns:
        As `count_beyond`; but the p-value is the sign test's if that is larger, and above `UNLIKE`.
    """
    count, rank, p_value = count_beyond(ours, control, quantile)
    threshold = float(torch.as_tensor(control).sort(descending=True).values[rank - 1])
    beyond = int((own > threshold).sum())
    sign = float(scipy.stats.binom.sf(count - 1, count + beyond, 0.5)) if len(own) else 0.0
    return count, rank, max(p_value, sign) if sign > UNLIKE else p_value
