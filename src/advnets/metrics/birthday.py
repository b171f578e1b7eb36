"""Near-duplicates among samples, and the size of the support that their number implies.

Samples may lie nearer to each other than real items do, and none be a near-duplicate: blurred images do, and so do
images of a class that looks alike. So `duplicates` takes its threshold from the texture of the samples themselves: from
how far the nearest others of a sample stand out from its next ones, `neighbour_gap`, which neither density nor
dimension changes. `birthday` counts pairs within a distance that is rare among real items, and claims nothing where the
texture of the samples accounts for these pairs.
"""

import math
from collections.abc import Iterator

import numpy as np
import scipy
import torch
from torch import Tensor

from advnets.errors import BadInput
from advnets.statistics.arrays import Array, Floats
from advnets.statistics.ball_counts import count_in_balls
from advnets.statistics.distances import find_nearest_others, flatten_pair
from advnets.statistics.estimate import Estimate, Note, share_error
from advnets.statistics.gaps import FEWEST, NEIGHBOURS, count_beyond, neighbour_gap

LEAST = FEWEST + 1
"""Fewest items of a side: so many have a neighbourhood."""

SMALLEST_PART = 100
"""Fewest samples of a part. Of 25 images or more, a part has four samples each. In smaller parts a class that blurred
samples have drawn together would have so few as well, and would be taken for one image."""

DIRECT_PART = 400
"""Most points of a part whose distances are all computed directly."""

SMALLER = 3
"""How many times smaller each next part is."""

LEVEL = 0.01
"""Level at which `birthday` asks whether there are more pairs than among real items, and if texture explains it."""

COLLAPSED = 0.1
"""Share of near pairs from which on `birthday` asks no longer, since samples of so few images have no texture."""


def duplicates(samples: Array, real: Array, *, quantile: float = 0.01, seed: int = 0) -> Estimate:
    """Count the pairs of samples that stand out as near-duplicates, and test the count against real items.

        #{(i, j): j nearest of i, i nearest of j, min(T_i, T_j) > T_(r)},    r = ceil(quantile h)

    T is `neighbour_gap` among samples, and T_(r) the r-th largest of the h pairs of real items that are each other's
    nearest. So the threshold is one of texture, not a distance. Of g equal items, half of g pairs have an infinite T.

    Where an image is drawn more often than `neighbour_gap` looks, its draws hide each other. So all samples are cut, at
    random, into parts of n, n / 3, n / 9, ... samples too, real items into parts as large, and pairs are counted within
    parts of SMALLEST_PART or more: draws of fewer than some 25 images, if no two are equal, do not stand out. The
    sizes, of which the one with the least p-value is reported, and two quantiles, the given one and a tenth of it,
    count as so many tests (Bonferroni).

    Args:
        samples: Samples, (m, ...), 6 or more, all of which are looked at.
        real: Real items, (N, ...), 6 or more. Both sides hold bytes, or both hold floats of one scale.
        quantile: Share of real pairs that is the threshold, in (0, 1).
        seed: Seed of the parts.

    Returns:
        The number of pairs. Its error is that of a share of the pairs that are each other's nearest; its floor is the
        mean for real items. Its p-value is one-sided, for more pairs among samples, see `count_beyond`. Its notes hold
        `threshold`; `part`, the samples of a part; `exact`, pairs of equal samples; `n` and `real`, the numbers of
        both.

    Raises:
        BadInput: If a shape, a value or the quantile is wrong, or there are fewer than 6 samples or real items.
    """
    y, x = _pair(samples, real, quantile)
    orders = _orders(y, x, seed)
    found: list[tuple[int, Floats, Floats]] = []
    for part in _part_sizes(len(y)):
        ours, theirs = (_pair_gaps(z, order, part) for z, order in orders)
        found.append((part, ours, theirs))
    tests = [
        (count_beyond(ours, theirs, level)[2], part, ours, theirs)
        for part, ours, theirs in found
        if len(theirs)
        for level in (quantile, quantile / 10)
    ]
    if not tests:
        raise BadInput("real: found no two items that are each other's nearest, expected some. Give more real items.")
    p_value, part, ours, theirs = min(tests, key=lambda test: test[0])
    count, rank, _ = count_beyond(ours, theirs, quantile)
    notes: dict[str, Note] = {"threshold": float(np.sort(theirs)[-rank]), "part": part}
    notes |= {"exact": int(np.isinf(found[0][1]).sum()), "n": len(y), "real": len(x)}
    pairs = max(len(ours), 1)
    floor = pairs * rank / (len(theirs) + 1)
    return Estimate(count, pairs * share_error(count, pairs), floor, notes, p_value=min(1.0, len(tests) * p_value))


