"""Bins of real points with too many or too few samples: the part of the data that a generator neglects."""

import math

import numpy as np
import scipy
import torch
from numpy.typing import NDArray
from torch import Tensor

from advnets.errors import BadInput
from advnets.statistics.arrays import Array, expect_same_width, flatten, full_precision, squared_distances
from advnets.statistics.estimate import Z95, Estimate, Note
from advnets.statistics.multiple_testing import benjamini_hochberg

Floats = NDArray[np.float64]

ALPHA = 0.05
"""Level of a bin's test: the share of bins that differ where there is no difference."""

FEWEST_EXPECTED = 5.0
"""Fewest points expected in a cell of the chi-squared test; bins with fewer are put together.

W. Cochran, The chi^2 test of goodness of fit, 1952.
"""

BLOCK = 4096
"""Points whose distances to all centres are in memory at once."""


def different_bins(
    samples: Array, real: Array, *, bins: int = 100, seed: int = 0, held_out: Array | None = None
) -> Estimate:
    """Compute the share of k-means bins in which the shares of samples and of real points differ at 5 % (NDB / K).

        z_k = (p_k - q_k) / sqrt(s_k (1 - s_k) (1 / n + 1 / m)),    s_k = (n p_k + m q_k) / (n + m)

    E. Richardson and Y. Weiss, On GANs and GMMs, 2018, section 2. They form the bins from the training points and take
    q_k from the same points; but means that are fitted to points stand where these are dense by chance. Here half of
    the real points form the bins and the other half gives q_k, so that samples that are real differ by chance alone.
    With `held_out`, all real points form the bins and `held_out` gives q_k. `held_out=real` is the published protocol,
    which has no p-value. The order of the rows does not matter.

    Args:
        samples: Features of samples, (n, ...).
        real: Features of real points, (m, ...), of the same kind.
        bins: Number of bins, K.
        seed: Seed of the halves and of k-means.
        held_out: Real points that give q_k; or None, for half of `real`.

    Returns:
        The share of bins, with the p-value of Pearson's chi-squared test of one distribution over bins. That test also
        sees many small differences; bins in which fewer than 5 points are expected are put together for it. The error
        is sqrt(v (1 - v) / K), as if bins were independent, and the interval is Clopper's and Pearson's. Both account
        for the number of bins, not for the draw of their means. The floor is .05. The notes hold `count` (NDB);
        `adjusted`, the bins that differ by Benjamini and Hochberg; `jensen_shannon`, in nats; `worst`, the bin with the
        largest |z|, with its shares `worst_p` and `worst_q`; `empty`, the bins without a point; `cells` of the
        chi-squared test; `n`, `m`, `bins`.

    Raises:
        BadInput: If a shape or a value is wrong, or there are fewer different points than bins.
    """
    y, x = flatten(samples, "samples"), flatten(real, "real")
    expect_same_width(y, x, "samples and real")
    x = _sort_rows(x)
    order = torch.from_numpy(np.random.default_rng(seed).permutation(len(x)))
    half = len(x) if held_out is not None else len(x) // 2
    counted = x[order[half:]] if held_out is None else flatten(held_out, "held_out")
    expect_same_width(counted, x, "held_out and real")
    centres = _fit_bins(x[order[:half]], bins, seed)
    o, r = (np.bincount(_assign_bins(points, centres), minlength=bins) for points in (y, counted))
    return _compare_counts(o, r, tested=held_out is not real)


