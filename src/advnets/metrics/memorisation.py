"""Whether samples are copies of training items: nearer to them than held-out items of the same source are.

Every test here asks whether samples could be held-out items, given the training set: if both are independent draws of
one distribution, so are their distances to it, and each p-value holds at any size. A small one says that samples lie
nearer than that; blur does it too, for averages lie near everything. Pixels miss a copy that is shifted: use features.
samples: (m, ...); held_out: (h, ...), not seen in training; train: (n, ...), seen; all bytes, or all floats of one
scale. Held-out items that are copies of training items make every test weaker, not wrong.
"""

import math
import warnings

import numpy as np
import torch
from scipy.stats import beta, hypergeom, norm
from torch import Tensor

from advnets.errors import BadInput
from advnets.statistics.arrays import Array
from advnets.statistics.distances import find_nearest, find_nearest_others, flatten_pair
from advnets.statistics.estimate import Estimate, Note, share_error
from advnets.statistics.mann_whitney import Numbers, chance_smaller, rank_score

EXPECTED = 20
"""Samples and held-out items that a cell must hold, for a rank score to be near normal; Meehan et al. have 20 too."""

PRINCIPAL = 64
"""Most principal components that cells are found in."""

PROBES = 2000
"""Training items whose nearest others tell how near is usual."""


def copying_share(samples: Array, held_out: Array, train: Array, *, quantile: float = 0.01) -> Estimate:
    """Share of samples nearer to a training item than all but the nearest held-out items are.

        1/m sum_j 1[d_j < d_(r)],    r = ceil(quantile h)

    d is the distance to the nearest training item, d_(r) the r-th smallest of held-out items.
    samples, held_out, train: as at the top of this file. quantile: in (0, 1); .01 sees few copies among many samples.
    The p-value is one-sided, of too many: exact by ranks, for if samples are like held-out items the first k + r - 1
    of all m + h hold k samples or more with a hypergeometric chance; equal distances make it larger, never smaller.
    Its error is `share_error` over samples, the threshold being as it is; the floor is the mean r / (h + 1).
    Notes: threshold; ratio, the value over the floor; exact copies, samples at distance 0; held-out copies; m, h, n.
    Raises BadInput for a bad shape, value or quantile.
    """
    if not 0 < quantile < 1:
        raise BadInput(f"quantile: found {quantile}, expected more than 0 and less than 1. Change it.")
    ours, theirs = _to_train(samples, held_out, train)
    m, h = len(ours), len(theirs)
    rank = max(1, math.ceil(quantile * h))
    threshold = float(np.sort(theirs)[rank - 1])
    count = int((ours < threshold).sum())
    share, floor = count / m, rank / (h + 1)
    notes: dict[str, Note] = {"threshold": math.sqrt(threshold), "ratio": share / floor}
    notes |= {"exact copies": int((ours == 0).sum()), "held-out copies": int((theirs == 0).sum())}
    p_value = float(hypergeom.sf(count - 1, m + h, m, count + rank - 1))
    notes |= {"m": m, "h": h, "n": len(train)}
    return Estimate(share, share_error(count, m), floor, notes, p_value=p_value)


def nearest_training_test(samples: Array, held_out: Array, train: Array) -> Estimate:
    """Chance that a sample is nearer to the training set than a held-out item is: .5 if they are alike, 1 if all are.

    Mann and Whitney's test on distances to the nearest training item, see `chance_smaller`; its p-value is one-sided,
    of samples too near. samples, held_out, train: as at the top of this file. Its error is over samples and held-out
    items, the training set being as it is; the floor is .5.
    Notes: z, the standard score of C. Meehan et al., A non-parametric test to detect data-copying in generative
    models, 2020, section 3.1, below 0 for copies; p_two_sided; n, m (held-out items and samples); ties.
    Raises BadInput for a bad shape or value.
    """
    ours, theirs = _to_train(samples, held_out, train)
    found = chance_smaller(ours, theirs)
    notes = {**found.notes, "z": rank_score(ours, theirs)}
    return Estimate(found.value, found.error, found.floor, notes, p_value=found.p_value)


