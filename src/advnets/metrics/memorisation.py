"""Tests of copying: whether samples lie nearer to training items than held-out items of the same source do.

Every test here asks whether samples could be held-out items, given the training set. If both are independent draws of
one distribution, so are their distances to it, and each p-value is valid at any size. But samples of other class shares
than the data's, or of another quality, lie nearer to training items too, or farther, and copy nothing. So the tests
look at `neighbour_gap`: how far the nearest training items stand out from the next ones, which neither density nor
dimension changes. Samples of noise have other gaps all the same: so a small p-value is at least that of a test in which
training and held-out items are exchanged, see `statistics.exchange`. Distances of pixels miss a copy that is shifted:
use features. Held-out items that are copies of training items make every test weaker, not wrong.
"""

import math
from collections.abc import Sequence

import numpy as np
import scipy
import torch
from torch import Tensor

from advnets.errors import BadInput
from advnets.statistics.arrays import Array, Floats
from advnets.statistics.cells import label_cells
from advnets.statistics.distances import find_nearest, find_nearest_few, find_nearest_others, flatten_pair
from advnets.statistics.estimate import Estimate, Note, share_error
from advnets.statistics.exchange import exchange_rank_test, exchange_test, pool_neighbours
from advnets.statistics.gaps import FEWEST, UNLIKE, count_copies, neighbour_count, neighbour_gap
from advnets.statistics.mann_whitney import chance_smaller, rank_score

FEWEST_IN_CELL = 20
"""Fewest samples and held-out items of a cell whose rank score is near normal; Meehan et al. have 20 too."""

EXCHANGED = 0.01
"""Chance of a gap beyond which `exchange_test` counts it, where a function asks for no quantile."""

PROBES = 2000
"""Training items whose nearest others set the threshold of near-duplicates."""


def copying_share(samples: Array, held_out: Array, train: Array, *, quantile: float = 0.01) -> Estimate:
    """Compute the share of samples whose nearest training items stand out more than nearly all of a control do.

        1/m sum_j 1[T_j > T_(r)],    r = ceil(quantile c)

    T is `neighbour_gap` of the distances to the training items, T_(r) the r-th largest of the control. The control is
    the gaps of held-out items to training items, and of the samples to held-out items: samples of other class shares
    have other gaps to both, and only a copy stands out from training items alone. The p-value is one-sided, for too
    many samples: twice the smaller one of `count_copies` at the quantile and at a tenth of it, where few exact copies
    among few samples are seen. Samples that are blurred, or all alike, may have other gaps to a few hundred training
    items than to fewer held-out ones: so a small p-value is at least that of `exchange_test`.

    Args:
        samples: Samples, (m, ...).
        held_out: Held-out items, not seen in training, (h, ...).
        train: Training items, (n, ...), 5 different ones or more; of equal ones one counts. All three hold bytes, or
            all hold floats of one scale.
        quantile: Share of the control that is above the threshold, in (0, 1).

    Returns:
        The share. Its error is `share_error` over samples, with the threshold taken as fixed; its floor is the mean
        r / (c + 1). Its notes hold `threshold`; `ratio`, the value over the floor; `exact copies`, samples at distance
        0; `held-out copies`; `control`, the number c; `m`, `h`, `n`.

    Raises:
        BadInput: If a shape, a value or the quantile is wrong, or there are fewer than 5 different training items.
    """
    if not 0 < quantile < 1:
        raise BadInput(f"quantile: found {quantile}, expected more than 0 and less than 1. Change it.")
    near = [find_training_neighbours(points, train, name) for points, name in _both_sides(samples, held_out)]
    ours, theirs = (neighbour_gap(squared).cpu().numpy() for squared in near)
    m, h = len(ours), len(theirs)
    own = _gaps_to_held_out(samples, held_out)
    control = np.concatenate([theirs, own])
    count, rank, p_value = count_copies(ours, own, control, quantile)
    share, floor = count / m, rank / (len(control) + 1)
    notes: dict[str, Note] = {"threshold": float(np.sort(control)[-rank]), "ratio": share / floor}
    notes["control"] = len(control)
    copies = [int((squared[:, 0] == 0).sum()) for squared in near]
    notes |= {"exact copies": copies[0], "held-out copies": copies[1], "m": m, "h": h, "n": len(train)}
    p_value = min(1.0, 2 * min(p_value, count_copies(ours, own, control, quantile / 10)[2]))
    if p_value <= UNLIKE:
        pool = pool_neighbours(*_flatten_three(samples, held_out, train))
        p_value = max(p_value, exchange_test(pool, control, quantile))
    return Estimate(share, share_error(count, m), floor, notes, p_value=p_value)


