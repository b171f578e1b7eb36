"""Coverage against its definition written out, its exact expectation, and by construction."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from advnets.errors import BadInput
from advnets.metrics import coverage, expected_coverage, nearness
from advnets.statistics.estimate import share_error


def normal(n: int, d: int = 6, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(size=(n, d))


def direct(y: NDArray[np.float64], x: NDArray[np.float64], k: int) -> float:
    """Naeem et al. 2020, eq. 9, by loops."""
    covered = 0
    for i, point in enumerate(x):
        others = np.sort([np.linalg.norm(point - other) for j, other in enumerate(x) if j != i])
        covered += min(np.linalg.norm(point - sample) for sample in y) < others[k - 1]
    return covered / len(x)


@pytest.mark.parametrize("k", [1, 3, 5])
@pytest.mark.parametrize("block", [(7, 5), (1024, 4096)])
def test_coverage_is_its_definition(k: int, block: tuple[int, int]) -> None:
    y, x = normal(45) * 0.6 + 0.3, normal(60, seed=1)
    found = coverage(y, x, k=k, block=block)
    assert found.value == pytest.approx(direct(y, x, k), abs=1e-12)
    assert found.notes == {"n": 60, "m": 45, "k": k}


def test_the_published_arrays_of_the_specification() -> None:
    """X of 500 and Y of 500 in 32 dimensions: coverage .584 at k = 3 and .788 at k = 5, by brute force elsewhere."""
    x = np.random.RandomState(0).randn(500, 32)
    y = np.random.RandomState(1).randn(500, 32) * 1.1 + 0.1
    assert coverage(y, x, k=3).value == pytest.approx(0.584, abs=1e-12)
    assert coverage(y, x, k=5).value == pytest.approx(0.788, abs=1e-12)


@pytest.mark.parametrize(("n", "m", "k", "d"), [(150, 150, 5, 4), (150, 60, 3, 12), (80, 200, 1, 2)])
def test_real_against_real_has_the_expected_coverage(n: int, m: int, k: int, d: int) -> None:
    """Within four standard errors of 100 draws; k + 1 or k - 1 would be many away."""
    values = [coverage(normal(m, d, 2 * t), normal(n, d, 2 * t + 1), k=k).value for t in range(100)]
    error = np.std(values, ddof=1) / np.sqrt(len(values))
    assert abs(np.mean(values) - expected_coverage(n, m, k)) < 4 * error
    assert abs(expected_coverage(n, m, k + 1) - expected_coverage(n, m, k)) > 4 * error


def test_the_expectation_counts_orders() -> None:
    """Two real points and one sample, k = 1: the sample is the nearer of two others with chance 1/2."""
    assert expected_coverage(2, 1, 1) == pytest.approx(1 / 2)
    assert expected_coverage(600, 600, 5) == pytest.approx(0.9691, abs=5e-5)
    assert expected_coverage(10**6, 10**6, 5) == pytest.approx(1 - 2**-5, abs=1e-5)


def test_the_error_is_the_jackknifes_over_samples_or_the_shares_over_real_points() -> None:
    y, x = normal(30), normal(50, seed=1)
    without = np.array([coverage(np.delete(y, j, 0), x).value for j in range(len(y))])
    of_samples = np.sqrt((len(y) - 1) * np.mean((without - without.mean()) ** 2))
    found = coverage(y, x)
    assert found.error == pytest.approx(of_samples, rel=1e-9)
    assert of_samples > share_error(round(50 * found.value), 50)
    assert coverage(np.repeat(x, 2, 0), x).error == share_error(50, 50)


@pytest.mark.parametrize(("n", "d"), [(20, 2), (20, 64), (50, 8), (250, 8)])
def test_the_error_covers_the_luck_of_both_sides(n: int, d: int) -> None:
    """Real samples are as real; by the jackknife over samples alone 47 % of draws of 20 were not, and 13 % of 50."""
    draws = [coverage(normal(n, d, 2 * t), normal(n, d, 2 * t + 1)) for t in range(80)]
    apart = [abs(draw.value - draw.floor) > 1.96 * draw.error for draw in draws]
    assert np.mean(apart) <= 0.06
    spread = np.std([draw.value for draw in draws], ddof=1)
    assert 0.9 < np.mean([draw.error for draw in draws]) / spread < 1.9


def test_half_the_modes_cover_half_the_points() -> None:
    x = np.concatenate([normal(50), normal(50, seed=1) + 100])
    assert coverage(normal(400, seed=2), x).value == pytest.approx(0.5, abs=0.02)
    assert coverage(normal(400, seed=2) + 1000, x).value == 0


def test_copies_of_the_data_cover_them_and_copies_of_one_point_few() -> None:
    x = normal(80) + 1e4
    assert coverage(x, x).value == 1
    assert coverage(np.repeat(x[:1], 80, 0), x).value < 0.2


def test_a_ball_without_extent_covers_nothing() -> None:
    assert coverage(np.zeros((4, 3)), np.zeros((9, 3))).value == 0


def test_what_cannot_be_measured_is_refused() -> None:
    for k in (0, 9):
        with pytest.raises(BadInput, match=r"expected 1\.\.8"):
            coverage(normal(5), normal(9), k=k)
    with pytest.raises(BadInput, match="6 and 4"):
        coverage(normal(5), normal(9, 4))
    with pytest.raises(BadInput, match="NaN or Inf"):
        coverage(torch.full((3, 6), float("nan")), normal(9))


def test_nearness_is_one_for_real_samples_less_for_copies_and_blur_more_for_noise() -> None:
    train, held_out = normal(400, seed=1), normal(300, seed=2)
    real = nearness(normal(300, seed=3), held_out, train)
    assert abs(real.value - 1) < 3 * real.error
    assert nearness(train[:50], held_out, train).value == 0
    assert nearness(0.5 * normal(300, seed=3), held_out, train).value < 0.8
    assert nearness(2 * normal(300, seed=3), held_out, train).value > 1.3


def test_the_error_of_nearness_is_calibrated() -> None:
    """Over 150 draws of samples and held-out points: the spread is what is told, and the mean 1."""
    train = normal(300, seed=1)
    found = [nearness(normal(80, seed=2 * s), normal(90, seed=2 * s + 1), train) for s in range(10, 160)]
    scores = np.array([(one.value - 1) / one.error for one in found])
    assert 0.8 < scores.std() < 1.2
    assert abs(scores.mean()) < 0.35


def test_held_out_copies_tell_nothing() -> None:
    with pytest.raises(BadInput, match="copies of training images"):
        nearness(normal(5), normal(9, seed=1)[:4], normal(9, seed=1))