def _compare_counts(o: NDArray[np.int64], r: NDArray[np.int64], *, tested: bool) -> Estimate:
    """The estimate for o_k samples and r_k real points in each bin."""
    n, m, bins = int(o.sum()), int(r.sum()), len(o)
    p, q, s = o / n, r / m, (o + r) / (n + m)
    spread = np.sqrt(s * (1 - s) * (1 / n + 1 / m))
    z = np.divide(p - q, spread, out=np.zeros(bins), where=spread > 0)  # a bin without points is no different
    count = int((abs(z) > Z95).sum())
    adjusted = benjamini_hochberg((2 * scipy.stats.norm.sf(abs(z))).tolist())
    worst, table = int(abs(z).argmax()), _pool_columns(np.array([o, r]))
    notes: dict[str, Note] = {"count": count, "adjusted": sum(one <= ALPHA for one in adjusted)}
    notes |= {"jensen_shannon": _jensen_shannon(p, q), "worst": worst, "worst_p": float(p[worst])}
    notes |= {"worst_q": float(q[worst]), "empty": int((o + r == 0).sum()), "cells": table.shape[1]}
    notes |= {"n": n, "m": m, "bins": bins}
    share, ends = count / bins, scipy.stats.binomtest(count, bins).proportion_ci(0.95, "exact")
    p_value = _homogeneity_p_value(table) if tested else None
    error = math.sqrt(share * (1 - share) / bins)
    return Estimate(share, error, ALPHA, notes, (float(ends.low), float(ends.high)), p_value=p_value)


def _homogeneity_p_value(table: NDArray[np.int64]) -> float:
    """Pearson's p-value of two rows of counts; 1 if there is one cell, which cannot differ."""
    return float(scipy.stats.chi2_contingency(table, correction=False).pvalue) if table.shape[1] > 1 else 1.0


def _pool_columns(table: NDArray[np.int64]) -> NDArray[np.int64]:
    """Two rows of counts with the smallest columns put together, until `FEWEST_EXPECTED` are expected in every cell.

    Columns are ordered by their sums, which under the null say nothing of the rows, so that the test stays valid.
    """
    sums = table.sum(0)
    order = np.argsort(sums, kind="stable")
    # A column of this sum has FEWEST_EXPECTED in its smaller cell.
    least = FEWEST_EXPECTED * sums.sum() / table.sum(1).min()
    running = np.cumsum(sums[order])
    small = int((sums < least).sum())
    joined = 0 if small == 0 else max(small, int(np.searchsorted(running, least)) + 1)
    columns = [table[:, order[:joined]].sum(1, keepdims=True)] if joined else []
    return np.concatenate([*columns, table[:, order[joined:]]], 1)


def _jensen_shannon(p: Floats, q: Floats) -> float:
    """1/2 KL(p | (p + q) / 2) + 1/2 KL(q | (p + q) / 2), nats."""
    middle = (p + q) / 2
    logs = [np.log(np.divide(one, middle, out=np.ones(len(p)), where=one > 0)) for one in (p, q)]
    return max(0.0, float(p @ logs[0] + q @ logs[1]) / 2)


def _sort_rows(x: Tensor) -> Tensor:
    """The rows in an order that does not depend on the given one, so that the bins do not either."""
    return x.cpu()[_project_rows(x).argsort(stable=True)].double()


def _project_rows(x: Tensor) -> Tensor:
    """Each row's place along one fixed direction, (n,) on the CPU: only equal rows have equal places."""
    direction = torch.from_numpy(np.random.default_rng(0).normal(size=x.shape[1]))
    return torch.cat([(part.cpu().double() * direction).sum(1) for part in torch.split(x, BLOCK)])


def _fit_bins(x: Tensor, bins: int, seed: int) -> Tensor:
    """The K means of points, (K, d)."""
    from sklearn.cluster import KMeans  # it takes a second to import, and only this function needs it

    different = len(torch.unique(_project_rows(x)))
    if not 1 <= bins <= different:
        found = f"found {bins} bins for {different} different real points"
        raise BadInput(
            f"bins: {found}, expected 1 or more, and no more than points. Take fewer bins, or give more points."
        )
    found = KMeans(bins, n_init=1, random_state=seed).fit(x.numpy())
    return torch.from_numpy(found.cluster_centers_)


def _assign_bins(x: Tensor, centres: Tensor) -> NDArray[np.int64]:
    """The nearest centre of every point, (n,)."""
    origin = centres.mean(0)
    mu = centres - origin
    norms = mu.square().sum(1)
    found = []
    with full_precision():
        for part in torch.split(x, BLOCK):
            rows = part.cpu().double() - origin
            distances = squared_distances(rows, mu, rows.square().sum(1, keepdim=True), s_norms=norms)
            found.append(distances.argmin(1))
    return torch.cat(found).numpy()