def _flatten_three(samples: Array, held_out: Array, train: Array) -> tuple[Tensor, Tensor, Tensor]:
    x, t = flatten_pair(samples, train, "samples", "train")
    return x, flatten_pair(held_out, train, "held_out", "train")[0].to(x.device), t


def _gaps_to_held_out(samples: Array, held_out: Array) -> Floats:
    """`neighbour_gap` of samples to held-out items; none where there are too few of these."""
    x, held = flatten_pair(samples, held_out, "samples", "held_out")
    if len(torch.unique(held, dim=0)) < FEWEST:
        return np.zeros(0)
    return neighbour_gap(find_training_neighbours(x, held)).cpu().numpy()


def find_training_neighbours(points: Array, train: Array, name: str = "samples") -> Tensor:
    """Compute squared distances to the nearest training items, for `neighbour_gap`.

    Args:
        points: Points, (m, ...).
        train: Training items, (n, ...), of one type and scale; of equal ones one counts.
        name: What an error calls the points.

    Returns:
        The squared distances, (m, k) float64, the nearest first.

    Raises:
        BadInput: If a shape or a value is wrong, or there are fewer than 5 different training items.
    """
    x, t = flatten_pair(points, train, name, "train")
    places = torch.unique(t, dim=0)
    return find_nearest_few(x, places, neighbour_count(len(places), "train"))[1]


def nearest_training_test(samples: Array, held_out: Array, train: Array, *, relative: bool = True) -> Estimate:
    """Estimate the chance that a sample is nearer to the training set than a held-out item is.

    It is .5 if they are alike, and 1 if all samples are nearer. The test is Mann and Whitney's, see `chance_smaller`.
    Its p-value is one-sided, for samples that are too near. If `relative`, and it is small, it is at least that of
    `statistics.exchange`: twice the smaller one of both tests there, which hold for samples of any quality.

    Args:
        samples: Samples, (m, ...).
        held_out: Held-out items, not seen in training, (h, ...).
        train: Training items, (n, ...), 5 different ones or more. All three hold bytes, or all hold floats of one
            scale.
        relative: Whether a point is the nearer the more its nearest training items stand out, by `neighbour_gap`. Else
            the distance to the nearest counts, which other class shares and blur change too.

    Returns:
        The chance. Its error is over samples and held-out items, with the training set taken as fixed; its floor is .5.
        Its notes hold `z`, the standard score of C. Meehan et al., A non-parametric test to detect data-copying in
        generative models, 2020, section 3.1, which is below 0 for copies; `p_two_sided`; `n` and `m`, the numbers of
        held-out items and of samples; `ties`.

    Raises:
        BadInput: If a shape or a value is wrong, or there are fewer than 5 different training items.
    """
    ours, theirs = (_farness(points, train, name, relative) for points, name in _both_sides(samples, held_out))
    found = chance_smaller(ours, theirs)
    notes = {**found.notes, "z": rank_score(ours, theirs)}
    p_value = found.p_value
    assert p_value is not None
    if relative and p_value <= UNLIKE:
        p_value = max(p_value, _exchange(samples, held_out, train, -theirs))
    return Estimate(found.value, found.error, found.floor, notes, p_value=p_value)


def _exchange(samples: Array, held_out: Array, train: Array, gaps: Floats) -> float:
    """The p-value of both tests that exchange training and held-out items, given the gaps of held-out items."""
    x, held, t = _flatten_three(samples, held_out, train)
    pool = pool_neighbours(x, held, t)
    control = np.concatenate([gaps, _gaps_to_held_out(x, held)])
    return min(1.0, 2 * min(exchange_test(pool, control, EXCHANGED), exchange_rank_test(pool)))


