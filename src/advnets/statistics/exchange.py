"""Tests of copying that hold for samples of any quality: training and held-out items are exchanged, not samples.

Samples of noise, or of other classes, stand out from their neighbours in other ways than held-out items do. But a
generator that has copied nothing cannot know which items of a pool it was trained on. So let all training and held-out
items be one pool, and give each item a score that looks at the samples and the pool alone. Given the scores, every
choice of the held-out ones among the items is equally likely, whatever the samples are.
"""

from dataclasses import dataclass

import numpy as np
import scipy
import torch
from torch import Tensor

from advnets.statistics.arrays import Floats
from advnets.statistics.distances import find_nearest_few
from advnets.statistics.gaps import gap_at_chance, neighbour_count, neighbour_gap
from advnets.statistics.mann_whitney import rank_score

SURE = 0.01
"""Chance that one of all samples stands out as far as a sure copy does, if none is one."""

SEVERAL = 3
"""Training items towards which sure copies stand out, unless they are exact."""


@dataclass(frozen=True)
class Pool:
    """The nearest items of samples in one pool of training and held-out items, of which equal ones count once.

    Attributes:
        training: Number of training items, which come first in the pool.
        held_out: Number of held-out items that are no training items too.
        neighbours: Number of nearest items that a gap is read from.
        nearest: The item nearest to each sample, (m,) int64.
        gaps: `neighbour_gap` of each sample, (m,) float64.
    """

    training: int
    held_out: int
    neighbours: int
    nearest: Tensor
    gaps: Tensor


def pool_neighbours(samples: Tensor, held_out: Tensor, train: Tensor) -> Pool:
    """Find the items nearest to samples among training and held-out ones.

    Args:
        samples: Samples, (m, d).
        held_out: Held-out items, (h, d); those that are training items too are left out.
        train: Training items, (n, d).

    Returns:
        The pool, and where samples stand out in it.

    Raises:
        BadInput: If the pool has fewer than `gaps.FEWEST` different items.
    """
    places, held = torch.unique(train, dim=0), torch.unique(held_out, dim=0)
    held = held[find_nearest_few(held, places, 1)[1][:, 0] > 0]
    k = neighbour_count(len(places) + len(held), "train")
    nearest, squared = find_nearest_few(samples, torch.cat([places, held]), k)
    return Pool(len(places), len(held), k, nearest[:, 0], neighbour_gap(squared))


def exchange_test(pool: Pool, control: Floats, quantile: float) -> float:
    """Test whether samples stand out towards training items, and too seldom towards held-out ones.

    The items that samples are nearest to and stand out towards are counted, each once, and how many of them are
    held-out ones: this is Fisher's exact test.

    Few copies show nothing in it. So it is left out where samples are nearer to training items than chance lets one of
    them be, and more of them than of a control. These must be exact copies, or stand out towards SEVERAL items: many
    samples beside one item may be those of a generator without variety, and the item may be near to the mean.

    Args:
        pool: Where samples stand out.
        control: Gaps of the control, (c,).
        quantile: Chance of `gap_at_chance` beyond which a sample stands out.

    Returns:
        The one-sided p-value, for copies: 1 where no sample stands out, 0 where the test is left out.
    """
    m, first, gaps = len(pool.gaps), pool.nearest, pool.gaps
    least = gap_at_chance(SURE / m, pool.neighbours)
    sure = (gaps > least) & (first < pool.training)
    if len(torch.unique(first[sure])) >= SEVERAL or bool(gaps[sure].isinf().any()):
        other, count = int((control > least).sum()), int(sure.sum())
        if scipy.stats.hypergeom.sf(count - 1, m + len(control), m, count + other) < SURE:
            return 0.0
    hits = torch.unique(first[gaps > gap_at_chance(quantile, pool.neighbours)])
    held = int((hits >= pool.training).sum())
    return float(scipy.stats.hypergeom.cdf(held, pool.training + pool.held_out, pool.held_out, len(hits)))


def exchange_rank_test(pool: Pool) -> float:
    """Test whether samples stand out more towards training items than towards held-out ones.

    The score of an item is the largest gap of the samples that are nearest to it, or 0 if there is none. Mann and
    Whitney's test asks whether training items have larger scores than held-out ones. It sees that many samples are a
    little too near, where `exchange_test` sees that some are far too near.

    Args:
        pool: Where samples stand out.

    Returns:
        The one-sided p-value, for copies, by the normal distribution: .5 or more if no held-out item is left.
    """
    scores = torch.zeros(pool.training + pool.held_out, dtype=torch.float64)
    scores.scatter_reduce_(0, pool.nearest.cpu(), pool.gaps.double().cpu(), "amax")
    ours, theirs = np.split(scores.numpy(), [pool.training])
    return float(scipy.stats.norm.cdf(rank_score(theirs, ours)))