def birthday(samples: Array, real: Array, *, quantile: float = 0.01, seed: int = 0) -> Estimate:
    """Estimate how many equally likely samples would collide as often as these do.

    It is 1 over the chance that two samples are near-duplicates:

        m (m - 1) / 2 / C,    C = sum_(i < j) 1[|y_i - y_j| <= threshold]

    S. Arora, A. Risteski and Y. Zhang, Do GANs learn the distribution? Some theory and empirics, 2018, section 4. No
    human looks at the pairs here. Where some samples are likelier than others, the support is larger: the value
    estimates 1 / sum_s p_s^2 for probabilities p_s, which is a lower bound of the support.

    The threshold is a low quantile of the distances of real items to their nearest other one, in one half of them,
    drawn by the seed; the floor is of the other half, so that the threshold favours neither side. Where more pairs of
    samples than of real items are so near, and `duplicates` does not find that they stand out, the samples are smoother
    than the real items, and nothing is claimed. Where a tenth of all pairs collide, it is not asked.

    The interval is the exact Poisson interval of C (F. Garwood, 1936). It covers the draw of samples alone. It is too
    narrow where many samples share a duplicate, and ignores that the value depends on the threshold. Read it beside
    the floor, which is the value of as many real items.

    Without a collision the value is the largest support for which 95 % of such draws would have shown a collision.
    It has no interval then; the note `low` gives the lower end, and there is no upper end.

    Args:
        samples: Samples, as in `duplicates`, all of which are looked at.
        real: Real items, as in `duplicates`, 12 or more.
        quantile: Quantile of real nearest distances that is the threshold, in (0, 1).
        seed: Seed of the draws.

    Returns:
        The size of the support, without a standard error. Its notes hold `collisions`; `at least` and
        `floor at least`, whether the value and the floor are lower bounds for want of collisions; `floor_low` and
        `floor_high`, the floor's Poisson interval, without `floor_high` if no real items collide; `low`, where the
        value is a lower bound; `threshold` in the unit of features; `n`; `real pairs`.

    Raises:
        BadInput: As `duplicates` does, or where the samples are smoother than the real items.
    """
    y, x = _pair(samples, real, quantile, least=2 * LEAST)
    halves = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed)).to(x.device)
    reference, others = x[halves[: len(x) // 2]], x[halves[len(x) // 2 :]]
    usual = find_nearest_others(reference, 1)[1][:, 0].sort().values
    squared = usual[math.ceil(quantile * len(usual)) - 1]
    count, real_count = _count_near(y, squared), _count_near(others, squared)
    pairs, real_pairs = (len(z) * (len(z) - 1) / 2 for z in (y, others))
    more = scipy.stats.binom.sf(count - 1, count + real_count, pairs / (pairs + real_pairs))
    if more < LEVEL and count < COLLAPSED * pairs:
        _expect_more_than_texture(duplicates(y, x, quantile=quantile, seed=seed), count)
    notes: dict[str, Note] = {"threshold": math.sqrt(float(squared)), "n": len(y), "real pairs": real_count}
    notes |= {"collisions": count, "at least": count == 0, "floor at least": real_count == 0}
    value, floor = (all_ / (c if c > 0 else -math.log(0.05)) for c, all_ in ((count, pairs), (real_count, real_pairs)))
    low, notes["floor_low"] = pairs / _poisson_bound(count, 0.975), real_pairs / _poisson_bound(real_count, 0.975)
    if real_count:
        notes["floor_high"] = real_pairs / _poisson_bound(real_count, 0.025)
    if not count:
        return Estimate(value, None, floor, notes | {"low": low})
    return Estimate(value, None, floor, notes, (low, pairs / _poisson_bound(count, 0.025)))


def _expect_more_than_texture(found: Estimate, count: int) -> None:
    """Raise BadInput if near-duplicates do not stand out among the samples."""
    if found.p_value is not None and found.p_value >= LEVEL:
        raise BadInput(
            f"found {count:,} pairs that are nearer than real images are, but none that stand out among these samples: "
            "they are smoother than real images, or of fewer kinds, and how many different ones there are cannot be "
            "told; duplicates says more"
        )


def _poisson_bound(count: int, level: float) -> float:
    """The end at that level of Garwood's interval for the mean of a Poisson number; the lower one takes count > 0."""
    return float(scipy.stats.chi2.ppf(level, 2 * count + (2 if level > 0.5 else 0)) / 2)


def _pair(samples: Array, real: Array, quantile: float, least: int = LEAST) -> tuple[Tensor, Tensor]:
    if not 0 < quantile < 1:
        raise BadInput(f"quantile: found {quantile}, expected more than 0 and less than 1. Change it.")
    y, x = flatten_pair(samples, real, "samples", "real")
    if len(y) < LEAST or len(x) < least:
        found = f"{len(y)} samples and {len(x)} real items"
        raise BadInput(f"samples and real: found {found}, expected at least {LEAST} and {least}. Give more.")
    return y, x


def _orders(y: Tensor, x: Tensor, seed: int) -> list[tuple[Tensor, Tensor]]:
    """Both sides with a random order of each, by which they are cut."""
    rng = torch.Generator().manual_seed(seed)
    return [(z, torch.randperm(len(z), generator=rng).to(z.device)) for z in (y, x)]


def _part_sizes(n: int) -> Iterator[int]:
    """The sizes of parts: all n, and ever smaller ones."""
    yield n
    part = n // SMALLER
    while part >= SMALLEST_PART:
        yield part
        part //= SMALLER


def _pair_gaps(points: Tensor, order: Tensor, part: int) -> Floats:
    """The lesser gap of every two points of a part that are each other's nearest, in parts of about that size."""
    parts = torch.tensor_split(order, max(1, round(len(order) / part)))
    return np.concatenate([_gaps_within(points[rows]) for rows in parts])


def _gaps_within(points: Tensor) -> Floats:
    counts = torch.unique(points, dim=0, return_counts=True)[1]
    equal = np.full(int((counts // 2).sum()), math.inf)
    index, squared = _find_neighbours(points, min(NEIGHBOURS, len(points) - 1))
    nearest, gap = index[:, 0], neighbour_gap(squared)
    itself = torch.arange(len(points), device=points.device)
    first = (nearest[nearest] == itself) & (itself < nearest) & (squared[:, 0] > 0)
    return np.concatenate([equal, torch.minimum(gap, gap[nearest])[first].cpu().numpy()])


def _find_neighbours(points: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """As `find_nearest_others`; a small part is searched by direct differences, which costs less."""
    if len(points) > DIRECT_PART:
        return find_nearest_others(points, k)
    far = torch.cdist(points.double(), points.double(), compute_mode="donot_use_mm_for_euclid_dist").square()
    far.fill_diagonal_(math.inf)
    squared, index = far.sort(dim=1, stable=True)
    return index[:, :k], squared[:, :k]


def _count_near(points: Tensor, squared: Tensor) -> int:
    """How many pairs of points lie within the threshold."""
    held = count_in_balls(points, points, squared.expand(len(points)), strict=False)[0].points_in_ball
    return int((held - 1).sum()) // 2  # each holds itself, at distance 0
