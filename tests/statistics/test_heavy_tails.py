"""Intervals whose error is uncertain: degrees of freedom by kurtosis, and ends on a log scale far from 0."""

import math

import numpy as np
import pytest
import scipy
import torch

from advnets import metrics
from advnets.statistics.heavy_tails import distance_interval, kurtosis, mean_degrees, reach, variance_degrees


def test_the_degrees_of_normal_numbers_are_their_number() -> None:
    x = torch.randn(20_000, generator=torch.Generator().manual_seed(0))
    assert kurtosis(x) == pytest.approx(3, abs=0.1)
    assert mean_degrees(x) == pytest.approx(20_000, rel=0.05)
    assert mean_degrees(x, x) == pytest.approx(40_000, rel=0.05)


def test_one_large_value_leaves_few_degrees() -> None:
    x = torch.zeros(1000)
    x[0] = 1.0
    assert mean_degrees(x) == pytest.approx(2.0, abs=0.01)
    assert variance_degrees([(1.0, 1.0, 5)]) == math.inf
    assert mean_degrees(torch.ones(5)) == math.inf


def test_kurtosis_does_not_overflow() -> None:
    assert kurtosis(torch.tensor([1e120, -1e120, 3e120], dtype=torch.float64)) == pytest.approx(1.5, abs=0.1)


def test_half_of_an_interval_is_students() -> None:
    assert reach(2.0, 5) == pytest.approx(2 * scipy.stats.t.ppf(0.975, 5))
    assert reach(2.0, math.inf) == pytest.approx(2 * 1.959964)


def test_ends_move_without_a_jump_and_keep_their_order() -> None:
    centres = np.linspace(-3, 12, 3001)
    lows, highs = np.array([distance_interval(float(c), 1.0, 30) for c in centres]).T
    assert (np.diff(lows) >= -1e-9).all()
    assert np.abs(np.diff(highs)).max() < 0.02
    assert (lows >= 0).all()
    assert (lows <= np.maximum(centres, 0)).all()
    assert (highs >= centres).all()
    assert distance_interval(0.0, 0.0, 5) == (0.0, 0.0)


def lognormal_distance(seed: int) -> tuple[float, float, float, float]:
    """Ends of the interval, ends of value - bias +- 1.96 error, for features whose distance is known."""
    rng, d = np.random.default_rng(seed), 4
    sigma, tau = np.linspace(1, 2, d), np.linspace(1.2, 1.3, d)
    x, y = (
        (np.exp(0.8 * rng.normal(size=(500, d))) - math.exp(0.32)) / math.sqrt(math.exp(0.64) * math.expm1(0.64)) * s
        for s in (sigma, tau)
    )
    found = metrics.frechet(x, y)
    assert found.interval is not None
    assert found.bias is not None
    centre, half = found.value - found.bias, 1.96 * found.standard_error
    return *found.interval, centre - half, centre + half


def test_the_frechet_interval_holds_the_distance_on_heavy_tails_where_an_even_one_does_not() -> None:
    truth = float(((np.linspace(1, 2, 4) - np.linspace(1.2, 1.3, 4)) ** 2).sum())
    ends = np.array([lognormal_distance(seed) for seed in range(150)])
    held, even = (int(((low <= truth) & (truth <= high)).sum()) for low, high in (ends.T[:2], ends.T[2:]))
    assert held >= 150 * 0.95 - 4 * math.sqrt(150 * 0.95 * 0.05)
    assert even < held