def data_copying(samples: Array, held_out: Array, train: Array, *, cells: int = 3, seed: int = 0) -> Estimate:
    """Whether samples are too near to training items somewhere: C_T, standardised; below 0 for copies.

        C_T / sqrt(sum_c w_c^2),    C_T = sum_c w_c Z_c,    w_c = h_c / sum_c h_c

    Z_c is the rank score of distances to the nearest training item within cell c; h_c held-out items lie in it.
    C. Meehan, K. Chaudhuri and S. Dasgupta, A non-parametric test to detect data-copying in generative models, 2020,
    eq. 3. Not to be confused with C_T itself, a mean of scores whose deviation is not 1 but sqrt(sum_c w_c^2).
    samples, held_out, train: as at the top of this file. cells: of k-means on at most PRINCIPAL principal components
    of the training set; cells with fewer than EXPECTED samples or held-out items are left out.
    seed: of k-means and of the principal components.
    The p-value is one-sided, of copying, by the normal distribution; the error is 1, the deviation if samples are
    like held-out items, and the floor 0. Notes: C_T; cells, those used; least, the smallest Z_c; left out, samples in
    other cells; p_two_sided; m, h, n. Raises BadInput for a bad shape, value or number of cells, and if no cell is
    left.
    """
    x, t = flatten_pair(samples, train, "samples", "train")
    held = flatten_pair(held_out, train, "held_out", "train")[0].to(x.device)
    if not 1 <= cells <= len(t):
        raise BadInput(f"cells: found {cells}, expected 1..{len(t)}, at most one a training item. Change it.")
    labels = _cells((x, held, t), cells, seed)
    used = [c for c in range(cells) if all(int((label == c).sum()) >= EXPECTED for label in labels[:2])]
    if not used:
        raise BadInput(
            f"cells: found none of {cells} with {EXPECTED} samples and as many held-out items, expected one at least."
            " Give more of both, or ask for fewer cells."
        )
    scores = [
        rank_score(*_to_train(*(v[label == c] for v, label in zip((x, held, t), labels, strict=True)))) for c in used
    ]
    counts = np.array([int((labels[1] == c).sum()) for c in used])
    weights = counts / counts.sum()
    c_t = float(weights @ np.array(scores))
    value = c_t / math.sqrt(float((weights**2).sum()))
    left_out = len(x) - sum(int((labels[0] == c).sum()) for c in used)
    notes: dict[str, Note] = {"C_T": c_t, "cells": len(used), "least": min(scores), "left out": left_out}
    notes |= {"p_two_sided": float(2 * norm.sf(abs(value))), "m": len(x), "h": len(held), "n": len(t)}
    return Estimate(value, 1.0, 0.0, notes, p_value=float(norm.cdf(value)))