def data_copying(
    samples: Array, held_out: Array, train: Array, *, cells: int = 3, relative: bool = True, seed: int = 0
) -> Estimate:
    """Test by the standardised statistic C_T whether samples are too near to training items in some cells.

        C_T / sqrt(sum_c w_c^2),    C_T = sum_c w_c Z_c,    w_c = h_c / sum_c h_c

    Z_c is the rank score of the nearness to training items within cell c, in which h_c held-out items lie.
    The value is below 0 for copies. C. Meehan, K. Chaudhuri and S. Dasgupta, A non-parametric test to detect
    data-copying in generative models, 2020, eq. 3. It is not to be confused with C_T itself, a mean of scores whose
    deviation is not 1 but sqrt(sum_c w_c^2). The p-value is one-sided, for copying, by the normal distribution. If
    `relative`, and it is small, it is at least that of `statistics.exchange`, as in `nearest_training_test`.

    Args:
        samples: Samples, (m, ...).
        held_out: Held-out items, not seen in training, (h, ...).
        train: Training items, (n, ...). All three hold bytes, or all hold floats of one scale.
        cells: Cells of k-means on the principal components of the training set, see `label_cells`. Cells with fewer
            than `FEWEST_IN_CELL` samples or held-out items are left out.
        relative: As in `nearest_training_test`. Else the distance to the nearest training item of the cell counts, as
            in the paper.
        seed: Seed of k-means and of the principal components.

    Returns:
        The statistic. Its error is 1, its deviation if samples are like held-out items; its floor is 0. Its notes hold
        `C_T`; `cells`, the number used; `least`, the smallest Z_c; `left out`, the samples in other cells;
        `p_two_sided`; `m`, `h`, `n`.

    Raises:
        BadInput: If a shape, a value or the number of cells is wrong, or no cell is left.
    """
    x, held, t = _flatten_three(samples, held_out, train)
    if not 1 <= cells <= len(t):
        raise BadInput(f"cells: found {cells}, expected 1..{len(t)}, at most as many as training items. Change it.")
    labels = label_cells((x, held, t), cells, seed)
    used = [c for c in range(cells) if all(int((label == c).sum()) >= FEWEST_IN_CELL for label in labels[:2])]
    if not used:
        raise BadInput(
            f"cells: found none of {cells} with {FEWEST_IN_CELL} samples and {FEWEST_IN_CELL} held-out items, expected "
            "one or more. Give more of both, or ask for fewer cells."
        )
    whole = [_farness(points, t, name, relative) for points, name in _both_sides(x, held)] if relative else []
    scores = [rank_score(*_farness_in_cell(c, (x, held, t), labels, whole)) for c in used]
    counts = np.array([int((labels[1] == c).sum()) for c in used])
    weights = counts / counts.sum()
    c_t = float(weights @ np.array(scores))
    value = c_t / math.sqrt(float((weights**2).sum()))
    left_out = len(x) - sum(int((labels[0] == c).sum()) for c in used)
    notes: dict[str, Note] = {"C_T": c_t, "cells": len(used), "least": min(scores), "left out": left_out}
    notes |= {"p_two_sided": float(2 * scipy.stats.norm.sf(abs(value))), "m": len(x), "h": len(held), "n": len(t)}
    p_value = float(scipy.stats.norm.cdf(value))
    if relative and p_value <= UNLIKE:
        p_value = max(p_value, _exchange(x, held, t, -whole[1]))
    return Estimate(value, 1.0, 0.0, notes, p_value=p_value)


