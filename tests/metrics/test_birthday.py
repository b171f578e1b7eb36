"""Near-duplicates against their definition, a support of known size, and p-values under the null over 300 seeds."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import poisson

from advnets.errors import BadInput
from advnets.metrics import birthday, duplicates


def normal(n: int, d: int = 4, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(size=(n, d))


def with_copies(n: int, d: int, copies: int, seed: int) -> NDArray[np.float64]:
    """Samples of which so many are another one, moved by a thousandth."""
    x = normal(n, d, seed)
    x[:copies] = x[copies : 2 * copies] + 1e-3 * normal(copies, d, seed + 1)
    return x


def pairs(x: NDArray[np.float64], threshold: float) -> int:
    far = np.linalg.norm(x[:, None] - x[None], axis=2)
    return int((far[np.triu_indices(len(x), 1)] <= threshold).sum())


def test_pairs_are_counted_by_definition() -> None:
    """Every sample is looked at, whatever the number of real items is."""
    y, x = with_copies(80, 4, 9, 1), normal(160)
    found = birthday(y, x, quantile=0.1)
    assert found.notes["collisions"] == pairs(y, found.notes["threshold"]) >= 9
    assert found.notes["n"] == 80
    assert duplicates(y, x).notes["n"] == 80


def test_pairs_that_stand_out_are_those_of_the_gaps() -> None:
    """Gaps written out, of samples that are each other's nearest."""
    y, x = with_copies(60, 6, 5, 1), normal(60, 6, 7)

    def gaps(z: NDArray[np.float64]) -> NDArray[np.float64]:
        far = np.linalg.norm(z[:, None] - z, axis=2) + np.diag(np.full(len(z), np.inf))
        nearest, ten = far.argmin(1), np.sort(far, axis=1)[:, :10]
        steps = np.arange(1, 10) * np.log(ten[:, 1:] / ten[:, :-1])
        gap, every = steps[:, :3].max(1) / steps[:, 3:].mean(1), np.arange(len(z))
        first = (nearest[nearest] == every) & (every < nearest)
        return np.minimum(gap, gap[nearest])[first]

    ours, theirs = gaps(y), gaps(x)
    found = duplicates(y, x)
    assert found.notes["part"] == 60
    assert found.notes["threshold"] == pytest.approx(theirs.max())
    assert found.value == (ours > theirs.max()).sum() >= 5
    assert found.floor == pytest.approx(len(ours) / (len(theirs) + 1))


def test_one_duplicate_in_ten_is_found_and_none_among_real() -> None:
    found = duplicates(with_copies(600, 8, 60, 1), normal(1200, 8, 5))
    assert found.p_value < 0.01
    assert found.value > found.floor + 40
    clean = duplicates(normal(600, 8, 7), normal(1200, 8, 5))
    assert clean.p_value > 0.05


def test_twenty_pairs_in_a_thousand_are_found_beside_as_many_real_items() -> None:
    found = [duplicates(with_copies(1000, 8, 20, 3 * s), normal(1000, 8, 3 * s + 2)).p_value for s in range(4)]
    assert all(p < 0.01 for p in found)  # of 12 on MNIST and CIFAR-10: benchmarks/accusations.py


@pytest.mark.parametrize("originals", [300, 100, 40, 4])
def test_samples_of_few_originals_are_found_however_few_they_are(originals: int) -> None:
    rng = np.random.default_rng(originals)
    samples = normal(originals, 8, 1)[rng.integers(originals, size=600)] + 1e-3 * normal(600, 8, 2)
    found = duplicates(samples, normal(600, 8, 3))
    assert found.p_value < 0.01 or originals < 25
    assert 0.7 < birthday(samples, normal(600, 8, 4)).value / originals < 1.4