def authenticity(samples: Array, held_out: Array, train: Array) -> Estimate:
    """Share of samples that are authentic, minus that of held-out items: 0 if they are alike, below 0 for copies.

        Auth(samples) - Auth(held-out),    Auth(y) = mean_j 1[|y_j - t_i| > |t_i - t_i'|]

    t_i is the training item nearest to y_j, and t_i' the other training item nearest to t_i. A. Alaa et al., How
    faithful is your synthetic data?, 2022, section 4.2, with the index as fld corrected it. The share alone says
    little: for real samples it is .4 in 2 dimensions and .8 in 100.
    samples, held_out, train: as at the top of this file, two training items at least.
    The p-value is one-sided, of too few authentic samples: Fisher's exact test, for given the training set every one
    is authentic or not by itself. Its error is that of both shares, `share_error`; the floor is 0.
    Notes: samples, held_out, the two shares; p_two_sided; m, h, n. Raises BadInput for a bad shape or value.
    """
    x, t = flatten_pair(samples, train, "samples", "train")
    held = flatten_pair(held_out, t, "held_out", "train")[0]
    if len(t) < 2:
        raise BadInput(f"train: found {len(t)} item, expected 2 or more, which have a distance. Give the training set.")
    near = [find_nearest(points, t) for points in (x, held)]
    which = torch.unique(torch.cat([index for index, _ in near]))
    within = torch.zeros(len(t), dtype=torch.float64, device=t.device)
    within[which] = find_nearest_others(t, 1, rows=which)[1][:, 0]
    ours, theirs = (squared > within[index] for index, squared in near)
    m, h = len(ours), len(theirs)
    authentic, both = int(ours.sum()), int(ours.sum() + theirs.sum())
    p, q = authentic / m, (both - authentic) / h
    less = float(hypergeom.cdf(authentic, m + h, both, m))
    more = float(hypergeom.sf(authentic - 1, m + h, both, m))
    notes: dict[str, Note] = {"samples": p, "held_out": q, "p_two_sided": min(1.0, 2 * min(less, more))}
    error = math.hypot(share_error(authentic, m), share_error(both - authentic, h))
    return Estimate(p - q, error, 0.0, notes | {"m": m, "h": h, "n": len(t)}, p_value=min(1.0, less))


def near_duplicates(
    samples: Array, train: Array, *, threshold: float | None = None, quantile: float = 0.01, seed: int = 0
) -> Estimate:
    """How many samples lie within a threshold of a training item.

        sum_j 1[min_i |y_j - t_i| <= threshold]

    Which ones: `index, squared = nearest(samples, train)`, where squared <= threshold^2.
    samples, train: as at the top of this file. threshold: in the unit of features; None for the quantile of how far
    training items lie from their nearest other one, by PROBES of them drawn by the seed.
    Its error is m times `share_error` over samples; the floor, quantile m, is what new items of a training set so large
    would have on average, or None where the threshold was given. That floor has the luck of the threshold: floor_low
    and floor_high are m times the 95 % interval, Clopper and Pearson's, of a share that r / 2 of probes / 2 fall in, r
    probes being within the threshold: halves, because two items may be each other's nearest. Not a test: `copying_share` is
    one.
    Notes: threshold; share; exact copies, samples at distance 0; floor_low, floor_high; m, n. Raises BadInput for a bad
    shape, value, threshold or quantile, and for fewer than two training items where the threshold is to be found.
    """
    x, t = flatten_pair(samples, train, "samples", "train")
    if threshold is not None and not (math.isfinite(threshold) and threshold >= 0):
        raise BadInput(f"threshold: found {threshold}, expected a distance of 0 or more. Change it.")
    if not 0 < quantile < 1:
        raise BadInput(f"quantile: found {quantile}, expected more than 0 and less than 1. Change it.")
    floor = None if threshold is not None else quantile * len(x)
    limit = _usual(t, quantile, seed) if threshold is None else threshold**2
    squared = find_nearest(x, t)[1]
    count, m = int((squared <= limit).sum()), len(x)
    notes: dict[str, Note] = {"threshold": math.sqrt(limit), "share": count / m}
    notes |= {"exact copies": int((squared == 0).sum()), "m": m, "n": len(t)}
    if floor is not None:
        low, high = _shares_within(quantile, min(PROBES, len(t)))
        notes |= {"floor_low": m * low, "floor_high": m * high}
    return Estimate(count, m * share_error(count, m), floor, notes)


def logits_gap(train_logits: Array, held_out_logits: Array) -> Estimate:
    """Chance that the discriminator finds a training item more real than a held-out one: .5 if it has not learnt them.

        AUC = P(D(t) > D(x)) + P(D(t) = D(x)) / 2

    The attack of J. Hayes et al., LOGAN: membership inference attacks against generative models, 2019, section 4.1;
    it tells of D's memory, not of G's. train_logits, held_out_logits: D's, (n,) or (n, 1), before or after a sigmoid.
    The p-value is one-sided, of training items too real, see `chance_smaller`. Its error is over both; the floor is .5.
    Notes: p_two_sided; n, m (held-out and training items); ties. Raises BadInput for a bad shape or value.
    """
    return chance_smaller(-_logits(train_logits, "train_logits"), -_logits(held_out_logits, "held_out_logits"))