def authenticity(samples: Array, held_out: Array, train: Array) -> Estimate:
    """Compute the share of samples that are authentic, minus that of held-out items.

        Auth(samples) - Auth(held-out),    Auth(y) = mean_j 1[|y_j - t_i| > |t_i - t_i'|]

    t_i is the training item nearest to y_j, and t_i' the other training item nearest to t_i. The value is 0 if samples
    and held-out items are alike, and below 0 for copies. A. Alaa et al., How faithful is your synthetic data?, 2022,
    section 4.2, with the index as fld corrected it. The share alone says little: for real samples it is .4 in 2
    dimensions and .8 in 100.

    The p-value is one-sided, for too few authentic samples, by Fisher's exact test: given the training set, each item
    is authentic or not independently of the others.

    Args:
        samples: Samples, (m, ...).
        held_out: Held-out items, not seen in training, (h, ...).
        train: Training items, (n, ...), two or more. All three hold bytes, or all hold floats of one scale.

    Returns:
        The difference. Its error is that of both shares, `share_error`; its floor is 0. Its notes hold `samples` and
        `held_out`, the two shares; `p_two_sided`; `m`, `h`, `n`.

    Raises:
        BadInput: If a shape or a value is wrong.
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
    less = float(scipy.stats.hypergeom.cdf(authentic, m + h, both, m))
    more = float(scipy.stats.hypergeom.sf(authentic - 1, m + h, both, m))
    notes: dict[str, Note] = {"samples": p, "held_out": q, "p_two_sided": min(1.0, 2 * min(less, more))}
    error = math.hypot(share_error(authentic, m), share_error(both - authentic, h))
    return Estimate(p - q, error, 0.0, notes | {"m": m, "h": h, "n": len(t)}, p_value=min(1.0, less))


def near_duplicates(
    samples: Array, train: Array, *, threshold: float | None = None, quantile: float = 0.01, seed: int = 0
) -> Estimate:
    """Count the samples that lie within a threshold of a training item.

        sum_j 1[min_i |y_j - t_i| <= threshold]

    `index, squared = find_nearest(samples, train)` says which samples these are: those with squared <= threshold^2.
    This is not a test; `copying_share` is one.

    Args:
        samples: Samples y_j, (m, ...).
        train: Training items t_i, (n, ...). Both hold bytes, or both hold floats of one scale.
        threshold: Distance in the unit of features; or None, to take the quantile of the distances of training items to
            their nearest other one, by `PROBES` of them.
        quantile: Quantile that is the threshold, in (0, 1).
        seed: Seed of the draw of these training items.

    Returns:
        The number of samples. Its error is m times `share_error` over samples. Its floor, quantile m, is the mean
        number of new items, for a training set of this size; it is None where the threshold was given. The floor
        depends on the draw of the threshold: `floor_low` and `floor_high` are m times the 95 % interval of the share of
        items within it. That is Clopper and Pearson's for r / 2 of probes / 2, where r probes lie within the threshold;
        the numbers are halved because two items may be each other's nearest. Its notes hold `threshold`; `share`;
        `exact copies`, samples at distance 0; `floor_low`, `floor_high`; `m`, `n`.

    Raises:
        BadInput: If a shape, a value, the threshold or the quantile is wrong, or there are fewer than two training
            items to find the threshold by.
    """
    x, t = flatten_pair(samples, train, "samples", "train")
    if threshold is not None and not (math.isfinite(threshold) and threshold >= 0):
        raise BadInput(f"threshold: found {threshold}, expected a distance of 0 or more. Change it.")
    if not 0 < quantile < 1:
        raise BadInput(f"quantile: found {quantile}, expected more than 0 and less than 1. Change it.")
    floor = None if threshold is not None else quantile * len(x)
    limit = _usual_squared(t, quantile, seed) if threshold is None else threshold**2
    squared = find_nearest(x, t)[1]
    count, m = int((squared <= limit).sum()), len(x)
    notes: dict[str, Note] = {"threshold": math.sqrt(limit), "share": count / m}
    notes |= {"exact copies": int((squared == 0).sum()), "m": m, "n": len(t)}
    if floor is not None:
        low, high = _share_interval(quantile, min(PROBES, len(t)))
        notes |= {"floor_low": m * low, "floor_high": m * high}
    return Estimate(count, m * share_error(count, m), floor, notes)


def logits_gap(train_logits: Array, held_out_logits: Array) -> Estimate:
    """Estimate the chance that the discriminator finds a training item more real than a held-out one.

        AUC = P(D(t) > D(x)) + P(D(t) = D(x)) / 2

    It is .5 if the discriminator has not learnt the training items. This is the attack of J. Hayes et al., LOGAN:
    membership inference attacks against generative models, 2019, section 4.1. It shows what D remembers, not what G
    does. The p-value is one-sided, for training items that look too real, see `chance_smaller`.

    Args:
        train_logits: D's logits of training items, (n,) or (n, 1), before or after a sigmoid.
        held_out_logits: D's logits of held-out items, (m,) or (m, 1), likewise.

    Returns:
        The chance. Its error is over both sets; its floor is .5. Its notes hold `p_two_sided`; `n` and `m`, the numbers
        of held-out and of training items; `ties`.

    Raises:
        BadInput: If a shape or a value is wrong.
    """
    return chance_smaller(
        -_column_of_logits(train_logits, "train_logits"), -_column_of_logits(held_out_logits, "held_out_logits")
    )


def _column_of_logits(given: Array, name: str) -> Floats:
    logits = torch.as_tensor(given).detach().cpu().double().numpy()
    if logits.ndim not in (1, 2) or logits.size == 0 or logits.size != len(logits):
        raise BadInput(f"{name}: found the shape {logits.shape}, expected (n,) or (n, 1). Give one logit an item.")
    if not np.isfinite(logits).all():
        count = int((~np.isfinite(logits)).sum())
        raise BadInput(f"{name}: found {count} values that are NaN or Inf, expected none. Check what made them.")
    return logits.reshape(-1)


def _both_sides(samples: Array, held_out: Array) -> tuple[tuple[Array, str], tuple[Array, str]]:
    """Both sides that are held against training items, and what an error calls them."""
    return (samples, "samples"), (held_out, "held_out")


def _farness(points: Array, train: Array, name: str, relative: bool) -> Floats:
    """A number of each point that is smaller the nearer it lies to the training items."""
    if relative:
        return -neighbour_gap(find_training_neighbours(points, train, name)).cpu().numpy()
    x, t = flatten_pair(points, train, name, "train")
    return find_nearest(x, t)[1].cpu().numpy()


def _farness_in_cell(
    cell: int, sets: tuple[Tensor, Tensor, Tensor], labels: Sequence[Tensor], whole: Sequence[Floats]
) -> tuple[Floats, Floats]:
    """The farness of a cell's samples and held-out items: of the whole, or from the cell's training items."""
    if whole:
        ours, theirs = (far[label.numpy() == cell] for far, label in zip(whole, labels[:2], strict=True))
        return ours, theirs
    x, held, t = (points[label == cell] for points, label in zip(sets, labels, strict=True))
    return _farness(x, t, "samples", False), _farness(held, t, "held_out", False)


def _usual_squared(t: Tensor, quantile: float, seed: int) -> float:
    """The quantile of squared distances of training items to their nearest other one."""
    if len(t) < 2:
        raise BadInput(f"train: found {len(t)} item, expected 2 or more, which have a distance. Give a threshold.")
    rows = torch.randperm(len(t), generator=torch.Generator().manual_seed(seed))[:PROBES]
    squared = find_nearest_others(t, 1, rows=rows)[1][:, 0].sort().values
    return float(squared[_quantile_rank(quantile, len(squared)) - 1])


def _quantile_rank(quantile: float, probes: int) -> int:
    """The rank of the quantile among so many numbers, counted from 1 for the smallest."""
    return max(1, math.ceil(quantile * probes))


def _share_interval(quantile: float, probes: int) -> tuple[float, float]:
    """The 95 % interval of the share of items within the r-th smallest distance of so many probes.

        Beta_.025(a, N - a + 1), Beta_.975(b + 1, N - b),    a = r / 2 - 1, b = r / 2, N = probes / 2

    C. Clopper and E. Pearson, The use of confidence or fiducial limits, 1934: a pairs lie nearer, b as near or nearer.

    >>> [round(share, 4) for share in _share_interval(0.01, 2000)]
    [0.0041, 0.0183]
    """
    pairs, most = probes / 2, _quantile_rank(quantile, probes) / 2
    least = most - 1
    low = float(scipy.stats.beta.ppf(0.025, least, pairs - least + 1)) if least > 0 else 0.0
    return low, float(scipy.stats.beta.ppf(0.975, most + 1, pairs - most)) if most < pairs else 1.0
