"""Tests that exchange training and held-out items: exact under the null whatever the samples are, and not blind."""

import numpy as np
import pytest
import torch
from scipy.stats import fisher_exact, mannwhitneyu

from advnets.statistics.exchange import Pool, exchange_rank_test, exchange_test, pool_neighbours
from advnets.statistics.gaps import gap_at_chance

DRAWS = 400


def normal(n: int, d: int, seed: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(n, d)))


def test_both_are_fishers_and_mann_whitneys_on_items() -> None:
    gaps = torch.from_numpy(np.random.default_rng(0).exponential(size=60)) * gap_at_chance(0.05, 10)
    nearest = torch.from_numpy(np.random.default_rng(1).integers(0, 50, 60))
    pool = Pool(training=30, held_out=20, neighbours=10, nearest=nearest, gaps=gaps)
    scores = [max([float(g) for g, i in zip(gaps, nearest, strict=True) if i == item], default=0) for item in range(50)]
    rank = mannwhitneyu(scores[:30], scores[30:], alternative="greater", method="asymptotic").pvalue
    assert exchange_rank_test(pool) == pytest.approx(rank)
    over = [score > gap_at_chance(0.3, 10) for score in scores]
    table = [[sum(over[30:]), 20 - sum(over[30:])], [sum(over[:30]), 30 - sum(over[:30])]]
    assert exchange_test(pool, np.ones(100), 0.3) == pytest.approx(fisher_exact(table, alternative="less").pvalue)


@pytest.mark.parametrize("scale", [0.3, 1.0, 4.0])
def test_under_the_null_each_is_below_a_level_that_often_at_most(scale: float) -> None:
    """Samples of another spread than the data's, far off or close to the mean, are no copies."""
    found = []
    for seed in range(DRAWS):
        pool = pool_neighbours(
            scale * normal(60, 5, 3 * seed), normal(50, 5, 3 * seed + 1), normal(100, 5, 3 * seed + 2)
        )
        found.append((exchange_test(pool, np.zeros(0), 0.1), exchange_rank_test(pool)))
    assert (np.array(found) <= 0.05).sum(0).max() <= 33  # of 400 draws, 20 on average: more in 1 of 400 studies


def test_samples_that_are_a_little_near_are_seen_by_ranks_alone() -> None:
    train, held_out = normal(400, 8, 1), normal(200, 8, 2)
    pool = pool_neighbours(train + 0.8 * normal(400, 8, 3), held_out, train)
    assert exchange_rank_test(pool) < 1e-3
    assert exchange_test(pool, np.zeros(0), 0.01) > 0.01


def test_a_pool_without_held_out_items_says_nothing() -> None:
    train = normal(50, 3, 0)
    pool = pool_neighbours(normal(20, 3, 1), train[:10], train)
    assert (pool.training, pool.held_out) == (50, 0)
    assert exchange_rank_test(pool) == 0.5
    assert exchange_test(pool, np.zeros(0), 0.01) == 1