def _logits(given: Array, name: str) -> Numbers:
    logits = torch.as_tensor(given).detach().cpu().double().numpy()
    if logits.ndim not in (1, 2) or logits.size == 0 or logits.size != len(logits):
        raise BadInput(f"{name}: found the shape {logits.shape}, expected (n,) or (n, 1), n > 0. Give one an item.")
    if not np.isfinite(logits).all():
        count = int((~np.isfinite(logits)).sum())
        raise BadInput(f"{name}: found {count} values that are NaN or Inf, expected none. Look where they were made.")
    return logits.reshape(-1)


def _to_train(samples: Array, held_out: Array, train: Array) -> tuple[Numbers, Numbers]:
    """Squared distances of samples and of held-out items to their nearest training item."""
    x, t = flatten_pair(samples, train, "samples", "train")
    held = flatten_pair(held_out, t, "held_out", "train")[0]
    ours, theirs = (find_nearest(points, t)[1].cpu().numpy() for points in (x, held))
    return ours, theirs


def _cells(sets: tuple[Tensor, Tensor, Tensor], cells: int, seed: int) -> list[Tensor]:
    """The cell of every sample, held-out and training item, by k-means on principal components of training items."""
    from sklearn.cluster import KMeans  # a second to import, and only this function wants it
    from sklearn.decomposition import PCA
    from sklearn.exceptions import ConvergenceWarning

    x, held, t = (points.cpu().numpy().astype(np.float64) for points in sets)
    if cells == 1:
        return [torch.zeros(len(points), dtype=torch.int64) for points in (x, held, t)]
    alike = f"train: found fewer than {cells} distinct items, expected more. Ask for fewer cells."
    if not np.ptp(t, axis=0).any():
        raise BadInput(alike)
    components = PCA(min(PRINCIPAL, *t.shape), random_state=seed).fit(t)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        try:
            means = KMeans(cells, n_init=1, random_state=seed).fit(components.transform(t))
        except ConvergenceWarning as found:
            raise BadInput(alike) from found
    return [torch.from_numpy(means.predict(components.transform(points))) for points in (x, held, t)]


def _usual(t: Tensor, quantile: float, seed: int) -> float:
    """The quantile of squared distances of training items to their nearest other one."""
    if len(t) < 2:
        raise BadInput(f"train: found {len(t)} item, expected 2 or more, which have a distance. Give a threshold.")
    rows = torch.randperm(len(t), generator=torch.Generator().manual_seed(seed))[:PROBES]
    squared = find_nearest_others(t, 1, rows=rows)[1][:, 0].sort().values
    return float(squared[_rank(quantile, len(squared)) - 1])


def _rank(quantile: float, probes: int) -> int:
    """Which of the smallest of so many numbers, from 1, the quantile is."""
    return max(1, math.ceil(quantile * probes))


def _shares_within(quantile: float, probes: int) -> tuple[float, float]:
    """The 95 % interval of the share of items within the r-th smallest of so many probes' distances.

        Beta_.025(a, N - a + 1), Beta_.975(b + 1, N - b),    a = r / 2 - 1, b = r / 2, N = probes / 2

    C. Clopper and E. Pearson, The use of confidence or fiducial limits, 1934: a pairs lie nearer, b as near or nearer.

    >>> [round(share, 4) for share in _shares_within(0.01, 2000)]
    [0.0041, 0.0183]
    """
    pairs, most = probes / 2, _rank(quantile, probes) / 2
    least = most - 1
    low = float(beta.ppf(0.025, least, pairs - least + 1)) if least > 0 else 0.0
    return low, float(beta.ppf(0.975, most + 1, pairs - most)) if most < pairs else 1.0
