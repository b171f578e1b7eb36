"""Intervals whose error is uncertain: degrees of freedom by kurtosis, and ends on a log scale far from 0."""

import math

import calibration_tails
import numpy as np
import pytest
import scipy
import torch

from advnets import data, metrics
from advnets.statistics.heavy_tails import (
    HEAVIEST,
    are_too_heavy,
    distance_interval,
    kurtosis,
    mean_degrees,
    reach,
    tail_weight,
    variance_degrees,
)


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


def test_tail_weights_are_those_of_the_distribution_functions() -> None:
    """Of a normal: (phi(1.645) / .05) / (phi(0) / .5); of a uniform: .95 / .5; of an exponential: tails by parts."""
    p = (torch.arange(200_000, dtype=torch.float64) + 0.5) / 200_000
    normal = scipy.stats.norm
    assert tail_weight(torch.from_numpy(normal.ppf(p))) == pytest.approx(
        10 * normal.pdf(normal.ppf(0.95)) / normal.pdf(0), rel=1e-3
    )
    assert tail_weight(p) == pytest.approx(1.9, rel=1e-4)
    low = 1 - 0.95 * (1 - math.log(0.95))  # integral of -log(1 - p) up to .05
    upper, lower, half = 1 + math.log(20), low / 0.05, 2 * (1 - math.log(2)) / 2
    assert tail_weight(-(1 - p).log()) == pytest.approx((upper - lower) / (1 + math.log(2) - half), rel=1e-3)
    assert tail_weight(torch.ones(9)) == 0


def test_a_side_without_variance_does_not_count_as_heavy() -> None:
    heavy, even = torch.zeros(1000), torch.linspace(-1, 1, 1000)
    heavy[:30] = 3.0
    assert are_too_heavy(heavy, heavy)
    assert tail_weight(heavy) >= HEAVIEST
    assert are_too_heavy(even, heavy)
    assert not are_too_heavy(even, 1e-3 * heavy)


def test_the_kernel_distance_has_no_error_where_few_large_values_decide() -> None:
    """Of lognormal features none of 20 sets has one, of t of 5 all but few have, as counted by the benchmark."""
    cells = calibration_tails.feature_cells("kid")
    rngs = [np.random.default_rng(seed) for seed in range(20)]
    found = [cells["kid | lognormal | 500, 500, 4"].draw(rng) for rng in rngs]
    assert all(one.bounds is None and one.notes["heavy_tails"] for one in found)
    kept = [cells["kid | t5 | 1000, 1000, 16"].draw(rng).bounds for rng in rngs[:10]]
    assert sum(ends is not None for ends in kept) >= 8


@pytest.mark.parametrize("damage", ["none", "noise in one of 50", "dimmed", "one image"])
def test_the_kernel_distance_of_digits_has_an_interval(damage: str) -> None:
    digits = data.load("digits")
    images = torch.cat([digits.train.values, digits.validation.values]).float()
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
    samples, real = images[order[:200]].clone(), images[order[200:800]]
    if damage == "noise in one of 50":
        samples[:4] = real.amax() * torch.rand(samples[:4].shape, generator=torch.Generator().manual_seed(1))
    samples *= 0.8 if damage == "dimmed" else 1
    samples = samples[:1].expand(200, *samples.shape[1:]) if damage == "one image" else samples
    assert metrics.kernel_distance(samples / 255, real / 255).bounds is not None


@pytest.mark.parametrize(
    ("group", "cell", "sets"),
    [
        ("inception_score", "sure 3.0 | 10 splits of 30", 200),
        ("spectrum", "contrast 0.3, slope 1.1 | 100, 400", 150),
    ],
)
def test_an_interval_holds_what_it_estimates_where_it_used_not_to(group: str, cell: str, sets: int) -> None:
    """Cells of the benchmark: 95 % less three standard errors."""
    held, _, none = calibration_tails.count(calibration_tails.GROUPS[group]()[f"{group} | {cell}"], sets)
    assert none == 0
    assert held >= sets * 0.95 - 3 * math.sqrt(sets * 0.95 * 0.05)


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