def crowd(n: int, seed: int, scale: float) -> NDArray[np.float64]:
    """Two kinds of images, of which one is of fewer dimensions and lies more densely the more they are blurred."""
    x = normal(n, 10, seed)
    x[: n // 4, 4:] = 0
    x[: n // 4] = x[: n // 4] * scale + 20
    return x


def test_smooth_samples_have_no_more_duplicates_and_their_number_is_not_told() -> None:
    """A kind that lies three times as densely has many pairs within the distance of real ones, and none stands out."""
    samples, real = crowd(1500, 1, 0.1), crowd(1500, 2, 1)
    assert duplicates(samples, real).p_value > 0.01
    with pytest.raises(BadInput, match="smoother than real images"):
        birthday(samples, real)
    samples[:60] = samples[60:120]
    assert duplicates(samples, real).p_value < 1e-6


@pytest.mark.parametrize("seeds", [100, pytest.param(300, marks=pytest.mark.slow)])
@pytest.mark.parametrize("lattice", [False, True])
def test_p_values_are_valid_where_samples_are_real(lattice: bool, seeds: int) -> None:
    """On the lattice one point has many duplicates, so that pairs depend on one another strongly."""
    p_values = []
    for s in range(seeds):
        y, x = normal(40, 2, 2 * s), normal(90, 2, 2 * s + 1)
        y, x = (np.round(2 * y), np.round(2 * x)) if lattice else (y, x)
        p_values.append(duplicates(y, x, quantile=0.1, seed=s).p_value)
    assert np.mean(np.array(p_values) <= 0.05) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / seeds)


def test_the_error_is_about_the_spread_of_draws() -> None:
    x = normal(240, 2, 0)
    draws = [
        found for s in range(1, 30) if (found := duplicates(normal(240, 2, s), x, quantile=0.2)).notes["part"] == 240
    ]
    spread = np.std([draw.value for draw in draws], ddof=1)
    assert 0.7 * spread < np.mean([draw.standard_error for draw in draws]) < 2 * spread


def test_a_support_of_known_size_is_found() -> None:
    """Samples are 300 points drawn again and again: the interval holds 300 in about 95 draws of 100."""
    support, real, hits = 100 * normal(300, 8), normal(400, 8, 1), 0
    for s in range(40):
        found = birthday(support[np.random.default_rng(s).integers(300, size=200)], real)
        assert found.interval[0] < found.value < found.interval[1]
        hits += found.interval[0] < 300 < found.interval[1]
    assert hits >= 34


def test_the_interval_is_poissons() -> None:
    found = birthday(with_copies(100, 8, 6, 1), 100 * normal(200, 8))
    assert found.notes["collisions"] >= 6
    count, total = found.notes["collisions"], 100 * 99 / 2
    low, high = (total / end for end in found.interval)
    assert poisson.sf(count - 1, high) == pytest.approx(0.025)
    assert poisson.cdf(count, low) == pytest.approx(0.025)


def test_without_a_collision_the_support_is_at_least_so_large() -> None:
    found = birthday(1000 * normal(50), normal(100))
    assert found.notes["at least"] is True
    assert found.interval is None
    assert math.exp(-50 * 49 / 2 / found.value) == pytest.approx(0.05)
    assert birthday(with_copies(50, 4, 5, 1), normal(100)).notes["at least"] is False


def test_a_collapsed_generator_has_a_support_of_one() -> None:
    found = birthday(np.repeat(normal(1), 50, 0), normal(200))
    assert found.value == 1
    assert duplicates(np.repeat(normal(1), 50, 0), normal(200)).value == 25


def test_the_seed_decides_the_draw_and_scale_does_not() -> None:
    y, x = with_copies(90, 4, 5, 1), normal(120)
    assert duplicates(y, x) == duplicates(y, x)
    moved = duplicates(8 * y, 8 * x)
    assert (moved.value, moved.p_value) == (duplicates(y, x).value, duplicates(y, x).p_value)
    assert birthday(y, x, seed=1) != birthday(y, x)


def test_what_cannot_be_counted_is_refused() -> None:
    for measure in (duplicates, birthday):
        with pytest.raises(BadInput, match="5 samples and 90 real"):
            measure(normal(5), normal(90))
        with pytest.raises(BadInput, match="90 samples and 5 real"):
            measure(normal(90), normal(5))
        with pytest.raises(BadInput, match="quantile"):
            measure(normal(9), normal(9), quantile=1)
        with pytest.raises(BadInput, match="NaN or Inf"):
            measure(np.full((9, 4), np.nan), normal(9))
        with pytest.raises(BadInput, match="4 and 3"):
            measure(normal(9), normal(9, 3))
